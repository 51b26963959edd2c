use zeroize::Zeroizing;

use super::{DIGEST, Sm3};
use crate::Error;

/// The longest output that the counter of 32 bits allows (GB/T 32918.4-2016, 5.4.3: klen < (2^32 - 1) v).
const LONGEST: u64 = (u32::MAX as u64 - 1) * DIGEST as u64;

/// Fills `out` with key material from `shared`, the key derivation function of SM2 (GB/T 32918.4-2016, 5.4.3;
/// the same in GB/T 32918.3-2016, 5.4.3).
///
/// # Errors
/// [`Error::TooLong`] where `out` is longer than the counter of 32 bits reaches.
pub fn kdf(shared: &[u8], out: &mut [u8]) -> Result<(), Error> {
    kdf_of_parts(&[shared], out)
}

/// The same, from a secret in parts that follow each other.
pub(crate) fn kdf_of_parts(shared: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    if out.len() as u64 > LONGEST {
        return Err(Error::TooLong {
            what: "the output of the key derivation",
            limit: LONGEST,
        });
    }
    let mut hashed = Sm3::new();
    for part in shared {
        hashed.update(part);
    }
    for (counter, chunk) in (1..=u32::MAX).zip(out.chunks_mut(DIGEST)) {
        let mut block = hashed.clone();
        block.update(&counter.to_be_bytes());
        let digest = Zeroizing::new(block.finish());
        chunk.copy_from_slice(&digest[..chunk.len()]);
    }
    Ok(())
}
