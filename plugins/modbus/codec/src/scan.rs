//! Is there a complete frame among received bytes, and what lies before it?
//!
//! On a stream nothing says where a frame begins. What was asked does: the header (TCP) or unit,
//! function and byte count (RTU) of the reply are known beforehand. Frames that answer something else
//! are passed over whole, other bytes one by one.

use crate::crc::crc16;
use crate::frame::{
    Direction, MAX_MBAP_LENGTH, MAX_RTU_FRAME, MBAP_HEADER, MBAP_PREFIX, MIN_MBAP_LENGTH, Mode,
    crc_end,
};
use crate::function::EXCEPTION_BIT;
use crate::message::Asked;
use crate::pdu::{MAX_PDU, PduLength, reply_length, request_length, word};

/// Shortest TCP reply that answers anything: unit, function and an exception code.
const MIN_REPLY_LENGTH: u16 = 3;

/// What a look at received bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Bytes at the front that belong to no frame, or to one that answers something else.
    pub skip: usize,
    /// Length of the complete frame that follows them.
    pub frame: Option<usize>,
}

impl Found {
    fn nothing(skip: usize) -> Self {
        Found { skip, frame: None }
    }

    fn frame(skip: usize, length: usize) -> Self {
        Found {
            skip,
            frame: Some(length),
        }
    }
}

/// Looks for the first frame in `bytes`: the reply to `asked` when that is known, else any frame of this
/// direction. `idle` says that the line has fallen silent.
///
/// On an idle line a reply of full length whose CRC is wrong is handed over as a frame, so that its
/// reader reports the CRC at once instead of waiting for the time-out.
#[must_use]
pub fn scan(
    mode: Mode,
    direction: Direction,
    asked: Option<&Asked>,
    bytes: &[u8],
    idle: bool,
) -> Found {
    let asked = asked.filter(|_| direction == Direction::Reply);
    match mode {
        Mode::Tcp => scan_tcp(direction, asked, bytes, idle),
        Mode::Rtu => scan_rtu(direction, asked, bytes, idle),
    }
}

/// What the bytes from some offset on are.
enum Candidate {
    /// A frame of this length that is wanted.
    Wanted(usize),
    /// A frame of this length that answers something else.
    Foreign(usize),
    /// So far the beginning of a frame that is wanted.
    Begun,
    /// So far the beginning of a frame that answers something else.
    ForeignBegun,
    /// No frame.
    Garbage,
}

fn scan_tcp(direction: Direction, asked: Option<&Asked>, bytes: &[u8], idle: bool) -> Found {
    let mut at = 0;
    while at < bytes.len() {
        match tcp_candidate(direction, asked, &bytes[at..]) {
            Candidate::Wanted(length) => return Found::frame(at, length),
            Candidate::Begun => return Found::nothing(at),
            Candidate::Foreign(length) => at += length,
            Candidate::ForeignBegun => {
                // It may be garbage that looks like a header: what was asked for is taken from its
                // midst once no more bytes come.
                return match asked
                    .filter(|_| idle)
                    .and_then(|asked| within(asked, &bytes[at..]))
                {
                    Some((skip, length)) => Found::frame(at + skip, length),
                    None => Found::nothing(at),
                };
            }
            Candidate::Garbage => {
                if idle
                    && let Some(asked) = asked
                    && begins_like_reply(asked, &bytes[at..])
                {
                    // Its length field is wrong: its reader says so.
                    return Found::frame(at, bytes.len() - at);
                }
                at += 1;
            }
        }
    }
    Found::nothing(bytes.len())
}

fn within(asked: &Asked, bytes: &[u8]) -> Option<(usize, usize)> {
    (1..bytes.len()).find_map(|at| {
        match tcp_candidate(Direction::Reply, Some(asked), &bytes[at..]) {
            Candidate::Wanted(length) => Some((at, length)),
            _ => None,
        }
    })
}

