//! `weihe board`: the board of the running host, and what is done with a virtual one.

mod frame;
mod live;
mod picture;
mod rows;
#[cfg(test)]
mod tests;
mod view;

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;
use weihe_hal::virtual_board::{Act, BoardView, Setting};
use weihe_kernel::units::Span;

use super::set::parse_value;
use super::top::terminal;
use super::{Global, Result, remote};
use crate::control::Client;
use crate::language::say;
use crate::output::{Failure, Outcome, Style, print, print_json};

use frame::{Canvas, draw};
use view::View;

/// The shortest interval: the host must not be busy with being looked at.
const SHORTEST: Duration = Duration::from_millis(100);

/// Columns of a frame that is not for a terminal.
const WIDTH: usize = 120;

/// Watch the board of the running host; press, set and break things on a virtual one
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Keys:\n  q quit   ↑ ↓ or j k select   Space press, flip   b break   m mend   + - or = number Enter set a value\n\nExamples:\n  weihe board\n  weihe board --once\n  weihe board press start --for 50ms\n  weihe board set temperature 35.5\n  weihe board fault i2c/1@0x44 nack\n  weihe board mend"
)]
pub(super) struct Board {
    #[command(subcommand)]
    what: Option<What>,
    /// How often to look
    #[arg(short, long, value_name = "SPAN", default_value = "500ms")]
    interval: Span,
    /// Print the board once, as text, and end
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Press a button, and release it after a time
    Press(Press),
    /// Release a button
    Release(One),
    /// Set a value of the world, flip a switch, or drive a line from outside
    Set(Set),
    /// Turn a rotary encoder
    Turn(Turn),
    /// Break something: a line, a device, a bus, a port
    Fault(Break),
    /// Mend something, or everything
    Mend(Mend),
}

#[derive(Debug, Args)]
struct Press {
    /// Its line
    #[arg(value_name = "PART")]
    name: String,
    /// For how long [default: until it is released]
    #[arg(long = "for", value_name = "SPAN")]
    span: Option<Span>,
}

#[derive(Debug, Args)]
struct One {
    /// Its line
    #[arg(value_name = "PART")]
    name: String,
}

#[derive(Debug, Args)]
struct Set {
    /// A value of the world, or a line
    #[arg(value_name = "PART")]
    name: String,
    /// A number; on, off, high, low, or open
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

#[derive(Debug, Args)]
struct Turn {
    /// The encoder
    #[arg(value_name = "PART")]
    name: String,
    /// How many steps; clockwise when they are positive
    #[arg(value_name = "STEPS", allow_hyphen_values = true)]
    steps: i64,
}

#[derive(Debug, Args)]
struct Break {
    /// A line, a chip, a bus, a device (`i2c/1@0x44`), a port, a channel
    #[arg(value_name = "PART")]
    name: String,
    /// What is wrong with it: nack, timeout, stuck, broken, unplugged, …
    #[arg(value_name = "FAULT")]
    fault: String,
    /// How often it shows [default: until it is mended]
    #[arg(long, value_name = "COUNT")]
    times: Option<u32>,
}

#[derive(Debug, Args)]
struct Mend {
    /// What [default: everything]
    #[arg(value_name = "PART")]
    name: Option<String>,
}

impl What {
    fn act(self) -> Act {
        match self {
            Self::Press(Press { name, span }) => Act::Press {
                name,
                for_ms: span.map(|span| span.nanoseconds().div_ceil(1_000_000)),
            },
            Self::Release(One { name }) => Act::Release { name },
            Self::Set(Set { name, value }) => Act::Set {
                name,
                value: setting(&value),
            },
            Self::Turn(Turn { name, steps }) => Act::Turn { name, steps },
            Self::Fault(Break { name, fault, times }) => Act::Fault { name, fault, times },
            Self::Mend(Mend { name }) => Act::Mend { name },
        }
    }
}

/// A value as it is typed.
fn setting(text: &str) -> Setting {
    match parse_value(text) {
        Value::Bool(on) => Setting::Boolean(on),
        Value::Number(number) => Setting::Number(number.as_f64().unwrap_or_default()),
        _ => Setting::Text(text.to_owned()),
    }
}

impl Board {
    pub(super) fn run(self, global: &Global) -> Result {
        let every = Duration::from_nanos(self.interval.nanoseconds()).max(SHORTEST);
        remote::converse(async {
            match self.what {
                Some(what) => act(global, &what.act()).await,
                None if global.json => {
                    let mut client = remote::client(global).await?;
                    let view: Value = client.request("board", &Value::Null).await?;
                    print_json(&view);
                    Ok(Outcome::Done)
                }
                None if self.once || !std::io::stdout().is_terminal() => once(global).await,
                None => live::run(global, every).await,
            }
        })
    }
}

async fn look(client: &mut Client) -> std::result::Result<BoardView, Failure> {
    Ok(client.request("board", &Value::Null).await?)
}

async fn act(global: &Global, act: &Act) -> Result {
    let mut client = remote::client(global).await?;
    let answer: Value = client.request("board-do", act).await?;
    if global.json {
        print_json(&answer);
    }
    Ok(Outcome::Done)
}

async fn once(global: &Global) -> Result {
    let mut client = remote::client(global).await?;
    let board = look(&mut client).await?;
    let canvas = Canvas {
        width: terminal::size().map_or(WIDTH, |(width, _)| width),
        height: None,
        style: Style::stdout(),
    };
    let lines = draw(
        &board,
        &View::default(),
        &say::board_once().to_string(),
        &canvas,
    );
    print(&(lines.join("\n") + "\n"));
    Ok(Outcome::Done)
}

/// What there is on a board, for who types its name.
pub(super) fn parts(board: &BoardView) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    for line in &board.lines {
        for name in line.aliases.iter().chain([&line.name]) {
            parts.push((name.clone(), line.kind.clone()));
        }
    }
    for value in &board.world {
        parts.push((value.name.clone(), format!("{}", value.value)));
    }
    for device in &board.devices {
        parts.push((rows::device_name(device), device.part.clone()));
    }
    let named = board.ports.iter().map(|port| &port.name);
    let named = named.chain(board.pwm.iter().map(|pwm| &pwm.name));
    let named = named.chain(board.adc.iter().map(|adc| &adc.name));
    let named = named.chain(board.encoders.iter().map(|encoder| &encoder.name));
    parts.extend(named.map(|name| (name.clone(), String::new())));
    parts
}
