use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};

use super::BLOCK;

/// What fills the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: the data has to be whole blocks.
    None,
    /// 1 to 16 bytes that each tell how many they are (PKCS #7, RFC 5652, 6.3).
    Pkcs7,
}

/// How many bytes of the decrypted last block are data, if its padding is that of PKCS #7. Takes the same time
/// whatever is in the block.
pub(super) fn unpad(block: &[u8; BLOCK]) -> Option<usize> {
    let padded = block[BLOCK - 1];
    let mut right = !padded.ct_eq(&0) & !padded.ct_gt(&(BLOCK as u8));
    for (at, byte) in (0..BLOCK as u8).zip(block.iter().rev()) {
        let within: Choice = padded.ct_gt(&at);
        right &= !within | byte.ct_eq(&padded);
    }
    bool::from(right).then(|| BLOCK - usize::from(padded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_padding_of_the_standard_is_taken() {
        for length in 0..BLOCK {
            let mut block = [0xa5; BLOCK];
            block[length..].fill((BLOCK - length) as u8);
            assert_eq!(unpad(&block), Some(length));
            for at in length..BLOCK - 1 {
                let mut wrong = block;
                wrong[at] ^= 0x80;
                assert_eq!(unpad(&wrong), None);
            }
        }
        for last in (0..=u8::MAX).filter(|last| !(1..=16).contains(last)) {
            assert_eq!(unpad(&[last; BLOCK]), None);
        }
    }
}
