//! `weihe:guomi/verifier` in native code.

use super::wit::types::SignatureForm;
use super::{DEFAULT_ID, Error, PublicKey, certified, check, point};
use weihe_sm::sm2::Signature;

#[derive(Debug)]
pub struct Verifier(pub(super) PublicKey);

fn read(signature: &[u8], form: SignatureForm) -> Option<Signature> {
    match form {
        SignatureForm::Raw => Signature::from_bytes(signature).ok(),
        SignatureForm::Der => Signature::from_der(signature).ok(),
    }
}

impl Verifier {
    pub fn from_public_key(bytes: &[u8]) -> Result<Self, Error> {
        point(bytes).map(Self)
    }

    pub fn from_certificate(der: &[u8]) -> Result<Self, Error> {
        certified(der).map(Self)
    }

    pub fn verify(
        &self,
        id: Option<&[u8]>,
        message: &[u8],
        signature: &[u8],
        form: SignatureForm,
    ) -> Result<bool, Error> {
        check(message)?;
        let digest = self.0.digest(id.unwrap_or(DEFAULT_ID), message)?;
        self.verify_digest(&digest, signature, form)
    }

    pub fn verify_digest(
        &self,
        digest: &[u8],
        signature: &[u8],
        form: SignatureForm,
    ) -> Result<bool, Error> {
        let wrong = |_| Error::Malformed(format!("a digest has 32 bytes, not {}", digest.len()));
        let digest = digest.try_into().map_err(wrong)?;
        let signature = read(signature, form);
        Ok(signature.is_some_and(|signature| self.0.verify_digest(digest, &signature).is_ok()))
    }

    pub fn public_key(&self) -> Vec<u8> {
        self.0.to_sec1().to_vec()
    }
}
