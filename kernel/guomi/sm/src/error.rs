/// What was wrong with an input.
///
/// No variant tells anything about a key: whatever goes wrong in a decryption is [`Error::Decrypt`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system's source of randomness failed.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
    /// A private key is not a number between 1 and n - 2.
    #[error("this is not an SM2 private key: it has to be 32 bytes, a number between 1 and n - 2")]
    PrivateKey,
    /// A public key is not a point of the curve, or the point at infinity.
    #[error(
        "this is not an SM2 public key: it has to be a point of the curve in SEC 1 form (65 or 33 bytes)"
    )]
    PublicKey,
    /// A signature has not the form of one: its length, its DER, or r or s outside 1 to n - 1.
    #[error("this is not an SM2 signature: r and s have to be numbers between 1 and n - 1")]
    SignatureForm,
    /// A signature is not one of this message by this key under this identity.
    #[error("the signature does not match the message, the key and the identity")]
    Signature,
    /// The identity of a signer is too long: its length in bits has to fit in 16 bits.
    #[error("an identity of {0} bytes is too long: 8191 at most")]
    Identity(usize),
    /// A ciphertext could not be decrypted, for whatever reason.
    #[error("the ciphertext could not be decrypted")]
    Decrypt,
    /// An input of the wrong length.
    #[error("{what} has to be {expected} bytes, not {found}")]
    Length {
        /// What it is.
        what: &'static str,
        /// How long it may be.
        expected: &'static str,
        /// How long it is.
        found: usize,
    },
    /// More than the algorithm may be given under one key or in one message.
    #[error("{what} is too long: {limit} bytes at most")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// Its limit in bytes.
        limit: u64,
    },
}
