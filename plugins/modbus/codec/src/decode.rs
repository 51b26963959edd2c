//! Decoding for people: the mode found when it is not said, garbage before the frame shown as such.

use crate::explain::{Field, Reading, explain};
use crate::frame::{Direction, FrameError, MBAP_HEADER, MBAP_PREFIX, Mode};
use crate::message::{Asked, Message};
use crate::options::Options;
use crate::scan::scan;

/// A decoded frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// How it is wrapped.
    pub mode: Mode,
    /// Every byte up to its end, in order.
    pub fields: Vec<Field>,
    /// What it carries.
    pub readings: Vec<Reading>,
    /// Bytes taken, garbage before it included.
    pub consumed: usize,
}

/// Why there is no decoded frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not one.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The options are wrong; the text names the culprit.
    #[error("{0}")]
    Options(String),
}

/// Decodes the first frame in `bytes`. `request` is the frame that a reply answers; empty when it is
/// not known. `options` is a JSON object; `{"mode": "tcp"}` or `{"mode": "rtu"}` says how frames are
/// wrapped, else the CRC and the MBAP header tell.
///
/// # Errors
/// When the options are wrong, more bytes are needed, or there is no frame.
pub fn decode(
    direction: Direction,
    request: &[u8],
    options: &str,
    bytes: &[u8],
) -> Result<Explained, DecodeError> {
    let options = Options::parse(options).map_err(DecodeError::Options)?;
    let asked = if direction == Direction::Reply && !request.is_empty() {
        Some(read_asked(options.mode, request)?)
    } else {
        None
    };
    let mode = options.mode.or(asked.as_ref().map(|asked| asked.mode));
    let explained = match mode {
        Some(mode) => decode_as(mode, direction, asked.as_ref(), bytes),
        None => detect(direction, bytes),
    };
    Ok(explained?)
}

/// Reads the context of a reply, its mode found when it is not said.
fn read_asked(mode: Option<Mode>, request: &[u8]) -> Result<Asked, DecodeError> {
    let parsed = match mode {
        Some(mode) => Asked::parse(mode, request).map_err(|error| error.to_string()),
        None => Asked::parse(Mode::Rtu, request).or_else(|rtu| {
            Asked::parse(Mode::Tcp, request).map_err(|tcp| format!("as rtu: {rtu}; as tcp: {tcp}"))
        }),
    };
    parsed.map_err(|error| DecodeError::Options(format!("the request is not readable: {error}")))
}

fn decode_as(
    mode: Mode,
    direction: Direction,
    asked: Option<&Asked>,
    bytes: &[u8],
) -> Result<Explained, FrameError> {
    at_front(mode, direction, asked, bytes)
        .or_else(|error| behind_garbage(mode, direction, asked, bytes).ok_or(error))
}

fn at_front(
    mode: Mode,
    direction: Direction,
    asked: Option<&Asked>,
    bytes: &[u8],
) -> Result<Explained, FrameError> {
    let message = Message::parse(mode, direction, asked, bytes)?;
    Ok(explained(&message, asked, bytes, 0))
}

fn behind_garbage(
    mode: Mode,
    direction: Direction,
    asked: Option<&Asked>,
    bytes: &[u8],
) -> Option<Explained> {
    let found = scan(mode, direction, asked, bytes, true);
    found.frame.filter(|_| found.skip > 0)?;
    let message = Message::parse(mode, direction, asked, bytes.get(found.skip..)?).ok()?;
    Some(explained(&message, asked, bytes, found.skip))
}

fn explained(message: &Message<'_>, asked: Option<&Asked>, bytes: &[u8], skip: usize) -> Explained {
    let (mut fields, readings) = explain(message, asked, &bytes[skip..]);
    for field in &mut fields {
        field.offset += skip;
    }
    if skip > 0 {
        let garbage = Field {
            offset: 0,
            length: skip,
            name: "skipped".to_owned(),
            meaning: "belongs to no frame, or to one that answers something else".to_owned(),
        };
        fields.insert(0, garbage);
    }
    Explained {
        mode: message.frame.mode,
        fields,
        readings,
        consumed: skip + message.frame.length,
    }
}

/// A fitting CRC says RTU, else a possible MBAP header says TCP.
fn detect(direction: Direction, bytes: &[u8]) -> Result<Explained, FrameError> {
    let rtu = match at_front(Mode::Rtu, direction, None, bytes) {
        Ok(explained) => return Ok(explained),
        Err(error) => error,
    };
    let tcp = match at_front(Mode::Tcp, direction, None, bytes) {
        Ok(explained) => return Ok(explained),
        Err(error) => error,
    };
    // Behind a right MBAP header only what follows it can be missing or wrong.
    let header = match &tcp {
        FrameError::Incomplete(_) => bytes.len() >= MBAP_PREFIX,
        FrameError::Refused { offset, .. } => *offset >= MBAP_HEADER,
    };
    if header {
        return Err(tcp);
    }
    let later = [Mode::Rtu, Mode::Tcp]
        .into_iter()
        .find_map(|mode| behind_garbage(mode, direction, None, bytes));
    if let Some(explained) = later {
        return Ok(explained);
    }
    match (&rtu, &tcp) {
        (FrameError::Incomplete(rtu), FrameError::Incomplete(tcp)) => {
            Err(FrameError::Incomplete(*rtu.min(tcp)))
        }
        (FrameError::Incomplete(_), FrameError::Refused { .. }) => Err(rtu),
        (FrameError::Refused { .. }, FrameError::Incomplete(_)) => Err(tcp),
        (FrameError::Refused { offset: left, .. }, FrameError::Refused { offset: right, .. }) => {
            Err(FrameError::Refused {
                offset: *left.min(right),
                reason: format!("neither mode fits; as rtu: {rtu}; as tcp: {tcp}"),
            })
        }
    }
}
