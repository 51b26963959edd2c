#![doc = include_str!("../../../docs/plugins/console.md")]

mod command;
mod octets;

pub use command::{Address, Command, Pull};
pub use octets::Octets;

use std::collections::BTreeMap;

use embedded_hal::i2c::I2c as _;
use embedded_hal::spi::{Operation, SpiDevice as _};
use embedded_io::Write as _;
use serde_json::json;
use weihe_sdk::hal::{
    Edges, HalError, I2cError, Input, InputOptions, Output, OutputOptions, SpiOptions, UartSettings,
};
use weihe_sdk::prelude::*;

/// The addresses that are looked at: those that are not reserved (UM10204, 3.1.12).
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x08..=0x77;

/// Where an empty write is no harmless question: some EEPROMs take it for the end of a write, or lock themselves.
const EEPROMS: std::ops::RangeInclusive<u8> = 0x50..=0x5f;

/// The plugin.
#[derive(Debug, Default)]
pub struct Console {
    lines: BTreeMap<String, Held>,
}

/// A line, as it was used last.
#[derive(Debug)]
enum Held {
    /// With what it was opened with.
    Input(Input, InputOptions),
    Output(Output),
}

impl Plugin for Console {
    type Config = NoConfig;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        let described = Description::new(
            "console",
            env!("CARGO_PKG_VERSION"),
            "Hardware by hand, for whoever brings up a board",
        );
        command::infos()
            .into_iter()
            .fold(described, Description::command)
    }

    fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::ReadLine { line, bias } => {
                let active = match (self.lines.get(&line), bias) {
                    (Some(Held::Output(output)), None) => output.is_active(),
                    (Some(Held::Output(_)), Some(_)) => {
                        return Err(CallError::invalid_argument(format!(
                            "`bias`: {line} is an output here, which takes none; `watch` makes it an input"
                        )));
                    }
                    (Some(Held::Input(input, _)), None) => input.is_active(),
                    (_, bias) => self.input(ctx, &line, None, bias)?.is_active(),
                };
                Answer::json(&json!({ "active": active.map_err(hardware)? }))
            }
            Command::WriteLine { line, value } => {
                self.output(ctx, &line)?.set(value).map_err(hardware)?;
                Ok(Answer::none())
            }
            Command::ToggleLine { line } => {
                let active = self.output(ctx, &line)?.toggle().map_err(hardware)?;
                Answer::json(&json!({ "active": active }))
            }
            Command::Watch { line, bias } => {
                let input = self.input(ctx, &line, Some(Edges::Both), bias)?;
                Answer::json(&json!({ "topic": input.topic(), "missed": input.missed() }))
            }
            Command::Scan { bus } => scan(ctx, &bus),
            Command::I2c {
                bus,
                address,
                write,
                read,
            } => i2c(ctx, &bus, address, &write, read),
            Command::Spi {
                peripheral,
                hertz,
                write,
                read,
            } => spi(ctx, &peripheral, hertz, &write, read),
            Command::Uart {
                port,
                baud,
                send,
                timeout,
                gap,
            } => uart(ctx, &port, baud, &send, timeout, gap),
            Command::Pwm {
                channel,
                period,
                width,
            } => {
                let channel = ctx.pwm(&channel, None).map_err(hardware)?;
                channel.set(period, width).map_err(hardware)?;
                channel.enable(width > Duration::ZERO).map_err(hardware)?;
                let (period, width) = (channel.period(), channel.width());
                Answer::json(&json!({
                    "period-ns": period.map_err(hardware)?.as_nanos(),
                    "width-ns": width.map_err(hardware)?.as_nanos(),
                }))
            }
            Command::Adc { channel } => {
                let channel = ctx.adc(&channel).map_err(hardware)?;
                Answer::json(&json!({
                    "value": channel.read().map_err(hardware)?,
                    "raw": channel.read_raw().map_err(hardware)?,
                    "quantity": format!("{:?}", channel.quantity()).to_lowercase(),
                }))
            }
        }
    }
}

/// What the kernel says, as it says it.
fn hardware(error: HalError) -> CallError {
    CallError::failed(error.text())
}

