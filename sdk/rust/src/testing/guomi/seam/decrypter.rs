//! `weihe:guomi/decrypter` in native code.

use super::wit::types::CiphertextForm;
use super::{Error, PrivateKey, layout};

#[derive(Debug)]
pub struct Decrypter(pub(super) PrivateKey);

impl Decrypter {
    pub fn decrypt(&self, ciphertext: &[u8], form: CiphertextForm) -> Result<Vec<u8>, Error> {
        Ok(self.0.decrypt(layout(form), ciphertext)?.to_vec())
    }
}
