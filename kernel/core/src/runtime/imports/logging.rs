//! `wasi:logging`: a plugin's words in the host's log.

use tracing::Level as Wanted;

use crate::runtime::bindings::imports::wasi::logging::logging::{Host, Level};
use crate::runtime::state::GuestState;

/// The context in which the SDK logs a panic.
const PANIC: &str = "panic";

impl Host for GuestState {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        if level == Level::Critical && context == PANIC {
            self.words.panicked(&message);
        }
        // What nobody reads takes no share of what the device may write.
        let wanted = match level {
            Level::Trace => tracing::enabled!(Wanted::TRACE),
            Level::Debug => tracing::enabled!(Wanted::DEBUG),
            Level::Info => tracing::enabled!(Wanted::INFO),
            Level::Warn => tracing::enabled!(Wanted::WARN),
            Level::Error | Level::Critical => tracing::enabled!(Wanted::ERROR),
        };
        if !wanted {
            return Ok(());
        }
        let longest = self.device.spec.limits.log_bytes.bytes();
        let context = &context[..context.floor_char_boundary(longest)];
        let device: &str = &self.device.name;
        self.device.say(&message, |message| match level {
            Level::Trace => tracing::trace!(device, context, "{message}"),
            Level::Debug => tracing::debug!(device, context, "{message}"),
            Level::Info => tracing::info!(device, context, "{message}"),
            Level::Warn => tracing::warn!(device, context, "{message}"),
            Level::Error | Level::Critical => tracing::error!(device, context, "{message}"),
        });
        Ok(())
    }
}
