//! `weihe:guomi/signer@0.1.0`.

use std::sync::Arc;

use wasmtime::component::Resource;
use weihe_sm::sm2::{PublicKey, Signature};

use super::bindings::weihe::guomi::signer as wit;
use super::bindings::weihe::guomi::types::SignatureForm;
use super::{Outcome, View, check_data, digest_of, identity, public};
use crate::keys::{Algorithm, Key, Use};
use crate::session::{Place, effort};
use crate::worker::Effort;

/// A private key that a guest has opened for signing.
pub struct OpenSigner {
    key: Arc<dyn Key>,
    public: PublicKey,
    _place: Place,
}

/// The bytes of a signature.
fn written(signature: &Signature, form: SignatureForm) -> Vec<u8> {
    match form {
        SignatureForm::Raw => signature.to_bytes().to_vec(),
        SignatureForm::Der => signature.to_der(),
    }
}

impl wit::Host for View<'_> {}

impl wit::HostSigner for View<'_> {
    async fn open(&mut self, name: String) -> Outcome<Resource<OpenSigner>> {
        let session = self.session()?;
        let place = session.place()?;
        let (key, _) = session
            .open(&name, None, &[Algorithm::Sm2], [Use::Sign].into())
            .await?;
        let public = public::of_key(&*key)?;
        self.push(OpenSigner {
            key,
            public,
            _place: place,
        })
    }

    async fn sign(
        &mut self,
        signer: Resource<OpenSigner>,
        id: Option<Vec<u8>>,
        message: Vec<u8>,
        form: SignatureForm,
    ) -> Outcome<Vec<u8>> {
        check_data(&message)?;
        let id = identity(id)?;
        let open = self.get(&signer)?;
        let (key, public) = (open.key.clone(), open.public);
        let effort = effort(&*key, Effort::point_and(message.len()));
        let work = move || Ok(key.sign_digest(&public.digest(&id, &message)?)?);
        let signature = self.session()?.workers().run(effort, work).await?;
        Ok(written(&signature, form))
    }

    async fn sign_digest(
        &mut self,
        signer: Resource<OpenSigner>,
        digest: Vec<u8>,
        form: SignatureForm,
    ) -> Outcome<Vec<u8>> {
        let digest = digest_of(&digest)?;
        let key = self.get(&signer)?.key.clone();
        let effort = effort(&*key, Effort::Point);
        let work = move || Ok(key.sign_digest(&digest)?);
        let signature = self.session()?.workers().run(effort, work).await?;
        Ok(written(&signature, form))
    }

    fn public_key(&mut self, signer: Resource<OpenSigner>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table().get(&signer)?.public.to_sec1().to_vec())
    }

    fn drop(&mut self, signer: Resource<OpenSigner>) -> wasmtime::Result<()> {
        self.close(signer)
    }
}
