//! SM2 (GB/T 32918-2016, GM/T 0003-2012) on its recommended curve.

mod cipher;
pub mod exchange;
mod identity;
mod private;
mod public;
mod signature;
mod signer;
mod verification;

pub use cipher::Layout;
pub use identity::DEFAULT_ID;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use signature::Signature;
pub use signer::Signer;

#[cfg(test)]
mod tests;
