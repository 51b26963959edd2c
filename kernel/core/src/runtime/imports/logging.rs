//! `wasi:logging`: a plugin's words in the host's log.

use crate::runtime::bindings::imports::wasi::logging::logging::{Host, Level};
use crate::runtime::state::GuestState;

/// The longest message that is logged; the rest is cut.
const MAX_MESSAGE: usize = 8192;

impl Host for GuestState {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        let device: &str = &self.device.name;
        let end = message.floor_char_boundary(MAX_MESSAGE);
        let message = &message[..end];
        match level {
            Level::Trace => tracing::trace!(device, context, "{message}"),
            Level::Debug => tracing::debug!(device, context, "{message}"),
            Level::Info => tracing::info!(device, context, "{message}"),
            Level::Warn => tracing::warn!(device, context, "{message}"),
            Level::Error | Level::Critical => tracing::error!(device, context, "{message}"),
        }
        Ok(())
    }
}
