//! `weihe:guomi/encrypter@0.1.0`.

use wasmtime::component::Resource;
use weihe_sm::sm2::{Layout, PublicKey};

use super::bindings::weihe::guomi::encrypter as wit;
use super::bindings::weihe::guomi::types::CiphertextForm;
use super::public::{self, OpenPublic};
use super::{Outcome, View};
use crate::error::within;
use crate::keys::{Algorithm, Use};
use crate::limits::SM2_BYTES;
use crate::worker::Effort;

/// A public key that a guest has opened to encrypt for.
pub struct OpenEncrypter(OpenPublic);

/// A form as the algorithm calls it.
pub(super) fn layout(form: CiphertextForm) -> Layout {
    match form {
        CiphertextForm::C1c3c2 => Layout::C1C3C2,
        CiphertextForm::C1c2c3 => Layout::C1C2C3,
        CiphertextForm::Der => Layout::Der,
    }
}

impl View<'_> {
    fn encrypter(&mut self, key: PublicKey) -> Outcome<Resource<OpenEncrypter>> {
        let place = self.session()?.place()?;
        self.push(OpenEncrypter(OpenPublic { key, _place: place }))
    }
}

impl wit::Host for View<'_> {}

impl wit::HostEncrypter for View<'_> {
    async fn open(&mut self, name: String) -> Outcome<Resource<OpenEncrypter>> {
        let session = self.session()?;
        let (key, _) = session
            .open(&name, None, &[Algorithm::Sm2], [Use::Encrypt].into())
            .await?;
        let key = public::of_key(&*key)?;
        self.encrypter(key)
    }

    async fn from_public_key(&mut self, point: Vec<u8>) -> Outcome<Resource<OpenEncrypter>> {
        let key = public::of_point(&point)?;
        self.encrypter(key)
    }

    async fn from_certificate(&mut self, certificate: Vec<u8>) -> Outcome<Resource<OpenEncrypter>> {
        let key = public::of_certificate(&certificate)?;
        self.encrypter(key)
    }

    async fn encrypt(
        &mut self,
        encrypter: Resource<OpenEncrypter>,
        data: Vec<u8>,
        form: CiphertextForm,
    ) -> Outcome<Vec<u8>> {
        within("bytes to encrypt with SM2", data.len() as u64, SM2_BYTES)?;
        let key = self.get(&encrypter)?.0.key;
        let effort = Effort::point_and(data.len());
        let work = move || Ok(key.encrypt(layout(form), &data)?);
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    fn drop(&mut self, encrypter: Resource<OpenEncrypter>) -> wasmtime::Result<()> {
        self.close(encrypter)
    }
}
