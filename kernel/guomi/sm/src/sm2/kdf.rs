use zeroize::Zeroizing;

use crate::{
    Error,
    sm3::{DIGEST, Sm3},
};

/// What the key derivation function can give: its counter has 32 bits and must not come round.
const MOST: u64 = (u32::MAX as u64) * (DIGEST as u64);

/// `length` bytes from the parts of a shared secret (GB/T 32918.4-2016, 5.4.3).
pub(super) fn kdf(secret: &[&[u8]], length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    if u64::try_from(length).map_or(true, |length| length > MOST) {
        return Err(Error::TooLong {
            what: "what is encrypted or derived",
            limit: MOST,
        });
    }
    let mut start = Sm3::new();
    for part in secret {
        start.update(part);
    }
    let mut key = Zeroizing::new(vec![0; length]);
    for (counter, block) in (1u32..).zip(key.chunks_mut(DIGEST)) {
        let mut digest = start.clone();
        digest.update(&counter.to_be_bytes());
        let digest = Zeroizing::new(digest.finish());
        block.copy_from_slice(&digest[..block.len()]);
    }
    Ok(key)
}
