use crate::Error;

/// Fills `buffer` with random bytes of the operating system.
///
/// # Errors
/// [`Error::Random`] where the system has none to give; there is no substitute.
pub fn random(buffer: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(buffer).map_err(|error| Error::Random(error.to_string()))
}
