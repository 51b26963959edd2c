//! The codec hook: the pure codec in the SDK's terms.

use weihe_modbus::{Asked, DecodeError, Direction, FrameError, Mode, Options, Raw};
use weihe_sdk::{Quality, codec};

use crate::Modbus;

impl codec::Codec for Modbus {
    fn decode(
        direction: codec::Direction,
        context: &codec::Context,
        bytes: &[u8],
    ) -> Result<codec::Decoded, codec::DecodeError> {
        let Some(direction) = known(direction) else {
            return Err(refused(
                0,
                "Modbus has no unsolicited frames: choose request or reply",
            ));
        };
        let explained = weihe_modbus::decode(direction, &context.request, &context.options, bytes)
            .map_err(in_wit)?;
        let field = |field: weihe_modbus::Field| codec::Field {
            offset: field.offset as u32,
            length: field.length as u32,
            name: field.name,
            meaning: field.meaning,
        };
        let reading = |reading: weihe_modbus::Reading| {
            let (value, quality) = match reading.value {
                Raw::Bit(on) => (codec::Value::Boolean(on), Quality::Good),
                Raw::Register(content) => (codec::Value::Integer(content.into()), Quality::Good),
                Raw::Text(text) => (codec::Value::Text(text), Quality::Good),
                Raw::Exception(code) => (codec::Value::Integer(code.into()), Quality::Bad),
            };
            codec::Reading {
                name: reading.name,
                value,
                unit: String::new(),
                quality,
            }
        };
        Ok(codec::Decoded {
            fields: explained.fields.into_iter().map(field).collect(),
            readings: explained.readings.into_iter().map(reading).collect(),
            consumed: explained.consumed as u32,
        })
    }

    fn encode(request: &str) -> Result<Vec<u8>, String> {
        weihe_modbus::encode(request)
    }

    fn scan(
        direction: codec::Direction,
        context: &codec::Context,
        bytes: &[u8],
        idle: bool,
    ) -> codec::Scan {
        // Nothing can be found in what is never sent, or with options that cannot be read.
        let everything = codec::Scan::dropped(bytes.len() as u32);
        let (Some(direction), Ok(options)) = (known(direction), Options::parse(&context.options))
        else {
            return everything;
        };
        let asked = asked(options.mode, &context.request);
        let mode = options
            .mode
            .or(asked.as_ref().map(|asked| asked.mode))
            .unwrap_or(Mode::Tcp);
        let found = weihe_modbus::scan(mode, direction, asked.as_ref(), bytes, idle);
        codec::Scan {
            skip: found.skip as u32,
            frame: found.frame.map(|length| length as u32),
        }
    }
}

/// The request that a reply answers; none when it is not known or not readable.
fn asked(mode: Option<Mode>, request: &[u8]) -> Option<Asked> {
    match mode {
        Some(mode) => Asked::parse(mode, request).ok(),
        None => Asked::parse(Mode::Rtu, request)
            .or_else(|_| Asked::parse(Mode::Tcp, request))
            .ok(),
    }
}

fn known(direction: codec::Direction) -> Option<Direction> {
    match direction {
        codec::Direction::Request => Some(Direction::Request),
        codec::Direction::Reply => Some(Direction::Reply),
        codec::Direction::Unsolicited => None,
    }
}

fn in_wit(error: DecodeError) -> codec::DecodeError {
    match error {
        DecodeError::Options(text) => codec::DecodeError::Options(text),
        DecodeError::Frame(FrameError::Incomplete(missing)) => {
            codec::DecodeError::Incomplete(missing as u32)
        }
        DecodeError::Frame(FrameError::Refused { offset, reason }) => refused(offset, &reason),
    }
}

fn refused(offset: usize, reason: &str) -> codec::DecodeError {
    codec::DecodeError::Refused(codec::Refusal {
        offset: offset as u32,
        reason: reason.to_owned(),
    })
}
