use sm3::digest::Digest;

use super::DIGEST;

/// A digest in the making: [`update`](Self::update) as often as there is data, then [`finish`](Self::finish).
#[derive(Clone, Default)]
pub struct Sm3(sm3::Sm3);

impl Sm3 {
    /// A digest of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in more data.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all data so far.
    pub fn finish(self) -> [u8; DIGEST] {
        self.0.finalize().into()
    }
}

impl std::fmt::Debug for Sm3 {
    // What was hashed may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sm3(..)")
    }
}

/// The digest of `data`.
pub fn digest(data: &[u8]) -> [u8; DIGEST] {
    sm3::Sm3::digest(data).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GM/T 0004-2012, appendix A.1.
    #[test]
    fn the_digest_of_abc_is_that_of_the_standard() {
        let mut parts = Sm3::new();
        parts.update(b"a");
        parts.update(b"bc");
        assert_eq!(digest(b"abc"), parts.finish());
        assert_eq!(
            digest(b"abc")[..8],
            [0x66, 0xc7, 0xf0, 0xf4, 0x62, 0xee, 0xed, 0xd9]
        );
    }
}
