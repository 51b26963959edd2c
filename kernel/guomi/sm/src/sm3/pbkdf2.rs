use std::num::NonZeroU32;

use zeroize::Zeroizing;

use super::DIGEST;
use crate::Error;

/// The longest output that the counter of 32 bits allows (RFC 8018, 5.2).
const LONGEST: u64 = u32::MAX as u64 * DIGEST as u64;

/// `length` bytes derived from a password: PBKDF2 (RFC 8018, 5.2; GM/T 0091-2020) with HMAC-SM3.
///
/// Each of `rounds` is a guess that costs an attacker two compressions of SM3.
///
/// # Errors
/// [`Error::TooLong`] where `length` is more than the counter of 32 bits reaches.
pub fn pbkdf2(
    password: &[u8],
    salt: &[u8],
    rounds: NonZeroU32,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if length as u64 > LONGEST {
        return Err(Error::TooLong {
            what: "the output of PBKDF2",
            limit: LONGEST,
        });
    }
    let mut out = Zeroizing::new(vec![0; length]);
    pbkdf2::pbkdf2_hmac::<sm3::Sm3>(password, salt, rounds.get(), &mut out);
    Ok(out)
}
