//! Random numbers.

use super::GuomiError;
use crate::kernel::guomi::random as host;

/// The most of one call of the host.
const MOST: usize = 65_536;

/// Fills a buffer with random bytes of the operating system, fit for keys and nonces.
///
/// ```
/// let mut nonce = [0; 12];
/// weihe_sdk::guomi::random(&mut nonce)?;
/// assert_ne!(nonce, [0; 12]);
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
pub fn random(buffer: &mut [u8]) -> Result<(), GuomiError> {
    for part in buffer.chunks_mut(MOST) {
        let bytes = host::bytes(part.len() as u64)?;
        match bytes.len() == part.len() {
            true => part.copy_from_slice(&bytes),
            false => {
                return Err(GuomiError::Unavailable(
                    "the host gave too few bytes".to_owned(),
                ));
            }
        }
    }
    Ok(())
}