fn begins_like_reply(asked: &Asked, bytes: &[u8]) -> bool {
    bytes.len() >= MBAP_PREFIX && word(bytes, 0) == asked.transaction && word(bytes, 2) == 0
}

fn tcp_candidate(direction: Direction, asked: Option<&Asked>, bytes: &[u8]) -> Candidate {
    let available = bytes.len();
    let lengths = match direction {
        Direction::Request => MIN_MBAP_LENGTH..=MAX_MBAP_LENGTH,
        Direction::Reply => MIN_REPLY_LENGTH..=MAX_MBAP_LENGTH,
    };
    let header = &bytes[..available.min(MBAP_PREFIX)];
    if header.iter().skip(2).take(3).any(|byte| *byte != 0)
        || (available >= MBAP_PREFIX && !lengths.contains(&word(bytes, 4)))
    {
        return Candidate::Garbage;
    }
    let mine = asked.is_none_or(|asked| {
        let transaction = asked.transaction.to_be_bytes();
        header
            .iter()
            .zip(transaction)
            .all(|(found, expected)| *found == expected)
            && bytes
                .get(MBAP_PREFIX)
                .is_none_or(|unit| *unit == asked.unit)
    });
    let function = bytes.get(MBAP_HEADER).copied();
    // A foreign frame is passed over whole only when its function agrees with its length: else a
    // few zeros would swallow what follows them.
    let consistent = match function {
        None => true,
        Some(_) if available < MBAP_PREFIX => true,
        Some(code) => fits(direction, code, &bytes[MBAP_HEADER..], word(bytes, 4)),
    };
    if !mine && !consistent || asked.is_none() && function == Some(0) {
        return Candidate::Garbage;
    }
    let complete = available >= MBAP_PREFIX && {
        let length = MBAP_PREFIX + usize::from(word(bytes, 4));
        available >= length
    };
    match (mine, complete) {
        (true, true) => Candidate::Wanted(MBAP_PREFIX + usize::from(word(bytes, 4))),
        (true, false) => Candidate::Begun,
        (false, true) => Candidate::Foreign(MBAP_PREFIX + usize::from(word(bytes, 4))),
        (false, false) => Candidate::ForeignBegun,
    }
}

/// Whether a PDU of this function can have the length that the header states.
fn fits(direction: Direction, code: u8, pdu: &[u8], stated: u16) -> bool {
    if code == 0 || code == EXCEPTION_BIT {
        return false;
    }
    let length = match direction {
        Direction::Reply => reply_length(pdu),
        Direction::Request => request_length(pdu),
    };
    match length {
        PduLength::Known(length) => length + 1 == usize::from(stated),
        PduLength::After(_) | PduLength::Unknown => true,
    }
}

fn scan_rtu(direction: Direction, asked: Option<&Asked>, bytes: &[u8], idle: bool) -> Found {
    let mut at = 0;
    // The first place at which a wanted frame may have begun; bytes before it are of no use.
    let mut begun = None;
    // The first place at which a frame of full length stands whose CRC is wrong.
    let mut corrupt = None;
    // Where the frames of others end that stand at the front.
    let mut rest = 0;
    while at < bytes.len() {
        let tail = &bytes[at..];
        match rtu_candidate(direction, asked, tail, idle) {
            Candidate::Wanted(length) if crc16(&tail[..length]) == 0 => {
                return Found::frame(at, length);
            }
            Candidate::Wanted(length) => {
                corrupt.get_or_insert((at, length));
                at += 1;
            }
            Candidate::Begun => {
                begun.get_or_insert(at);
                at += 1;
            }
            Candidate::Foreign(length) => {
                // In the midst of other bytes its CRC may fit by accident.
                if at == rest {
                    rest += length;
                }
                at += length;
            }
            Candidate::ForeignBegun | Candidate::Garbage => at += 1,
        }
    }
    if idle {
        // A corrupted first byte leaves a reply that is only known by its length.
        let whole = asked
            .and_then(|asked| asked.request.reply_length())
            .map(|length| length + 3)
            .filter(|length| bytes.len() - rest == *length)
            .map(|length| (rest, length));
        if let Some((skip, length)) = corrupt.or(whole) {
            return Found::frame(skip, length);
        }
    }
    // What may still turn out to be a frame is kept: one that has begun, one whose CRC is wrong, and,
    // until the line is idle, what is no longer than the reply and may be it with a corrupted front.
    let whole = asked.filter(|asked| {
        let longest = asked.request.reply_length().unwrap_or(MAX_PDU) + 3;
        !idle && rest < bytes.len() && bytes.len() - rest <= longest
    });
    let keep = [begun, corrupt.map(|(at, _)| at), whole.map(|_| rest)];
    Found::nothing(keep.into_iter().flatten().min().unwrap_or(bytes.len()))
}

