use super::{
    BLOCK, Cipher,
    counter::{Counter, Width},
};

/// SM4-CTR (GB/T 17964-2021, 9): data is mixed with the encrypted values of a counter of 128 bits.
///
/// Encryption and decryption are the same, and data may come in pieces of any length. No value of the counter may
/// serve twice under one key. Nothing vouches for what is decrypted; where somebody may change ciphertexts, use
/// [`Aead`](super::Aead).
pub struct Ctr(Counter<Cipher>);

impl Ctr {
    /// SM4-CTR under a key, with `counter` as its first value.
    pub fn new(key: impl Into<Cipher>, counter: &[u8; BLOCK]) -> Self {
        Self(Counter::new(key.into(), *counter, Width::Bits128))
    }

    /// Encrypts or decrypts the next `data` where it is.
    pub fn apply(&mut self, data: &mut [u8]) {
        // The counter comes round after 2^132 bytes, which nobody lives to see.
        self.0.apply(data);
    }

    /// The next `data`, encrypted or decrypted.
    pub fn update(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = data.to_vec();
        self.apply(&mut out);
        out
    }
}

impl std::fmt::Debug for Ctr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::Ctr(..)")
    }
}
