//! SM2 signatures.

use super::error::right;
use super::{DIGEST, GuomiError, fixed};
use crate::bindings::guomi::weihe::guomi::types::SignatureForm;
use crate::kernel::guomi::{signer, verifier};

/// A private key that signs (GB/T 32918.2-2016), from [`Context::signer`](crate::Context::signer). The key stays in the
/// host.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::guomi::Verifier;
///
/// let signer = ctx.signer("meter")?;
/// let signature = signer.sign(b"1234.5 kWh")?;
/// Verifier::from_public_key(&signer.public_key())?.verify(b"1234.5 kWh", &signature)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signer {
    key: signer::Signer,
    id: Option<Vec<u8>>,
}

impl Signer {
    pub(super) fn new(key: signer::Signer) -> Self {
        Signer { key, id: None }
    }

    /// Under this name of the signer; without, it is `1234567812345678`, as with most of the world.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let signer = ctx.signer("meter")?.named("ALICE123@YAHOO.COM");
    /// # Ok(())
    /// # }
    /// ```
    pub fn named(mut self, id: impl AsRef<[u8]>) -> Self {
        self.id = Some(id.as_ref().to_vec());
        self
    }

    /// Signs a message: r and s, 32 bytes each.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Signer};
    /// # fn f(signer: Signer) -> Result<(), GuomiError> {
    /// let signature: [u8; 64] = signer.sign(b"1234.5 kWh")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], GuomiError> {
        let signature = self
            .key
            .sign(self.id.as_deref(), message, SignatureForm::Raw)?;
        fixed(signature)
    }

    /// Signs a message; the signature is in DER (GM/T 0009-2012, 7.3).
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Signer};
    /// # fn f(signer: Signer) -> Result<(), GuomiError> {
    /// assert_eq!(signer.sign_der(b"1234.5 kWh")?[0], 0x30);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>, GuomiError> {
        Ok(self
            .key
            .sign(self.id.as_deref(), message, SignatureForm::Der)?)
    }

    /// Signs e, a digest over Z and the message that the plugin has made itself (6.1, A1 and A2).
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Signer, Sm3};
    /// # fn f(signer: Signer, z: [u8; 32]) -> Result<(), GuomiError> {
    /// let mut e = Sm3::new();
    /// e.update(z);
    /// e.update(b"a message that is too long for one call");
    /// let signature = signer.sign_digest(&e.finish()?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sign_digest(&self, digest: &[u8; DIGEST]) -> Result<[u8; 64], GuomiError> {
        fixed(self.key.sign_digest(digest, SignatureForm::Raw)?)
    }

    /// The public key that checks what it signs, in SEC 1 form: `04`, x, y.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Signer;
    /// # fn f(signer: Signer) {
    /// assert_eq!(signer.public_key()[0], 4);
    /// # }
    /// ```
    pub fn public_key(&self) -> Vec<u8> {
        self.key.public_key()
    }
}

/// A public key that checks signatures (GB/T 32918.2-2016): of the key store, from
/// [`Context::verifier`](crate::Context::verifier), or one that the plugin has.
///
/// ```
/// use weihe_sdk::guomi::{GuomiError, Verifier};
///
/// fn check(point: &[u8], reading: &[u8], signature: &[u8]) -> Result<(), GuomiError> {
///     Verifier::from_public_key(point)?.verify(reading, signature)
/// }
/// ```
#[derive(Debug)]
pub struct Verifier {
    key: verifier::Verifier,
    id: Option<Vec<u8>>,
}

impl Verifier {
    pub(super) fn new(key: verifier::Verifier) -> Self {
        Verifier { key, id: None }
    }

    /// A public key in SEC 1 form: `04`, x, y, or compressed.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Verifier;
    /// assert!(Verifier::from_public_key(&[4; 65]).is_err(), "no point of the curve");
    /// ```
    pub fn from_public_key(point: &[u8]) -> Result<Self, GuomiError> {
        Ok(Self::new(verifier::Verifier::from_public_key(point)?))
    }

    /// The key of an X.509 certificate in DER. Neither its chain nor its times are looked at.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Verifier;
    /// assert!(Verifier::from_certificate(b"no certificate").is_err());
    /// ```
    pub fn from_certificate(der: &[u8]) -> Result<Self, GuomiError> {
        Ok(Self::new(verifier::Verifier::from_certificate(der)?))
    }

    /// Under this name of the signer; without, it is `1234567812345678`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let verifier = ctx.verifier("meter")?.named("ALICE123@YAHOO.COM");
    /// # Ok(())
    /// # }
    /// ```
    pub fn named(mut self, id: impl AsRef<[u8]>) -> Self {
        self.id = Some(id.as_ref().to_vec());
        self
    }

    /// Whether r and s are a signature of the message; [`GuomiError::Mismatch`] where not.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Verifier};
    /// # fn f(verifier: Verifier) {
    /// assert_eq!(verifier.verify(b"1234.5 kWh", &[0; 64]), Err(GuomiError::Mismatch));
    /// # }
    /// ```
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), GuomiError> {
        let id = self.id.as_deref();
        right(
            self.key
                .verify(id, message, signature, SignatureForm::Raw)?,
        )
    }

    /// The same for a signature in DER.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Verifier};
    /// # fn f(verifier: Verifier) {
    /// assert_eq!(verifier.verify_der(b"1234.5 kWh", b"no DER"), Err(GuomiError::Mismatch));
    /// # }
    /// ```
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), GuomiError> {
        let id = self.id.as_deref();
        right(
            self.key
                .verify(id, message, signature, SignatureForm::Der)?,
        )
    }

    /// Whether r and s are a signature of e, the digest over Z and the message.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Verifier};
    /// # fn f(verifier: Verifier) {
    /// assert_eq!(verifier.verify_digest(&[0; 32], &[0; 64]), Err(GuomiError::Mismatch));
    /// # }
    /// ```
    pub fn verify_digest(&self, digest: &[u8; DIGEST], signature: &[u8]) -> Result<(), GuomiError> {
        right(
            self.key
                .verify_digest(digest, signature, SignatureForm::Raw)?,
        )
    }

    /// The key itself, in SEC 1 form.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Verifier;
    /// # fn f(verifier: Verifier) {
    /// assert_eq!(verifier.public_key().len(), 65);
    /// # }
    /// ```
    pub fn public_key(&self) -> Vec<u8> {
        self.key.public_key()
    }
}
