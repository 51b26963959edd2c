//! `weihe:guomi/decrypter@0.1.0`.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::weihe::guomi::decrypter as wit;
use super::bindings::weihe::guomi::types::CiphertextForm;
use super::encrypter::layout;
use super::{Outcome, View};
use crate::error::within;
use crate::keys::{Algorithm, Key, Use};
use crate::limits::{SM2_BYTES, SM2_OVERHEAD};
use crate::session::{Place, effort};
use crate::worker::Effort;

/// A private key that a guest has opened for decrypting.
pub struct OpenDecrypter {
    key: Arc<dyn Key>,
    _place: Place,
}

impl wit::Host for View<'_> {}

impl wit::HostDecrypter for View<'_> {
    async fn open(
        &mut self,
        name: String,
        version: Option<u32>,
    ) -> Outcome<Resource<OpenDecrypter>> {
        let session = self.session()?;
        let place = session.place()?;
        let (key, _) = session
            .open(&name, version, &[Algorithm::Sm2], [Use::Decrypt].into())
            .await?;
        self.push(OpenDecrypter { key, _place: place })
    }

    async fn decrypt(
        &mut self,
        decrypter: Resource<OpenDecrypter>,
        ciphertext: Vec<u8>,
        form: CiphertextForm,
    ) -> Outcome<Vec<u8>> {
        let length = ciphertext.len() as u64;
        within("bytes of a ciphertext", length, SM2_BYTES + SM2_OVERHEAD)?;
        let key = self.get(&decrypter)?.key.clone();
        let effort = effort(&*key, Effort::point_and(ciphertext.len()));
        let work = move || Ok(key.decrypt(layout(form), &ciphertext)?.to_vec());
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    fn drop(&mut self, decrypter: Resource<OpenDecrypter>) -> wasmtime::Result<()> {
        self.close(decrypter)
    }
}
