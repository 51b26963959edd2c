//! A plugin for measurements: uses hardware as often as it is told, and says how long that took by the clock of
//! the host. It also follows an input with an output, and counts the edges.
//!
//! It runs on any board: `weihe call DEVICE measure '{"kind": "gpio", "name": "led", "count": 1000}'`.

mod command;
mod many;

use std::time::Instant;

use command::{Command, Kind};
use embedded_hal::i2c::I2c as _;
use embedded_hal::spi::SpiDevice as _;
use many::Many;
use serde::Deserialize;
use serde_json::json;
use weihe_sdk::hal::{Edge, Edges, HalError, Input, InputOptions, Output};
use weihe_sdk::prelude::*;

/// The plugin.
pub struct Hardware {
    input: Option<Input>,
    output: Option<Output>,
    counted: u64,
    missed: u64,
    many: Many,
}

/// What is followed with what; nothing where they are left out.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    input: Option<String>,
    output: Option<String>,
}

impl Plugin for Hardware {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        let described = Description::new(
            "hardware",
            env!("CARGO_PKG_VERSION"),
            "Uses hardware as often as it is told, and says how long that took",
        );
        command::infos()
            .into_iter()
            .fold(described, Description::command)
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let both = InputOptions::new().edges(Edges::Both);
        let input = config.input.map(|name| ctx.input(&name, both));
        let output = config
            .output
            .map(|name| ctx.output(&name, Default::default()));
        Ok(Self {
            input: input.transpose()?,
            output: output.transpose()?,
            counted: 0,
            missed: 0,
            many: Many::default(),
        })
    }

    fn on_event(&mut self, _: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if let Some(input) = &self.input
            && let Some(edge) = Edge::of(&event, input)
        {
            self.counted += 1;
            self.missed += edge.missed;
            if let Some(output) = &self.output {
                output.set(edge.active)?;
            }
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Measure {
                kind,
                name,
                address,
                count,
            } => took(match kind {
                Kind::Gpio => write_line(ctx, &name, count)?,
                Kind::I2c => read_sensor(ctx, &name, address, count)?,
                Kind::Spi => transfer(ctx, &name, count)?,
            }),
            Command::Edges => {
                Answer::json(&json!({ "counted": self.counted, "missed": self.missed }))
            }
            Command::Open {
                lines,
                buses,
                devices,
            } => {
                let began = Instant::now();
                self.many = Many::open(ctx, lines, buses, devices)?;
                took(began.elapsed())
            }
            Command::Round => {
                let began = Instant::now();
                self.many.round()?;
                took(began.elapsed())
            }
        }
    }
}

fn took(time: std::time::Duration) -> Result<Answer, CallError> {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Answer::json(&json!({ "nanoseconds": nanoseconds }))
}

/// What the kernel says, as it says it.
fn failed(error: HalError) -> CallError {
    CallError::failed(error.text())
}

fn write_line(ctx: &mut Context, name: &str, count: u32) -> Result<std::time::Duration, CallError> {
    let line = ctx.output(name, Default::default()).map_err(failed)?;
    let began = Instant::now();
    for number in 0..count {
        line.set(number % 2 == 0).map_err(failed)?;
    }
    Ok(began.elapsed())
}

fn read_sensor(
    ctx: &mut Context,
    name: &str,
    address: u8,
    count: u32,
) -> Result<std::time::Duration, CallError> {
    let mut bus = ctx.i2c(name).map_err(failed)?;
    let mut raw = [0; 2];
    let began = Instant::now();
    for _ in 0..count {
        bus.write_read(address, &[0], &mut raw)
            .map_err(|error| CallError::failed(error.to_string()))?;
    }
    Ok(began.elapsed())
}

fn transfer(ctx: &mut Context, name: &str, count: u32) -> Result<std::time::Duration, CallError> {
    let mut peripheral = ctx.spi(name, Default::default()).map_err(failed)?;
    let began = Instant::now();
    for _ in 0..count {
        // Channel 0 of an MCP3008.
        let mut bytes = [1, 0x80, 0];
        peripheral.transfer_in_place(&mut bytes).map_err(failed)?;
    }
    Ok(began.elapsed())
}

weihe_sdk::plugin!(Hardware: events, commands);