/// A `Wanted` frame has full length and the right front; its CRC has not been checked.
fn rtu_candidate(
    direction: Direction,
    asked: Option<&Asked>,
    bytes: &[u8],
    idle: bool,
) -> Candidate {
    let Some(asked) = asked else {
        return any_rtu_frame(direction, bytes, idle);
    };
    let function = asked.request.function();
    let code = function.code();
    let expected = match asked.request.reply_length() {
        Some(length) => PduLength::Known(length),
        // Its objects tell, as far as they are there.
        None => shape(Direction::Reply, bytes),
    };
    let front_fits = bytes[0] == asked.unit
        && match bytes.get(1) {
            None => true,
            Some(found) if *found == code | EXCEPTION_BIT => true,
            Some(found) => {
                *found == code
                    && (!function.counts_bytes()
                        || bytes.get(2).is_none_or(|count| {
                            expected == PduLength::Known(usize::from(*count) + 2)
                        }))
            }
        };
    if front_fits {
        let expected = match bytes.get(1) {
            Some(found) if *found != code => PduLength::Known(2),
            _ => expected,
        };
        return match expected {
            PduLength::Known(length) if length > MAX_PDU => Candidate::Garbage,
            PduLength::Known(length) if bytes.len() >= length + 3 => Candidate::Wanted(length + 3),
            PduLength::Known(_) | PduLength::After(_) => Candidate::Begun,
            PduLength::Unknown => Candidate::Garbage,
        };
    }
    // Another's reply, or an echo of a request on a line that hears itself.
    [Direction::Reply, Direction::Request]
        .into_iter()
        .find_map(|direction| match shape(direction, bytes) {
            PduLength::Known(length)
                if bytes.len() >= length + 3 && crc16(&bytes[..length + 3]) == 0 =>
            {
                Some(Candidate::Foreign(length + 3))
            }
            _ => None,
        })
        .unwrap_or(Candidate::Garbage)
}

fn any_rtu_frame(direction: Direction, bytes: &[u8], idle: bool) -> Candidate {
    match shape(direction, bytes) {
        PduLength::Known(length) if length + 3 > MAX_RTU_FRAME => Candidate::Garbage,
        PduLength::Known(length) if bytes.len() >= length + 3 => Candidate::Wanted(length + 3),
        PduLength::Known(_) | PduLength::After(_) => Candidate::Begun,
        // Its end is where the CRC fits, or where the line falls silent.
        PduLength::Unknown => match crc_end(bytes) {
            Some(length) => Candidate::Wanted(length),
            None if idle || bytes.len() >= MAX_RTU_FRAME => Candidate::Garbage,
            None => Candidate::Begun,
        },
    }
}

/// The length of the PDU behind the address at the front of `bytes`.
fn shape(direction: Direction, bytes: &[u8]) -> PduLength {
    let pdu = bytes.get(1..).unwrap_or(&[]);
    match direction {
        Direction::Request => request_length(pdu),
        Direction::Reply => reply_length(pdu),
    }
}
