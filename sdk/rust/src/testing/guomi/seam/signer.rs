//! `weihe:guomi/signer` in native code.

use super::wit::types::SignatureForm;
use super::{DEFAULT_ID, Error, PrivateKey, check};
use weihe_sm::sm2::Signature;

#[derive(Debug)]
pub struct Signer(pub(super) PrivateKey);

fn written(signature: &Signature, form: SignatureForm) -> Vec<u8> {
    match form {
        SignatureForm::Raw => signature.to_bytes().to_vec(),
        SignatureForm::Der => signature.to_der(),
    }
}

impl Signer {
    pub fn sign(
        &self,
        id: Option<&[u8]>,
        message: &[u8],
        form: SignatureForm,
    ) -> Result<Vec<u8>, Error> {
        check(message)?;
        let signature = self.0.sign(id.unwrap_or(DEFAULT_ID), message)?;
        Ok(written(&signature, form))
    }

    pub fn sign_digest(&self, digest: &[u8], form: SignatureForm) -> Result<Vec<u8>, Error> {
        let wrong = |_| Error::Malformed(format!("a digest has 32 bytes, not {}", digest.len()));
        let digest = digest.try_into().map_err(wrong)?;
        Ok(written(&self.0.sign_digest(digest)?, form))
    }

    pub fn public_key(&self) -> Vec<u8> {
        self.0.public_key().to_sec1().to_vec()
    }
}