fn bus_error(error: &I2cError) -> CallError {
    CallError::failed(error.to_string())
}

impl Console {
    /// Opens a line as an input; what is not said stays as it was.
    fn input(
        &mut self,
        ctx: &mut Context,
        line: &str,
        edges: Option<Edges>,
        bias: Option<Pull>,
    ) -> Result<&mut Input, CallError> {
        let mut options = match self.lines.get(line) {
            Some(Held::Input(_, options)) => *options,
            _ => InputOptions::new(),
        };
        options.edges = edges.unwrap_or(options.edges);
        options.bias = bias.map_or(options.bias, Into::into);
        let input = ctx.input(line, options).map_err(hardware)?;
        match self.hold(line, Held::Input(input, options)) {
            Held::Input(input, _) => Ok(input),
            Held::Output(_) => Err(CallError::failed("the line has become an output")),
        }
    }

    fn output(&mut self, ctx: &mut Context, line: &str) -> Result<&mut Output, CallError> {
        if !matches!(self.lines.get(line), Some(Held::Output(_))) {
            let output = ctx
                .output(line, OutputOptions::default())
                .map_err(hardware)?;
            self.lines.insert(line.to_owned(), Held::Output(output));
        }
        match self.lines.get_mut(line) {
            Some(Held::Output(output)) => Ok(output),
            _ => Err(CallError::failed("the line is no output")),
        }
    }

    fn hold(&mut self, line: &str, held: Held) -> &mut Held {
        let place = self.lines.entry(line.to_owned());
        place.insert_entry(held).into_mut()
    }
}

fn scan(ctx: &mut Context, bus: &str) -> Result<Answer, CallError> {
    let mut open = ctx.i2c(bus).map_err(hardware)?;
    let mut found = Vec::new();
    for address in ADDRESSES {
        // Many a sensor answers a read only when it has something to tell.
        let answers = open.read(address, &mut [0]).is_ok()
            || (!EEPROMS.contains(&address) && open.write(address, &[]).is_ok());
        if answers {
            found.push(format!("{address:#04x}"));
        }
    }
    Answer::json(&json!({ "addresses": found }))
}

fn i2c(
    ctx: &mut Context,
    bus: &str,
    Address(address): Address,
    write: &Octets,
    read: usize,
) -> Result<Answer, CallError> {
    let mut open = ctx.i2c(bus).map_err(hardware)?;
    let mut octets = vec![0; read];
    let done = match (write.0.is_empty(), read) {
        (true, _) => open.read(address, &mut octets),
        (false, 0) => open.write(address, &write.0),
        (false, _) => open.write_read(address, &write.0, &mut octets),
    };
    done.map_err(|error| bus_error(&error))?;
    Answer::json(&json!({ "read": Octets(octets).to_string() }))
}

fn spi(
    ctx: &mut Context,
    peripheral: &str,
    hertz: u32,
    write: &Octets,
    read: usize,
) -> Result<Answer, CallError> {
    let options = SpiOptions::new().hertz(hertz);
    let mut device = ctx.spi(peripheral, options).map_err(hardware)?;
    let mut octets = write.0.clone();
    let mut rest = vec![0; read];
    device
        .transaction(&mut [
            Operation::TransferInPlace(&mut octets),
            Operation::Read(&mut rest),
        ])
        .map_err(hardware)?;
    octets.append(&mut rest);
    Answer::json(&json!({ "read": Octets(octets).to_string() }))
}

fn uart(
    ctx: &mut Context,
    port: &str,
    baud: u32,
    send: &Octets,
    timeout: Duration,
    gap: Duration,
) -> Result<Answer, CallError> {
    let mut open = ctx.uart(port, UartSettings::new(baud)).map_err(hardware)?;
    open.write_all(&send.0).map_err(hardware)?;
    open.drain().map_err(hardware)?;
    let read = match open.read_frame(command::LONGEST_ANSWER, timeout, gap) {
        Err(HalError::Timeout(_)) => Vec::new(),
        read => read.map_err(hardware)?,
    };
    Answer::json(&json!({ "read": Octets(read).to_string() }))
}

weihe_sdk::plugin!(Console: commands);
