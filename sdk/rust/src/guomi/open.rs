//! Opening keys from a context.

use super::{
    Decrypter, Encrypter, GuomiError, Initiator, KeyInfo, Parties, Responder, Secret, Signer, Uses,
    Verifier,
};
use crate::Context;

/// Keys of the host's key store, by the names that the grants in `weihe.toml` give them. What is opened ends with the
/// instance: a new one opens it again.
impl Context {
    /// What may be known of a key that is granted in some way.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let public = ctx.key("meter")?.public_key;
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(&self, name: &str) -> Result<KeyInfo, GuomiError> {
        self.kernel().key(name, None)
    }

    /// A symmetric key, for all of these uses.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::guomi::{Sm4Gcm, Uses};
    ///
    /// let archive = Sm4Gcm::new(ctx.secret("archive", Uses::ENCRYPT)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn secret(&self, name: &str, uses: Uses) -> Result<Secret, GuomiError> {
        self.kernel().secret(name, None, uses).map(Secret::new)
    }

    /// A version of a symmetric key: one that was replaced decrypts, verifies and can be exported until it is destroyed.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::guomi::{Sm4Gcm, Uses};
    ///
    /// // What was archived before the key was rotated.
    /// let before = Sm4Gcm::new(ctx.secret_version("archive", 1, Uses::DECRYPT)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn secret_version(
        &self,
        name: &str,
        version: u32,
        uses: Uses,
    ) -> Result<Secret, GuomiError> {
        self.kernel()
            .secret(name, Some(version), uses)
            .map(Secret::new)
    }

    /// A private key that signs; the grant must say `sign`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let signer = ctx.signer("meter")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn signer(&self, name: &str) -> Result<Signer, GuomiError> {
        self.kernel().signer(name).map(Signer::new)
    }

    /// A public key of the key store that checks signatures; the grant must say `verify`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let verifier = ctx.verifier("meter")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn verifier(&self, name: &str) -> Result<Verifier, GuomiError> {
        self.kernel().verifier(name, None).map(Verifier::new)
    }

    /// A version of a public key of the key store: for what was signed before the key was rotated.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let before = ctx.verifier_version("meter", 1)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn verifier_version(&self, name: &str, version: u32) -> Result<Verifier, GuomiError> {
        self.kernel()
            .verifier(name, Some(version))
            .map(Verifier::new)
    }

    /// A public key of the key store to encrypt for; the grant must say `encrypt`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let encrypter = ctx.encrypter("gateway")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn encrypter(&self, name: &str) -> Result<Encrypter, GuomiError> {
        self.kernel().encrypter(name).map(Encrypter::new)
    }

    /// A private key that decrypts; the grant must say `decrypt`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let decrypter = ctx.decrypter("gateway")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decrypter(&self, name: &str) -> Result<Decrypter, GuomiError> {
        self.kernel().decrypter(name, None).map(Decrypter::new)
    }

    /// A version of a private key: for what was encrypted before the key was rotated.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let before = ctx.decrypter_version("gateway", 1)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decrypter_version(&self, name: &str, version: u32) -> Result<Decrypter, GuomiError> {
        self.kernel()
            .decrypter(name, Some(version))
            .map(Decrypter::new)
    }

    /// Begins an agreement; the grant must say `agree`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context, peer_key: &[u8]) -> Result<(), Error> {
    /// use weihe_sdk::guomi::Parties;
    ///
    /// let initiator = ctx.initiator("gateway", &Parties::new(peer_key, 16))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn initiator(&self, key: &str, parties: &Parties) -> Result<Initiator, GuomiError> {
        self.kernel()
            .initiator(key, &parties.wire())
            .map(Initiator::new)
    }

    /// Makes ready to answer an agreement; the grant must say `agree`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context, peer_key: &[u8]) -> Result<(), Error> {
    /// use weihe_sdk::guomi::Parties;
    ///
    /// let responder = ctx.responder("meter", &Parties::new(peer_key, 16))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn responder(&self, key: &str, parties: &Parties) -> Result<Responder, GuomiError> {
        self.kernel()
            .responder(key, &parties.wire())
            .map(Responder::new)
    }
}
