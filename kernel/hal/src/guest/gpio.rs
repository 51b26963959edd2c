//! `weihe:hal/gpio@0.1.0`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::gpio::{self as wit, Error};
use crate::gpio::{Bias, Drive, Edges, Mode};
use crate::grant::Safe;
use crate::line::HeldLine;
use crate::session::Active;

/// A line that a guest has opened.
pub struct OpenLine {
    alias: String,
    line: Arc<HeldLine>,
}

impl wit::Host for View<'_> {}

impl View<'_> {
    async fn open(
        &mut self,
        alias: String,
        active: wit::Active,
        mode: Mode,
        safe: Safe,
    ) -> Result<Result<Resource<OpenLine>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_line(&alias, convert(active), mode, safe).await;
        match self.told(&alias, opened) {
            Ok(line) => Ok(Ok(self.table().push(OpenLine { alias, line })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn line(&mut self, line: &Resource<OpenLine>) -> Result<Arc<HeldLine>> {
        Ok(self.table().get(line)?.line.clone())
    }
}

fn convert(active: wit::Active) -> Active {
    match active {
        wit::Active::AsWired => None,
        wit::Active::High => Some(false),
        wit::Active::Low => Some(true),
    }
}

impl wit::HostLine for View<'_> {
    async fn open_input(
        &mut self,
        name: String,
        options: wit::InputOptions,
    ) -> Result<Result<Resource<OpenLine>, Error>> {
        let mode = Mode::Input {
            bias: match options.bias {
                wit::Bias::AsIs => Bias::AsIs,
                wit::Bias::Disabled => Bias::Disabled,
                wit::Bias::PullUp => Bias::PullUp,
                wit::Bias::PullDown => Bias::PullDown,
            },
            edges: match options.edges {
                wit::Edges::None => Edges::None,
                wit::Edges::Rising => Edges::Rising,
                wit::Edges::Falling => Edges::Falling,
                wit::Edges::Both => Edges::Both,
            },
            debounce: options.debounce,
        };
        self.open(name, options.active, mode, Safe::Keep).await
    }

    async fn open_output(
        &mut self,
        name: String,
        options: wit::OutputOptions,
    ) -> Result<Result<Resource<OpenLine>, Error>> {
        let mode = Mode::Output {
            drive: match options.drive {
                wit::Drive::PushPull => Drive::PushPull,
                wit::Drive::OpenDrain => Drive::OpenDrain,
                wit::Drive::OpenSource => Drive::OpenSource,
            },
            initial: options.initial,
        };
        let safe = match options.safe {
            wit::SafeValue::Keep => Safe::Keep,
            wit::SafeValue::Inactive => Safe::Value(false),
            wit::SafeValue::Active => Safe::Value(true),
        };
        self.open(name, options.active, mode, safe).await
    }

    async fn read(&mut self, line: Resource<OpenLine>) -> Result<Result<bool, Error>> {
        let line = self.line(&line)?;
        let value = line.read().await;
        Ok(value.map_err(Into::into))
    }

    async fn write(&mut self, line: Resource<OpenLine>, value: bool) -> Result<Result<(), Error>> {
        let line = self.line(&line)?;
        let done = line.write(value).await;
        Ok(done.map_err(Into::into))
    }

    async fn toggle(&mut self, line: Resource<OpenLine>) -> Result<Result<bool, Error>> {
        let line = self.line(&line)?;
        let value = line.toggle().await;
        Ok(value.map_err(Into::into))
    }

    fn topic(&mut self, line: Resource<OpenLine>) -> Result<String> {
        let (session, table) = self.split()?;
        Ok(session.topic(&table.get(&line)?.alias))
    }

    fn missed(&mut self, line: Resource<OpenLine>) -> Result<u64> {
        Ok(self.line(&line)?.missed())
    }

    fn drop(&mut self, line: Resource<OpenLine>) -> Result<()> {
        // The device holds the line on.
        self.table().delete(line)?;
        Ok(())
    }
}
