//! What guests import: `weihe:hal` and `wasi:i2c`, over a [`Session`]. One interface a file.
//!
//! Nothing here decides: arguments and results are carried between the component's types and the
//! session's. Lengths that a guest names are checked before anything is reserved for them.

mod adc;
mod delay;
mod gpio;
mod i2c;
mod pwm;
mod spi;
mod uart;

use wasmtime::component::{HasData, Linker, ResourceTable};
use weihe_kernel::GuestState;

use crate::error::HalError;
use crate::session::Session;

use bindings::weihe::hal::types as wit;

mod bindings {
    #![allow(missing_docs)]

    wasmtime::component::bindgen!({
        path: ["../../wit/deps/wasi-i2c", "../../wit/hal"],
        world: "weihe:hal/imports",
        imports: {
            "weihe:hal/gpio.[static]line.open-input": async | trappable,
            "weihe:hal/gpio.[static]line.open-output": async | trappable,
            "weihe:hal/gpio.[method]line.read": async | trappable,
            "weihe:hal/gpio.[method]line.write": async | trappable,
            "weihe:hal/gpio.[method]line.toggle": async | trappable,
            "weihe:hal/i2c-buses.open": async | trappable,
            "wasi:i2c/i2c.[method]i2c.transaction": async | trappable,
            "wasi:i2c/i2c.[method]i2c.read": async | trappable,
            "wasi:i2c/i2c.[method]i2c.write": async | trappable,
            "wasi:i2c/i2c.[method]i2c.write-read": async | trappable,
            "weihe:hal/spi.[static]device.open": async | trappable,
            "weihe:hal/spi.[method]device.transaction": async | trappable,
            "weihe:hal/uart.[static]port.open": async | trappable,
            "weihe:hal/uart.[method]port.read": async | trappable,
            "weihe:hal/uart.[method]port.write": async | trappable,
            "weihe:hal/uart.[method]port.drain": async | trappable,
            "weihe:hal/uart.[method]port.discard-input": async | trappable,
            "weihe:hal/pwm.[static]channel.open": async | trappable,
            "weihe:hal/pwm.[method]channel.set": async | trappable,
            "weihe:hal/pwm.[method]channel.enable": async | trappable,
            "weihe:hal/pwm.[method]channel.period": async | trappable,
            "weihe:hal/pwm.[method]channel.width": async | trappable,
            "weihe:hal/adc.[static]channel.open": async | trappable,
            "weihe:hal/adc.[method]channel.read": async | trappable,
            "weihe:hal/adc.[method]channel.read-raw": async | trappable,
            "weihe:hal/delay.wait": async | trappable,
            default: trappable,
        },
        with: {
            "weihe:hal/gpio.line": crate::guest::gpio::OpenLine,
            "wasi:i2c/i2c.i2c": crate::session::OpenBus,
            "weihe:hal/spi.device": crate::session::OpenSpi,
            "weihe:hal/uart.port": crate::session::OpenPort,
            "weihe:hal/pwm.channel": crate::guest::pwm::OpenPwm,
            "weihe:hal/adc.channel": crate::session::OpenAdc,
        },
        require_store_data_send: true,
    });
}

/// The interfaces that are served, as components import them.
pub const INTERFACES: [&str; 8] = [
    "weihe:hal/gpio@0.1.0",
    "weihe:hal/i2c-buses@0.1.0",
    "wasi:i2c/i2c@0.2.0-draft",
    "weihe:hal/spi@0.1.0",
    "weihe:hal/uart@0.1.0",
    "weihe:hal/pwm@0.1.0",
    "weihe:hal/adc@0.1.0",
    "weihe:hal/delay@0.1.0",
];

/// Hardware as one guest sees it.
struct View<'a>(&'a mut GuestState);

impl View<'_> {
    fn split(&mut self) -> wasmtime::Result<(&mut Session, &mut ResourceTable)> {
        self.0.split()
    }

    fn table(&mut self) -> &mut ResourceTable {
        self.0.table()
    }

    /// Passes a result on; a refusal is told to those who watch over grants.
    fn told<R>(&self, what: &str, result: Result<R, HalError>) -> Result<R, wit::Error> {
        if let Err(HalError::Denied(reason)) = &result {
            self.0.denied("hal", what, reason);
        }
        Ok(result?)
    }
}

struct HasHardware;

impl HasData for HasHardware {
    type Data<'a> = View<'a>;
}

/// Adds the functions to a linker.
pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type D = HasHardware;
    bindings::weihe::hal::types::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::gpio::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::wasi::i2c::i2c::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::i2c_buses::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::spi::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::uart::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::pwm::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::adc::add_to_linker::<_, D>(linker, |state| View(state))?;
    bindings::weihe::hal::delay::add_to_linker::<_, D>(linker, |state| View(state))
}

impl wit::Host for View<'_> {}

impl From<HalError> for wit::Error {
    fn from(error: HalError) -> Self {
        let text = error.to_string();
        match error {
            HalError::Unknown { .. } => Self::Unknown(text),
            HalError::Denied(_) => Self::Denied(text),
            HalError::Taken { .. } => Self::Taken(text),
            HalError::Unsupported(_) => Self::Unsupported(text),
            HalError::Invalid(_) => Self::Invalid(text),
            HalError::TooLong { .. } => Self::TooLong(text),
            HalError::Timeout(_) => Self::Timeout(text),
            HalError::Gone(_) => Self::Gone(text),
            HalError::Busy { .. } | HalError::Failed(_) => Self::Failed(text),
        }
    }
}
