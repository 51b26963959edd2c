//! `weihe:guomi/digest@0.1.0`.

use wasmtime::component::Resource;
use weihe_sm::sm3::{self, Sm3};

use super::bindings::weihe::guomi::digest as wit;
use super::{Outcome, View, check_data, over};
use crate::session::Place;
use crate::worker::Effort;

/// A digest that a guest has begun. It is away while a thread works on it.
pub struct OpenDigest {
    state: Option<Sm3>,
    _place: Place,
}

impl wit::Host for View<'_> {
    async fn sm3(&mut self, data: Vec<u8>) -> Outcome<Vec<u8>> {
        check_data(&data)?;
        let workers = self.session()?.workers();
        let effort = Effort::Bytes(data.len());
        let digest = workers.run(effort, move || Ok(sm3::digest(&data))).await?;
        Ok(digest.to_vec())
    }
}

impl wit::HostHasher for View<'_> {
    async fn open(&mut self) -> Outcome<Resource<OpenDigest>> {
        let place = self.session()?.place()?;
        self.push(OpenDigest {
            state: Some(Sm3::new()),
            _place: place,
        })
    }

    async fn update(&mut self, hasher: Resource<OpenDigest>, data: Vec<u8>) -> Outcome<()> {
        check_data(&data)?;
        let mut state = self.get(&hasher)?.state.take().ok_or_else(over)?;
        let effort = Effort::Bytes(data.len());
        let work = move || {
            state.update(&data);
            Ok(state)
        };
        let state = self.session()?.workers().run(effort, work).await?;
        self.get(&hasher)?.state = Some(state);
        Ok(())
    }

    async fn finish(&mut self, hasher: Resource<OpenDigest>) -> Outcome<Vec<u8>> {
        let state = self.get(&hasher)?.state.replace(Sm3::new());
        Ok(state.ok_or_else(over)?.finish().to_vec())
    }

    fn drop(&mut self, hasher: Resource<OpenDigest>) -> wasmtime::Result<()> {
        self.close(hasher)
    }
}
