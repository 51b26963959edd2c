//! HKDF (RFC 5869) over SM3: key material of any quality becomes keys.

use zeroize::Zeroizing;

use super::{DIGEST, Hmac};
use crate::Error;

/// The longest output that the one octet of a counter allows (RFC 5869, 2.3).
const LONGEST: usize = 255 * DIGEST;

/// Concentrates `input` into a pseudorandom key (RFC 5869, 2.2). `salt` may be empty.
pub fn extract(salt: &[u8], input: &[u8]) -> Zeroizing<[u8; DIGEST]> {
    let mut mac = Hmac::new(salt);
    mac.update(input);
    Zeroizing::new(mac.finish())
}

/// Fills `out` with keys derived from the pseudorandom `key` for the purpose `info` (RFC 5869, 2.3).
///
/// # Errors
/// [`Error::TooLong`] where `out` is longer than 255 digests; [`Error::Length`] where `key` is shorter than one.
/// `out` is left alone then.
pub fn expand(key: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    if key.len() < DIGEST {
        return Err(Error::Length {
            what: "the pseudorandom key of HKDF-SM3",
            expected: "32 or more",
            found: key.len(),
        });
    }
    if out.len() > LONGEST {
        return Err(Error::TooLong {
            what: "the output of HKDF-SM3",
            limit: LONGEST as u64,
        });
    }
    let keyed = Hmac::new(key);
    let mut previous = Zeroizing::new([0; DIGEST]);
    for (counter, chunk) in (1..=u8::MAX).zip(out.chunks_mut(DIGEST)) {
        let mut mac = keyed.clone();
        if counter > 1 {
            mac.update(&*previous);
        }
        mac.update(info);
        mac.update(&[counter]);
        *previous = mac.finish();
        chunk.copy_from_slice(&previous[..chunk.len()]);
    }
    Ok(())
}

/// [`extract`] and [`expand`] in one.
///
/// # Errors
/// [`Error::TooLong`], as [`expand`].
pub fn derive(salt: &[u8], input: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    expand(&*extract(salt, input), info, out)
}
