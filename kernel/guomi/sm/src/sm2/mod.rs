//! SM2 (GB/T 32918-2016, GM/T 0003-2012) on its recommended curve.

mod identity;
mod private;
mod public;
mod signature;

pub use identity::DEFAULT_ID;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use signature::Signature;
