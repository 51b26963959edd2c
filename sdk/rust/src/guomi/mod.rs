//! National cryptography: SM3, HMAC-SM3, SM4 and SM2, computed by the host at its speed, with keys that stay there.
//!
//! Keys of the host are opened by name from the [`Context`](crate::Context), and need a grant in `weihe.toml` that
//! names key and use. What needs no key is there without a context: [`Sm3`], [`random`], and keys that a plugin
//! brings itself ([`Secret::from_bytes`]).
//!
//! ```
//! use weihe_sdk::guomi::{Signer, Sm4Gcm, Uses};
//! use weihe_sdk::prelude::*;
//!
//! /// Seals what it hears, and signs it.
//! struct Vault {
//!     seal: Sm4Gcm,
//!     signer: Signer,
//! }
//!
//! impl Plugin for Vault {
//!     # type Config = NoConfig;
//!     # type Command = NoCommand;
//!     # type State = NoState;
//!     # fn describe() -> Description { Description::new("vault", "0.1.0", "Seals and signs") }
//!     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
//!         ctx.subscribe("plant/#")?;
//!         Ok(Vault {
//!             seal: Sm4Gcm::new(ctx.secret("archive", Uses::ENCRYPT)?),
//!             signer: ctx.signer("gateway")?,
//!         })
//!     }
//!
//!     fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
//!         let reading = format!("{}={:?}", event.topic, event.value);
//!         let sealed = self.seal.seal(event.topic.as_bytes(), reading.as_bytes())?;
//!         let signature = self.signer.sign(&sealed)?;
//!         let topic = ctx.own_topic("sealed")?;
//!         ctx.publish_on(topic, &[&sealed[..], &signature].concat()[..]);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! | what | by |
//! |---|---|
//! | SM3 (GB/T 32905) | [`Sm3`] |
//! | HMAC-SM3 | [`Hmac`] |
//! | SM4-GCM, SM4-CCM | [`Sm4Gcm`], [`Sm4Ccm`], [`Sealing`] |
//! | SM4 in ECB, CBC and CTR (GB/T 32907) | [`Sm4`], [`Sm4Stream`] |
//! | SM2 signatures (GB/T 32918.2) | [`Signer`], [`Verifier`] |
//! | SM2 encryption (GB/T 32918.4) | [`Encrypter`], [`Decrypter`] |
//! | SM2 key agreement (GB/T 32918.3) | [`Initiator`], [`Responder`] |
//!
//! Native tests compute with the same algorithms; [`Setup::key`](crate::testing::Setup::key) gives them keys.

mod aead;
mod agreement;
mod cipher;
mod digest;
mod encryption;
mod error;
mod gathered;
mod mac;
mod open;
mod random;
mod secret;
mod signature;

pub use aead::{NONCE, Sealing, Sm4Ccm, Sm4Gcm, TAG};
pub use agreement::{Initiator, Parties, Responder};
pub use cipher::{Mode, Padding, Sm4, Sm4Stream};
pub use digest::Sm3;
pub use encryption::{CiphertextForm, Decrypter, Encrypter};
pub use error::GuomiError;
pub use mac::Hmac;
pub use random::random;
pub use secret::{KeyInfo, Secret, Uses};
pub use signature::{Signer, Verifier};

/// Bytes of an SM3 digest, and of a code of HMAC-SM3.
///
/// ```
/// assert_eq!(weihe_sdk::guomi::Sm3::digest(b"abc")?.len(), weihe_sdk::guomi::DIGEST);
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
pub const DIGEST: usize = 32;

/// An answer of the host that has always as many bytes.
fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], GuomiError> {
    let wrong = |bytes: Vec<u8>| {
        GuomiError::Malformed(format!(
            "the host returned {} bytes instead of {N}",
            bytes.len()
        ))
    };
    bytes.try_into().map_err(wrong)
}
