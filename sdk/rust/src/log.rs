//! Messages for people: `weihe_sdk::log::info!("{} registers", count)`.
//!
//! In a component they go to the host's log, beside the device's name; natively to stderr and to
//! [`FakeKernel::logs`](crate::testing::FakeKernel::logs).
//!
//! ```
//! use weihe_sdk::log;
//!
//! let registers = 12;
//! log::info!("{registers} registers");
//! log::warn!("unit {} is slow", 17);
//! ```

use crate::kernel;
use std::fmt;

/// How grave a message is.
///
/// ```
/// use weihe_sdk::log::{self, Level};
///
/// log::write(Level::Warn, "pump", format_args!("{} starts in an hour", 40));
/// ```
pub use crate::bindings::imports::wasi::logging::logging::Level;
pub use crate::{
    __critical as critical, __debug as debug, __error as error, __info as info, __trace as trace,
    __warn as warn,
};

/// Writes one message; the macros of this module call it. `context` groups like messages; the macros
/// give the module's path.
///
/// ```
/// use weihe_sdk::log::{Level, write};
///
/// /// A library's messages under its own context.
/// fn heard(message: &str) {
///     write(Level::Debug, "protocol", format_args!("{message}"));
/// }
/// heard("a frame");
/// ```
pub fn write(level: Level, context: &str, message: fmt::Arguments<'_>) {
    match message.as_str() {
        Some(text) => kernel::log(level, context, text),
        None => kernel::log(level, context, &message.to_string()),
    }
}

/// Makes panics reach the host's log, with their place in the source.
#[cfg(target_arch = "wasm32")]
pub(crate) fn log_panics() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static SET: AtomicBool = AtomicBool::new(false);
    if SET.swap(true, Ordering::Relaxed) {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a panic without words");
        match panic.location() {
            Some(place) => write(Level::Critical, "panic", format_args!("{place}: {message}")),
            None => write(Level::Critical, "panic", format_args!("{message}")),
        }
    }));
}

/// The flow of control and the values in it.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Trace, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}

/// For who debugs the plugin.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Debug, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}

/// For who watches the plugin.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Info, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}

/// Something looks wrong.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Warn, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}

/// Something went wrong.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Error, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}

/// The plugin cannot go on.
#[doc(hidden)]
#[macro_export]
macro_rules! __critical {
    ($($message:tt)*) => {
        $crate::log::write($crate::log::Level::Critical, ::core::module_path!(), ::core::format_args!($($message)*))
    };
}
