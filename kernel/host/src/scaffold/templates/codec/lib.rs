//! A codec: the frames of a protocol, as pure functions. No bus, no clock, no memory: bytes in,
//! meaning out. `weihe decode` and `weihe encode` run it from the command line, and a driver in the
//! same crate would let its connection find the ends of replies with it (`ReplyRule::Codec`).
//!
//! The protocol here is a made-up climate sensor. Each frame is
//!
//! ```text
//! AA  length  function  data …  sum        length: function and data
//! ```
//!
//! and `sum` the sum of length, function and data, modulo 256. Function 10 asks without data, and is
//! answered with the temperature in tenths of a degree (two bytes, signed) and the humidity in %.

use serde::Deserialize;
use weihe_sdk::codec::Value as Content;
use weihe_sdk::codec::{
    Codec, Context as Frame, DecodeError, Decoded, Direction, Field, Reading, Refusal, Scan,
};
use weihe_sdk::prelude::*;
use weihe_sdk::{json, number};

const START: u8 = 0xAA;
const READ: u8 = 0x10;
/// Start, length and sum.
const OVERHEAD: usize = 3;

/// The parser.
pub struct Frames;

/// `weihe encode FILE function=read`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Asked {
    function: Function,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Function {
    Read,
}

impl Codec for Frames {
    fn decode(direction: Direction, _: &Frame, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        let frame = whole(bytes)?;
        let (function, data) = (frame[2], &frame[3..frame.len() - 1]);
        if function != READ {
            return Err(refused(
                2,
                format!("unknown function {function:02X}, expected {READ:02X}"),
            ));
        }
        let mut decoded = Decoded {
            fields: vec![
                field(0, 1, "start", "a frame begins".to_owned()),
                field(
                    1,
                    1,
                    "length",
                    format!("{} bytes follow before the sum", frame[1]),
                ),
                field(2, 1, "function", "read the climate".to_owned()),
            ],
            readings: Vec::new(),
            consumed: frame.len() as u32,
        };
        match (direction, data) {
            (Direction::Request, []) => {}
            (Direction::Reply, &[high, low, humidity]) => {
                let temperature = f64::from(i16::from_be_bytes([high, low])) / 10.0;
                let shown = format!("{} °C", number::fixed(temperature, 1));
                decoded.fields.push(field(3, 2, "temperature", shown));
                decoded
                    .fields
                    .push(field(5, 1, "humidity", format!("{humidity} %")));
                decoded
                    .readings
                    .push(reading("temperature", Content::Float(temperature), "Cel"));
                decoded
                    .readings
                    .push(reading("humidity", Content::Integer(humidity.into()), "%"));
            }
            _ => {
                return Err(refused(
                    3,
                    format!("{} bytes of data do not fit", data.len()),
                ));
            }
        }
        let last = frame.len() - 1;
        decoded
            .fields
            .push(field(last, 1, "sum", "agrees".to_owned()));
        Ok(decoded)
    }

    fn encode(request: &str) -> Result<Vec<u8>, String> {
        let asked: Asked = json::read(request)?;
        match asked.function {
            Function::Read => Ok(frame(READ, &[])),
        }
    }

    fn scan(_: Direction, _: &Frame, bytes: &[u8], _idle: bool) -> Scan {
        // What stands before a start byte belongs to no frame.
        let Some(skip) = bytes.iter().position(|byte| *byte == START) else {
            return Scan::dropped(bytes.len() as u32);
        };
        match whole(&bytes[skip..]) {
            Ok(frame) => Scan::found(skip as u32, frame.len() as u32),
            Err(DecodeError::Incomplete(_)) => Scan::dropped(skip as u32),
            // This was no start; the search goes on behind it.
            Err(_) => Scan::dropped(skip as u32 + 1),
        }
    }
}

/// The frame at the beginning of `bytes`.
fn whole(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    match bytes {
        [first, ..] if *first != START => Err(refused(
            0,
            format!("expected {START:02X}, found {first:02X}"),
        )),
        [_, 0, ..] => Err(refused(1, "a frame has a function".to_owned())),
        [_, length, ..] if bytes.len() >= usize::from(*length) + OVERHEAD => {
            let frame = &bytes[..usize::from(*length) + OVERHEAD];
            let (expected, found) = (sum(&frame[1..frame.len() - 1]), frame[frame.len() - 1]);
            if expected != found {
                let reason = format!("the sum is {found:02X}, expected {expected:02X}");
                return Err(refused(frame.len() - 1, reason));
            }
            Ok(frame)
        }
        [_, length, ..] => {
            let missing = usize::from(*length) + OVERHEAD - bytes.len();
            Err(DecodeError::Incomplete(missing as u32))
        }
        // The shortest frame has a function and no data.
        _ => Err(DecodeError::Incomplete((OVERHEAD + 1 - bytes.len()) as u32)),
    }
}

fn frame(function: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![START, data.len() as u8 + 1, function];
    frame.extend(data);
    frame.push(sum(&frame[1..]));
    frame
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn field(offset: usize, length: u32, name: &str, meaning: String) -> Field {
    Field {
        offset: offset as u32,
        length,
        name: name.to_owned(),
        meaning,
    }
}

fn reading(name: &str, value: Content, unit: &str) -> Reading {
    Reading {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        quality: Quality::Good,
    }
}

fn refused(offset: usize, reason: String) -> DecodeError {
    DecodeError::Refused(Refusal {
        offset: offset as u32,
        reason,
    })
}

// Every component is a plugin; this one does nothing but parse.
impl Plugin for Frames {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            "Takes the frames of a climate sensor apart",
        )
        .standalone()
    }

    fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        Ok(Frames)
    }
}

weihe_sdk::plugin!(Frames: codec);

#[cfg(test)]
mod tests;
