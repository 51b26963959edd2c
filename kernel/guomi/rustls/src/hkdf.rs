use rustls::crypto::{
    hmac::Tag,
    tls13::{Hkdf, HkdfExpander, OkmBlock, OutputLengthError},
};
use weihe_sm::sm3::{DIGEST, Hmac};
use zeroize::Zeroizing;

/// Blocks that HKDF-Expand can give at most (RFC 5869, 2.3): they are counted in one byte.
const BLOCKS: usize = 255;

/// HKDF over HMAC-SM3 (RFC 5869).
///
/// rustls has one over any HMAC; it leaves the extracted key behind in memory, and takes the key in again for each
/// block.
pub(crate) struct HkdfSm3;

fn extract(salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
    let mut mac = Hmac::new(salt.unwrap_or(&[0; DIGEST]));
    mac.update(secret);
    let key = Zeroizing::new(mac.finish());
    Box::new(Expander(Hmac::new(&*key)))
}

impl Hkdf for HkdfSm3 {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        extract(salt, &[0; DIGEST])
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        extract(salt, secret)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        Box::new(Expander(Hmac::new(okm.as_ref())))
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        let mut mac = Hmac::new(key.as_ref());
        mac.update(message);
        Tag::new(&mac.finish())
    }
}

/// An HMAC that has taken in the extracted key.
struct Expander(Hmac);

impl Expander {
    fn expand(&self, info: &[&[u8]], output: &mut [u8]) {
        let mut block = Zeroizing::new([0; DIGEST]);
        for (number, part) in (1..=u8::MAX).zip(output.chunks_mut(DIGEST)) {
            let mut mac = self.0.clone();
            if number > 1 {
                mac.update(&*block);
            }
            for piece in info {
                mac.update(piece);
            }
            mac.update(&[number]);
            *block = mac.finish();
            for (to, from) in part.iter_mut().zip(block.iter()) {
                *to = *from;
            }
        }
    }
}

impl HkdfExpander for Expander {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        if output.len() > BLOCKS * DIGEST {
            return Err(OutputLengthError);
        }
        self.expand(info, output);
        Ok(())
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        let mut block = Zeroizing::new([0; DIGEST]);
        self.expand(info, &mut *block);
        OkmBlock::new(&*block)
    }

    fn hash_len(&self) -> usize {
        DIGEST
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rustls::crypto::{hmac, tls13::HkdfUsingHmac};

    /// HMAC-SM3 for rustls' own HKDF, which is what ours is held against.
    struct HmacSm3;

    impl hmac::Hmac for HmacSm3 {
        fn with_key(&self, key: &[u8]) -> Box<dyn hmac::Key> {
            Box::new(Keyed(Hmac::new(key)))
        }

        fn hash_output_len(&self) -> usize {
            DIGEST
        }
    }

    struct Keyed(Hmac);

    impl hmac::Key for Keyed {
        fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
            let mut mac = self.0.clone();
            mac.update(first);
            middle.iter().for_each(|part| mac.update(part));
            mac.update(last);
            Tag::new(&mac.finish())
        }

        fn tag_len(&self) -> usize {
            DIGEST
        }
    }

    #[test]
    fn keys_come_out_as_from_the_hkdf_of_rustls() {
        let theirs = HkdfUsingHmac(&HmacSm3);
        let info: &[&[u8]] = &[b"tls13 ", b"", b"derived"];
        for salt in [None, Some(&b"salt"[..])] {
            for length in [0, 1, 16, 31, 32, 33, 64, 100, BLOCKS * DIGEST] {
                let mut expected = vec![0; length];
                let mut found = vec![0; length];
                let (ours, theirs) = (
                    HkdfSm3.extract_from_secret(salt, b"secret"),
                    theirs.extract_from_secret(salt, b"secret"),
                );
                assert!(theirs.expand_slice(info, &mut expected).is_ok());
                assert!(ours.expand_slice(info, &mut found).is_ok());
                assert_eq!(found, expected);
                assert_eq!(
                    ours.expand_block(info).as_ref(),
                    theirs.expand_block(info).as_ref()
                );
            }
        }
        let okm = OkmBlock::new(&[7; DIGEST]);
        assert_eq!(
            HkdfSm3.hmac_sign(&okm, b"finished").as_ref(),
            theirs.hmac_sign(&okm, b"finished").as_ref()
        );
        assert_eq!(
            HkdfSm3
                .extract_from_zero_ikm(None)
                .expand_block(info)
                .as_ref(),
            theirs
                .extract_from_zero_ikm(None)
                .expand_block(info)
                .as_ref()
        );
    }

    #[test]
    fn more_than_hkdf_can_give_is_an_error() {
        let mut output = vec![0; BLOCKS * DIGEST + 1];
        assert!(
            HkdfSm3
                .extract_from_zero_ikm(None)
                .expand_slice(&[], &mut output)
                .is_err()
        );
    }
}
