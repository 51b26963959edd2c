use super::{PrivateKey, PublicKey, Signature};
use crate::Error;

/// What signs certificates and requests: a private key here, or one in a device that only gives signatures.
pub trait Signer {
    /// The public key with which its signatures are verified.
    fn public_key(&self) -> PublicKey;

    /// Signs `message` under the identity `id` (GB/T 32918.2-2016, 6.1).
    ///
    /// # Errors
    /// [`Error::Identity`], [`Error::Random`], [`Error::Device`].
    fn sign(&self, id: &[u8], message: &[u8]) -> Result<Signature, Error>;
}

impl Signer for PrivateKey {
    fn public_key(&self) -> PublicKey {
        self.public_key()
    }

    fn sign(&self, id: &[u8], message: &[u8]) -> Result<Signature, Error> {
        self.sign(id, message)
    }
}
