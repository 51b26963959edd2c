//! Sentences of NMEA 0183: `$GPGGA,…*47` and a line's end, where 47 is the exclusive or of what stands
//! between `$` and `*`. GGA has the position.

use weihe_sdk::codec::{
    Codec, Context as Frame, DecodeError, Decoded, Direction, Field, Reading, Refusal, Scan, Value,
};
use weihe_sdk::prelude::Quality;

/// The standard allows 82 bytes, and receivers of several systems go beyond. A `$` without an end
/// within this is noise.
const LONGEST: usize = 128;

/// The parser.
pub struct Sentences;

/// A sentence with a checksum that agrees.
#[derive(Debug)]
pub struct Sentence<'a> {
    /// Who talks (`GP`, `BD`, `GN`) and what it is (`GGA`).
    kind: &'a str,
    /// What follows, without the commas.
    parts: Vec<&'a str>,
}

/// What GGA says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// `None` while the receiver does not know.
    pub position: Option<Position>,
    pub satellites: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
    pub altitude: f64,
}

/// Reads one sentence, line's end included.
pub fn parse(bytes: &[u8]) -> Result<Sentence<'_>, DecodeError> {
    match bytes {
        [] => return Err(DecodeError::Incomplete(1)),
        [b'$', ..] => {}
        [first, ..] => return Err(refused(0, format!("expected $, found {first:02X}"))),
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Err(DecodeError::Incomplete(1));
    };
    let text = std::str::from_utf8(&bytes[1..end])
        .map_err(|error| refused(1 + error.valid_up_to(), "is no text".to_owned()))?;
    let Some((body, found)) = text.trim_end().rsplit_once('*') else {
        return Err(refused(end, "a * and the checksum are missing".to_owned()));
    };
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    if u8::from_str_radix(found, 16) != Ok(sum) {
        return Err(refused(
            2 + body.len(),
            format!("expected the checksum {sum:02X}, found {found}"),
        ));
    }
    let mut parts = body.split(',');
    let kind = parts.next().unwrap_or_default();
    Ok(Sentence {
        kind,
        parts: parts.collect(),
    })
}

/// What a GGA sentence says; `None` for others.
pub fn fix(sentence: &Sentence<'_>) -> Option<Fix> {
    let [
        _,
        latitude,
        north,
        longitude,
        east,
        quality,
        satellites,
        _,
        altitude,
        ..,
    ] = sentence.parts[..]
    else {
        return None;
    };
    if !sentence.kind.ends_with("GGA") {
        return None;
    }
    let position = || {
        Some(Position {
            latitude: degrees(latitude)? * if north == "S" { -1.0 } else { 1.0 },
            longitude: degrees(longitude)? * if east == "W" { -1.0 } else { 1.0 },
            altitude: number(altitude)?,
        })
    };
    Some(Fix {
        position: if matches!(quality, "" | "0") {
            None
        } else {
            position()
        },
        satellites: satellites.parse().unwrap_or(0),
    })
}

/// `4807.038`: 48 degrees and 7.038 minutes.
fn degrees(text: &str) -> Option<f64> {
    let minutes = text.find('.').unwrap_or(text.len()).checked_sub(2)?;
    let (degrees, minutes) = (text.get(..minutes)?, text.get(minutes..)?);
    Some(number(degrees)? + number(minutes)? / 60.0)
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number)
}

fn refused(offset: usize, reason: String) -> DecodeError {
    DecodeError::Refused(Refusal {
        offset: offset as u32,
        reason,
    })
}

impl Codec for Sentences {
    fn decode(_: Direction, _: &Frame, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        let sentence = parse(bytes)?;
        const GGA: [&str; 9] = [
            "time",
            "latitude",
            "north or south",
            "longitude",
            "east or west",
            "quality",
            "satellites",
            "dilution",
            "altitude",
        ];
        let is_gga = sentence.kind.ends_with("GGA");
        let mut fields = vec![
            field(0, 1, "start", "a sentence begins"),
            field(1, sentence.kind.len(), "kind", sentence.kind),
        ];
        let mut offset = 1 + sentence.kind.len();
        for (index, part) in sentence.parts.iter().enumerate() {
            let name = GGA
                .get(index)
                .filter(|_| is_gga)
                .copied()
                .unwrap_or("field");
            // A field has its comma with it.
            fields.push(field(offset, part.len() + 1, name, part));
            offset += part.len() + 1;
        }
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |end| end + 1);
        fields.push(field(offset, 3, "checksum", "agrees"));
        fields.push(field(offset + 3, end - offset - 3, "end", "the line ends"));
        let position = fix(&sentence).and_then(|fix| fix.position);
        let reading = |name: &str, value: f64, unit: &str| Reading {
            name: name.to_owned(),
            value: Value::Float(value),
            unit: unit.to_owned(),
            quality: Quality::Good,
        };
        let readings = position.map_or(Vec::new(), |position| {
            vec![
                reading("latitude", position.latitude, "deg"),
                reading("longitude", position.longitude, "deg"),
                reading("altitude", position.altitude, "m"),
            ]
        });
        Ok(Decoded {
            fields,
            readings,
            consumed: end as u32,
        })
    }

    fn encode(_: &str) -> Result<Vec<u8>, String> {
        Err("a receiver is not asked for anything".to_owned())
    }

    fn scan(_: Direction, _: &Frame, bytes: &[u8], _idle: bool) -> Scan {
        let mut start = 0;
        while let Some(skip) = bytes[start..].iter().position(|byte| *byte == b'$') {
            start += skip;
            let rest = &bytes[start + 1..];
            match rest.iter().position(|byte| matches!(byte, b'$' | b'\n')) {
                Some(end) if rest[end] == b'\n' && end < LONGEST => {
                    return Scan::found(start as u32, end as u32 + 2);
                }
                None if rest.len() < LONGEST => return Scan::dropped(start as u32),
                // Another `$` before the line's end, or none for too long: this one began nothing.
                _ => start += 1,
            }
        }
        Scan::dropped(bytes.len() as u32)
    }
}

fn field(offset: usize, length: usize, name: &str, meaning: &str) -> Field {
    Field {
        offset: offset as u32,
        length: length as u32,
        name: name.to_owned(),
        meaning: meaning.to_owned(),
    }
}
