//! `weihe:guomi/aead@0.1.0`.

use wasmtime::component::Resource;
use weihe_sm::sm4::TAG;

use super::bindings::weihe::guomi::aead as wit;
use super::keys::OpenSecret;
use super::{Outcome, View, check_data, over};
use crate::error::{GuomiError, within};
use crate::keys::{AeadMode, Sealer, Use};
use crate::limits::{DATA_BYTES, NONCE_BYTES};
use crate::session::Place;
use crate::worker::Effort;

/// A message that a guest encrypts in parts. It is away while a thread works on it.
pub struct OpenSealing {
    state: Option<Box<dyn Sealer>>,
    in_hardware: bool,
    _place: Place,
}

fn mode(mode: wit::Mode) -> AeadMode {
    match mode {
        wit::Mode::Gcm => AeadMode::Gcm,
        wit::Mode::Ccm => AeadMode::Ccm,
    }
}

fn check(nonce: &[u8], associated: &[u8]) -> Result<(), GuomiError> {
    within("bytes of a nonce", nonce.len() as u64, NONCE_BYTES)?;
    check_data(associated)
}

impl wit::Host for View<'_> {
    async fn seal(
        &mut self,
        key: Resource<OpenSecret>,
        how: wit::Mode,
        nonce: Vec<u8>,
        associated: Vec<u8>,
        mut data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        check(&nonce, &associated)?;
        check_data(&data)?;
        let open = self.get(&key)?;
        let effort = open.effort(data.len() + associated.len());
        let aead = open.aead(mode(how), Use::Encrypt)?;
        let work = move || {
            data.reserve_exact(TAG);
            let tag = aead.seal(&nonce, &associated, &mut data)?;
            data.extend_from_slice(&tag);
            Ok(data)
        };
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    async fn open(
        &mut self,
        key: Resource<OpenSecret>,
        how: wit::Mode,
        nonce: Vec<u8>,
        associated: Vec<u8>,
        mut sealed: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        check(&nonce, &associated)?;
        within(
            "bytes of data",
            sealed.len() as u64,
            DATA_BYTES + TAG as u64,
        )?;
        let open = self.get(&key)?;
        let effort = open.effort(sealed.len() + associated.len());
        let aead = open.aead(mode(how), Use::Decrypt)?;
        let work = move || {
            let Some((_, tag)) = sealed.split_last_chunk::<TAG>() else {
                return Err(GuomiError::Decrypt);
            };
            let tag = *tag;
            sealed.truncate(sealed.len() - TAG);
            aead.open(&nonce, &associated, &mut sealed, &tag)?;
            Ok(sealed)
        };
        Ok(self.session()?.workers().run(effort, work).await?)
    }
}

impl wit::HostSealing for View<'_> {
    async fn begin(
        &mut self,
        key: Resource<OpenSecret>,
        nonce: Vec<u8>,
        associated: Vec<u8>,
    ) -> Outcome<Resource<OpenSealing>> {
        check(&nonce, &associated)?;
        let open = self.get(&key)?;
        let (key, effort) = (
            open.to(Use::Encrypt)?.clone(),
            open.effort(associated.len()),
        );
        let in_hardware = open.effort(0) == Effort::Hardware;
        let session = self.session()?;
        let place = session.place()?;
        let begin = move || Ok(key.sealer(&nonce, &associated)?);
        let state = Some(session.workers().run(effort, begin).await?);
        self.push(OpenSealing {
            state,
            in_hardware,
            _place: place,
        })
    }

    async fn update(
        &mut self,
        sealing: Resource<OpenSealing>,
        mut data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        check_data(&data)?;
        let open = self.get(&sealing)?;
        let effort = Effort::Bytes(data.len()).or_hardware(open.in_hardware);
        let mut state = open.state.take().ok_or_else(over)?;
        let work = move || {
            state.apply(&mut data)?;
            Ok((state, data))
        };
        let (state, data) = self.session()?.workers().run(effort, work).await?;
        self.get(&sealing)?.state = Some(state);
        Ok(data)
    }

    async fn finish(&mut self, sealing: Resource<OpenSealing>) -> Outcome<Vec<u8>> {
        let open = self.get(&sealing)?;
        let effort = Effort::Bytes(0).or_hardware(open.in_hardware);
        let state = open.state.take().ok_or_else(over)?;
        let work = move || Ok(state.finish()?);
        let tag = self.session()?.workers().run(effort, work).await?;
        Ok(tag.to_vec())
    }

    fn drop(&mut self, sealing: Resource<OpenSealing>) -> wasmtime::Result<()> {
        self.close(sealing)
    }
}
