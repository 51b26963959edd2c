//! The plugin.

mod bindings {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-i2c",
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/plugin",
            "../../../wit/hal",
        ],
        inline: "
            package weihe:guests;
            world lengths {
                include weihe:plugin/imports@0.1.0;
                include weihe:hal/imports@0.1.0;
                export weihe:plugin/lifecycle@0.1.0;
                export weihe:plugin/commands@0.1.0;
            }
        ",
        world: "lengths",
        generate_all,
    });
}

use bindings::exports::weihe::plugin::commands::{self, CallError, Invocation, Outcome};
use bindings::exports::weihe::plugin::lifecycle::{
    self, CommandInfo, ConnectionNeed, Description, Error, StartContext, StopReason,
};
use bindings::wasi::i2c::i2c::Operation;
use bindings::weihe::hal::{delay, i2c_buses, spi, uart};

/// More than any memory has.
const HUGE: u64 = 1 << 63;

/// Where the sensor of the test is.
const SENSOR: u16 = 0x44;

const COMMANDS: [&str; 9] = [
    "i2c-read",
    "i2c-write-read",
    "i2c-operations",
    "i2c-address",
    "i2c-reserved",
    "i2c-nothing",
    "spi-read",
    "uart-read",
    "wait",
];

struct Lengths;

impl lifecycle::Guest for Lengths {
    fn describe() -> Description {
        let command = |name: &&str| CommandInfo {
            name: (*name).to_owned(),
            summary: String::new(),
            arguments: String::new(),
            answer: String::new(),
        };
        Description {
            name: "lengths".into(),
            version: "0.1.0".into(),
            summary: "Asks for more than there can be".into(),
            commands: COMMANDS.iter().map(command).collect(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: false,
            connection: ConnectionNeed::None,
        }
    }

    fn start(_: StartContext) -> Result<(), Error> {
        Ok(())
    }

    fn stop(_: StopReason) {}
}

fn bus() -> i2c_buses::I2c {
    i2c_buses::open("bus").expect("the test grants it")
}

fn words<T: std::fmt::Debug, E: std::fmt::Debug>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(value) => format!("done: {value:?}"),
        Err(error) => format!("{error:?} {}", i2c_buses::last_error("bus")),
    }
}

fn ask(command: &str) -> Option<String> {
    Some(match command {
        "i2c-read" => words(bus().read(SENSOR, HUGE)),
        "i2c-write-read" => words(bus().write_read(SENSOR, &[0xfd], HUGE + 1)),
        "i2c-operations" => {
            let operations = vec![Operation::Read(1); 65];
            words(bus().transaction(SENSOR, &operations))
        }
        "i2c-address" => words(bus().read(0xffff, 1)),
        "i2c-reserved" => words(bus().read(0x03, 1)),
        "i2c-nothing" => words(bus().transaction(SENSOR, &[])),
        "spi-read" => {
            let options = spi::Options {
                mode: spi::Mode::Mode0,
                frequency: 0,
                lsb_first: false,
            };
            match spi::Device::open("converter", options) {
                Ok(device) => words(
                    device.transaction(&[spi::Operation::Read(HUGE), spi::Operation::Read(HUGE)]),
                ),
                Err(error) => format!("{error:?}"),
            }
        }
        "uart-read" => {
            let settings = uart::Settings {
                baud: 9600,
                data_bits: 8,
                parity: uart::Parity::None,
                stop_bits: 1,
                flow: uart::FlowControl::None,
                rs485: None,
            };
            match uart::Port::open("port", settings) {
                Ok(port) => words(port.read(HUGE, 0, 0)),
                Err(error) => format!("{error:?}"),
            }
        }
        "wait" => {
            delay::wait(HUGE);
            "waited".to_owned()
        }
        _ => return None,
    })
}

impl commands::Guest for Lengths {
    fn call(invocation: Invocation) -> Result<Outcome, CallError> {
        let Some(words) = ask(&invocation.command) else {
            return Err(CallError::UnknownCommand(invocation.command));
        };
        let escaped = words.replace('\\', "\\\\").replace('"', "\\\"");
        Ok(Outcome::Done(format!("\"{escaped}\"")))
    }
}

bindings::export!(Lengths with_types_in bindings);
