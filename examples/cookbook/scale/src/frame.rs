//! Frames of the XK3190 family of weighing indicators in command mode (their manuals, "serial
//! communication", command mode):
//!
//! ```text
//! request   02  A  B  3 3  03                  address, command, sum in two characters
//! reply     02  A  B  + 0 1 2 3 4 5 2  S S 03  ... sign, six digits, decimal places, sum
//! ```
//!
//! The sum is the exclusive or of what stands between 02 and itself, as two hexadecimal digits.
//! Commands are B for the gross weight, C for the tare and D for the net weight.

use serde::Deserialize;
use weihe_sdk::codec::{
    Codec, Context as Frame, DecodeError, Decoded, Direction, Field, Reading, Refusal, Scan, Value,
};
use weihe_sdk::prelude::Quality;

const START: u8 = 0x02;
const END: u8 = 0x03;
/// Start, address, command, sum and end; in a reply also sign, digits and places.
const REQUEST_LENGTH: usize = 6;
const REPLY_LENGTH: usize = 14;
const MOST_PLACES: u8 = 4;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// All that lies on the scale.
    #[default]
    Gross,
    /// What is subtracted.
    Tare,
    /// Gross less tare.
    Net,
}

impl What {
    const ALL: [What; 3] = [What::Gross, What::Tare, What::Net];

    fn letter(self) -> u8 {
        b'B' + self as u8
    }

    fn name(self) -> &'static str {
        ["gross", "tare", "net"][self as usize]
    }
}

/// The parser.
pub struct Frames;

/// `weihe encode FILE address=A what=gross`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Asked {
    address: char,
    #[serde(default)]
    what: What,
}

/// The frame that asks for a weight.
pub fn request(address: char, what: What) -> Vec<u8> {
    let body = [address as u8, what.letter()];
    let [high, low] = sum(&body);
    vec![START, body[0], body[1], high, low, END]
}

/// The weight in the reply to a request.
pub fn weight(address: char, what: What, bytes: &[u8]) -> Result<f64, String> {
    let reply = parse(bytes, REPLY_LENGTH).map_err(|error| match error {
        DecodeError::Refused(refusal) => format!("byte {}: {}", refusal.offset, refusal.reason),
        DecodeError::Incomplete(missing) => format!("{missing} bytes are missing"),
        DecodeError::Options(text) => text,
    })?;
    if (reply.address, reply.what) != (address as u8, what) {
        return Err(format!(
            "asked {address} for {}, and {} answered with {}",
            what.name(),
            char::from(reply.address),
            reply.what.name()
        ));
    }
    Ok(reply.weight)
}

struct Parsed {
    address: u8,
    what: What,
    weight: f64,
}

/// Reads a frame of a certain length at the beginning of `bytes`; a request has no weight.
fn parse(bytes: &[u8], length: usize) -> Result<Parsed, DecodeError> {
    if let Some(first) = bytes.first().filter(|first| **first != START) {
        return Err(refused(0, format!("expected 02, found {first:02X}")));
    }
    let Some(frame) = bytes.get(..length) else {
        return Err(DecodeError::Incomplete((length - bytes.len()) as u32));
    };
    let (body, tail) = frame[1..].split_at(length - 4);
    let expected = sum(body);
    if tail[..2] != expected {
        let show = |sum: &[u8]| String::from_utf8_lossy(sum).into_owned();
        let reason = format!(
            "expected the sum {}, found {}",
            show(&expected),
            show(&tail[..2])
        );
        return Err(refused(length - 3, reason));
    }
    if tail[2] != END {
        return Err(refused(
            length - 1,
            format!("expected 03, found {:02X}", tail[2]),
        ));
    }
    let what = What::ALL.into_iter().find(|what| what.letter() == body[1]);
    let Some(what) = what else {
        return Err(refused(
            2,
            format!("expected B, C or D, found {:02X}", body[1]),
        ));
    };
    let weight = match body[2..] {
        [] => 0.0,
        [sign @ (b'+' | b'-'), ref digits @ .., places @ b'0'..=b'9']
            if places - b'0' <= MOST_PLACES =>
        {
            let digits = std::str::from_utf8(digits)
                .ok()
                .and_then(|text| text.parse::<u32>().ok());
            let digits = digits.ok_or_else(|| refused(4, "expected six digits".to_owned()))?;
            let weight = f64::from(digits) / f64::from(10_u32.pow((places - b'0').into()));
            if sign == b'-' { -weight } else { weight }
        }
        _ => {
            return Err(refused(
                3,
                "expected a sign, six digits and the number of places".to_owned(),
            ));
        }
    };
    Ok(Parsed {
        address: body[0],
        what,
        weight,
    })
}

fn length(direction: Direction) -> usize {
    match direction {
        Direction::Request => REQUEST_LENGTH,
        _ => REPLY_LENGTH,
    }
}

fn sum(body: &[u8]) -> [u8; 2] {
    let sum = body.iter().fold(0, |sum, byte| sum ^ byte);
    [sum >> 4, sum & 15].map(|half| b"0123456789ABCDEF"[usize::from(half)])
}

fn refused(offset: usize, reason: String) -> DecodeError {
    DecodeError::Refused(Refusal {
        offset: offset as u32,
        reason,
    })
}

impl Codec for Frames {
    fn decode(direction: Direction, _: &Frame, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        let length = length(direction);
        let parsed = parse(bytes, length)?;
        let mut parts = vec![
            (1, "start", "a frame begins".to_owned()),
            (1, "address", char::from(parsed.address).to_string()),
            (1, "command", format!("{} weight", parsed.what.name())),
            (8, "weight", parsed.weight.to_string()),
            (2, "sum", "agrees".to_owned()),
            (1, "end", "the frame ends".to_owned()),
        ];
        let mut readings = Vec::new();
        if length == REQUEST_LENGTH {
            parts.remove(3);
        } else {
            // The unit stands on the indicator, and in no frame.
            let (value, unit, quality) =
                (Value::Float(parsed.weight), String::new(), Quality::Good);
            let name = parsed.what.name().to_owned();
            readings.push(Reading {
                name,
                value,
                unit,
                quality,
            });
        }
        let mut offset = 0;
        let fields = parts.into_iter().map(|(length, name, meaning)| {
            let field = Field {
                offset,
                length,
                name: name.to_owned(),
                meaning,
            };
            offset += length;
            field
        });
        Ok(Decoded {
            fields: fields.collect(),
            readings,
            consumed: length as u32,
        })
    }

    fn encode(asked: &str) -> Result<Vec<u8>, String> {
        let asked: Asked = serde_json::from_str(asked).map_err(|error| error.to_string())?;
        if !asked.address.is_ascii_uppercase() {
            return Err(format!("`address`: {:?} is none of A to Z", asked.address));
        }
        Ok(request(asked.address, asked.what))
    }

    fn scan(direction: Direction, _: &Frame, bytes: &[u8], _idle: bool) -> Scan {
        // A start is one only if a frame follows: noise may look like it.
        for (skip, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == START) {
            match parse(&bytes[skip..], length(direction)) {
                Ok(_) => return Scan::found(skip as u32, length(direction) as u32),
                Err(DecodeError::Incomplete(_)) => return Scan::dropped(skip as u32),
                // A frame with a wrong sum is handed over all the same: the driver asks again at
                // once, which is sooner than at the end of its patience.
                Err(_) if bytes.get(skip + length(direction) - 1) == Some(&END) => {
                    return Scan::found(skip as u32, length(direction) as u32);
                }
                Err(_) => {}
            }
        }
        Scan::dropped(bytes.len() as u32)
    }
}
