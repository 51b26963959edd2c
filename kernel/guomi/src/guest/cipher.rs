//! `weihe:guomi/cipher@0.1.0`.

use wasmtime::component::Resource;

use super::bindings::weihe::guomi::cipher as wit;
use super::keys::OpenSecret;
use super::{Outcome, View, check_data, over};
use crate::keys::{Direction, Mode, Padding, Stream, Use};
use crate::session::Place;
use crate::worker::Effort;

/// Data that a guest has in work. It is away while a thread works on it.
pub struct OpenStream {
    state: Option<Box<dyn Stream>>,
    in_hardware: bool,
    _place: Place,
}

/// The mode, and the block that it begins with.
fn mode(mode: wit::Mode, padding: wit::Padding) -> (Mode, Vec<u8>) {
    let padding = match padding {
        wit::Padding::None => Padding::None,
        wit::Padding::Pkcs7 => Padding::Pkcs7,
    };
    match mode {
        wit::Mode::Ecb => (Mode::Ecb(padding), Vec::new()),
        wit::Mode::Cbc(iv) => (Mode::Cbc(padding), iv),
        wit::Mode::Ctr(counter) => (Mode::Ctr, counter),
    }
}

fn needed(direction: Direction) -> Use {
    match direction {
        Direction::Encrypt => Use::Encrypt,
        Direction::Decrypt => Use::Decrypt,
    }
}

impl View<'_> {
    /// All of a message at once.
    async fn whole(
        &mut self,
        key: Resource<OpenSecret>,
        direction: Direction,
        (mode, iv): (Mode, Vec<u8>),
        data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        check_data(&data)?;
        let open = self.get(&key)?;
        let (key, effort) = (open.to(needed(direction))?.clone(), open.effort(data.len()));
        let work = move || {
            let mut stream = key.cipher(mode, direction, &iv)?;
            let mut out = stream.update(&data)?;
            out.extend(stream.finish()?);
            Ok(out)
        };
        Ok(self.session()?.workers().run(effort, work).await?)
    }
}

impl wit::Host for View<'_> {
    async fn encrypt(
        &mut self,
        key: Resource<OpenSecret>,
        how: wit::Mode,
        padding: wit::Padding,
        data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        self.whole(key, Direction::Encrypt, mode(how, padding), data)
            .await
    }

    async fn decrypt(
        &mut self,
        key: Resource<OpenSecret>,
        how: wit::Mode,
        padding: wit::Padding,
        data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        self.whole(key, Direction::Decrypt, mode(how, padding), data)
            .await
    }
}

impl wit::HostStream for View<'_> {
    async fn open(
        &mut self,
        key: Resource<OpenSecret>,
        direction: wit::Direction,
        how: wit::Mode,
        padding: wit::Padding,
    ) -> Outcome<Resource<OpenStream>> {
        let direction = match direction {
            wit::Direction::Encrypt => Direction::Encrypt,
            wit::Direction::Decrypt => Direction::Decrypt,
        };
        let (mode, iv) = mode(how, padding);
        let open = self.get(&key)?;
        let (key, effort) = (open.to(needed(direction))?.clone(), open.effort(0));
        let session = self.session()?;
        let place = session.place()?;
        let begin = move || Ok(key.cipher(mode, direction, &iv)?);
        let state = Some(session.workers().run(effort, begin).await?);
        self.push(OpenStream {
            state,
            in_hardware: effort == Effort::Hardware,
            _place: place,
        })
    }

    async fn update(&mut self, stream: Resource<OpenStream>, data: Vec<u8>) -> Outcome<Vec<u8>> {
        check_data(&data)?;
        let open = self.get(&stream)?;
        let effort = Effort::Bytes(data.len()).or_hardware(open.in_hardware);
        let mut state = open.state.take().ok_or_else(over)?;
        let work = move || {
            let out = state.update(&data)?;
            Ok((state, out))
        };
        let (state, out) = self.session()?.workers().run(effort, work).await?;
        self.get(&stream)?.state = Some(state);
        Ok(out)
    }

    async fn finish(&mut self, stream: Resource<OpenStream>) -> Outcome<Vec<u8>> {
        let open = self.get(&stream)?;
        let effort = Effort::Bytes(0).or_hardware(open.in_hardware);
        let state = open.state.take().ok_or_else(over)?;
        let work = move || Ok(state.finish()?);
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    fn drop(&mut self, stream: Resource<OpenStream>) -> wasmtime::Result<()> {
        self.close(stream)
    }
}
