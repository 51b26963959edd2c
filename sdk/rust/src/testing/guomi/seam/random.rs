//! `weihe:guomi/random` in native code.

use super::Error;

/// The most of one call, as on a host.
const MOST: u64 = 65_536;

pub fn bytes(length: u64) -> Result<Vec<u8>, Error> {
    if length > MOST {
        return Err(Error::TooLong(format!(
            "random bytes: {length} is more than the {MOST} that one call may carry"
        )));
    }
    let mut bytes = vec![0; length as usize];
    weihe_sm::random(&mut bytes)?;
    Ok(bytes)
}
