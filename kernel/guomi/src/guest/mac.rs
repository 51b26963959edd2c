//! `weihe:guomi/mac@0.1.0`.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::weihe::guomi::mac as wit;
use super::keys::OpenSecret;
use super::{Outcome, View, check_data, over};
use crate::error::GuomiError;
use crate::keys::{Key, KeyError, Mac, Use, Uses};
use crate::session::{Place, effort, not_open_for};
use crate::worker::Effort;

/// A code that a guest has begun. It is away while a thread works on it.
pub struct OpenMac {
    key: Arc<dyn Key>,
    uses: Uses,
    state: Option<Box<dyn Mac>>,
    _place: Place,
}

impl OpenMac {
    fn for_use(&self, wanted: Use) -> Result<(), GuomiError> {
        match self.uses.contains(wanted) {
            true => Ok(()),
            false => Err(not_open_for(&*self.key, wanted, self.uses)),
        }
    }
}

/// Whether a code is the one that was made, in constant time.
fn agrees(made: Box<dyn Mac>, code: &[u8]) -> Result<bool, KeyError> {
    match made.verify(code) {
        Ok(()) => Ok(true),
        Err(KeyError::Crypto(weihe_sm::Error::Signature)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl View<'_> {
    /// Works on a code that was begun, which is over where that fails.
    async fn on_mac<T: Send + 'static>(
        &mut self,
        hasher: &Resource<OpenMac>,
        wanted: Option<Use>,
        bytes: usize,
        work: impl FnOnce(Box<dyn Mac>, &dyn Key) -> Result<(Box<dyn Mac>, T), KeyError>
        + Send
        + 'static,
    ) -> Outcome<T> {
        let open = self.get(hasher)?;
        if let Some(wanted) = wanted {
            open.for_use(wanted)?;
        }
        let key = open.key.clone();
        let effort = effort(&*key, Effort::Bytes(bytes));
        let state = open.state.take().ok_or_else(over)?;
        let work = move || Ok(work(state, &*key)?);
        let (state, outcome) = self.session()?.workers().run(effort, work).await?;
        self.get(hasher)?.state = Some(state);
        Ok(outcome)
    }
}

impl wit::Host for View<'_> {
    async fn hmac_sm3(&mut self, key: Resource<OpenSecret>, data: Vec<u8>) -> Outcome<Vec<u8>> {
        check_data(&data)?;
        let open = self.get(&key)?;
        let (key, effort) = (open.to(Use::Mac)?.clone(), open.effort(data.len()));
        let work = move || {
            let mut mac = key.mac()?;
            mac.update(&data)?;
            Ok(mac.finish()?)
        };
        let code = self.session()?.workers().run(effort, work).await?;
        Ok(code.to_vec())
    }

    async fn verify(
        &mut self,
        key: Resource<OpenSecret>,
        data: Vec<u8>,
        code: Vec<u8>,
    ) -> Outcome<bool> {
        check_data(&data)?;
        let open = self.get(&key)?;
        let (key, effort) = (open.to(Use::Verify)?.clone(), open.effort(data.len()));
        let work = move || {
            let mut mac = key.mac()?;
            mac.update(&data)?;
            Ok(agrees(mac, &code)?)
        };
        Ok(self.session()?.workers().run(effort, work).await?)
    }
}

impl wit::HostHasher for View<'_> {
    async fn open(&mut self, key: Resource<OpenSecret>) -> Outcome<Resource<OpenMac>> {
        let open = self.get(&key)?;
        let (key, uses) = match open.to(Use::Mac).or_else(|_| open.to(Use::Verify)) {
            Ok(key) => (key.clone(), open.uses()),
            Err(error) => return Err(error.into()),
        };
        let effort = effort(&*key, Effort::Bytes(0));
        let session = self.session()?;
        let place = session.place()?;
        let begin = {
            let key = key.clone();
            move || Ok(key.mac()?)
        };
        let state = Some(session.workers().run(effort, begin).await?);
        self.push(OpenMac {
            key,
            uses,
            state,
            _place: place,
        })
    }

    async fn update(&mut self, hasher: Resource<OpenMac>, data: Vec<u8>) -> Outcome<()> {
        check_data(&data)?;
        let bytes = data.len();
        self.on_mac(&hasher, None, bytes, move |mut mac, _| {
            mac.update(&data)?;
            Ok((mac, ()))
        })
        .await
    }

    async fn finish(&mut self, hasher: Resource<OpenMac>) -> Outcome<Vec<u8>> {
        self.on_mac(&hasher, Some(Use::Mac), 0, |mac, key| {
            let code = mac.finish()?.to_vec();
            Ok((key.mac()?, code))
        })
        .await
    }

    async fn verify(&mut self, hasher: Resource<OpenMac>, code: Vec<u8>) -> Outcome<bool> {
        self.on_mac(&hasher, Some(Use::Verify), 0, move |mac, key| {
            let agrees = agrees(mac, &code)?;
            Ok((key.mac()?, agrees))
        })
        .await
    }

    fn drop(&mut self, hasher: Resource<OpenMac>) -> wasmtime::Result<()> {
        self.close(hasher)
    }
}
