/// What was wrong with an input.
///
/// No variant tells anything about a key: whatever goes wrong in a decryption is [`Error::Decrypt`]
/// or, of a key file, [`Error::Passphrase`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system's source of randomness failed.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
    /// A device that holds a key did not do what it was asked for; see [`Signer`](crate::sm2::Signer).
    #[error("the device that holds the key failed: {0}")]
    Device(String),
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
    /// A key exchange failed: the other side's confirmation is wrong, or its point was chosen to leave no key.
    #[error("the key exchange failed: the other side has not come to the same key")]
    Exchange,
    /// A file is not what it should be.
    #[error("this is not {what}: {why}")]
    Form {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A private key is encrypted, and no passphrase was given.
    #[error("the private key is encrypted, and no passphrase was given")]
    Encrypted,
    /// A private key is encrypted in a way that is not known here, or that costs too much to undo.
    #[error("the private key is encrypted with {0}")]
    Encryption(String),
    /// An encrypted private key could not be decrypted.
    #[error(
        "the private key could not be decrypted: the passphrase is wrong, or the file is damaged"
    )]
    Passphrase,
    /// A certificate is refused.
    #[error(transparent)]
    Certificate(#[from] crate::certificate::Refusal),
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
