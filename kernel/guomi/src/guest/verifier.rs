//! `weihe:guomi/verifier@0.1.0`.

use wasmtime::component::Resource;
use weihe_sm::sm2::{PublicKey, Signature};

use super::bindings::weihe::guomi::types::SignatureForm;
use super::bindings::weihe::guomi::verifier as wit;
use super::public::{self, OpenPublic};
use super::{Outcome, View, check_data, digest_of, identity};
use crate::keys::{Algorithm, Use};
use crate::worker::Effort;

/// A signature in bytes; none where they are not one.
fn read(signature: &[u8], form: SignatureForm) -> Option<Signature> {
    match form {
        SignatureForm::Raw => Signature::from_bytes(signature),
        SignatureForm::Der => Signature::from_der(signature),
    }
    .ok()
}

impl View<'_> {
    fn verifier(&mut self, key: PublicKey) -> Outcome<Resource<OpenPublic>> {
        let place = self.session()?.place()?;
        self.push(OpenPublic { key, _place: place })
    }
}

impl wit::Host for View<'_> {}

impl wit::HostVerifier for View<'_> {
    async fn open(&mut self, name: String, version: Option<u32>) -> Outcome<Resource<OpenPublic>> {
        let session = self.session()?;
        let (key, _) = session
            .open(&name, version, &[Algorithm::Sm2], [Use::Verify].into())
            .await?;
        let key = public::of_key(&*key)?;
        self.verifier(key)
    }

    async fn from_public_key(&mut self, point: Vec<u8>) -> Outcome<Resource<OpenPublic>> {
        let key = public::of_point(&point)?;
        self.verifier(key)
    }

    async fn from_certificate(&mut self, certificate: Vec<u8>) -> Outcome<Resource<OpenPublic>> {
        let key = public::of_certificate(&certificate)?;
        self.verifier(key)
    }

    async fn verify(
        &mut self,
        verifier: Resource<OpenPublic>,
        id: Option<Vec<u8>>,
        message: Vec<u8>,
        signature: Vec<u8>,
        form: SignatureForm,
    ) -> Outcome<bool> {
        check_data(&message)?;
        let id = identity(id)?;
        let key = self.get(&verifier)?.key;
        let Some(signature) = read(&signature, form) else {
            return Ok(false);
        };
        let effort = Effort::point_and(message.len());
        let work = move || {
            let digest = key.digest(&id, &message)?;
            Ok(key.verify_digest(&digest, &signature).is_ok())
        };
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    async fn verify_digest(
        &mut self,
        verifier: Resource<OpenPublic>,
        digest: Vec<u8>,
        signature: Vec<u8>,
        form: SignatureForm,
    ) -> Outcome<bool> {
        let digest = digest_of(&digest)?;
        let key = self.get(&verifier)?.key;
        let signature = read(&signature, form);
        Ok(signature.is_some_and(|signature| key.verify_digest(&digest, &signature).is_ok()))
    }

    fn public_key(&mut self, verifier: Resource<OpenPublic>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table().get(&verifier)?.key.to_sec1().to_vec())
    }

    fn drop(&mut self, verifier: Resource<OpenPublic>) -> wasmtime::Result<()> {
        self.close(verifier)
    }
}
