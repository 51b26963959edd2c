//! How a PDU travels: behind an MBAP header over TCP (Messaging on TCP/IP Implementation Guide V1.0b,
//! 3.1.3), or between an address and a CRC on a serial line (MODBUS over Serial Line V1.02, 2.5.1).

use std::fmt;

use serde::Deserialize;

use crate::crc::crc16;
use crate::function::{Function, describe_function};
use crate::pdu::{MAX_PDU, PduLength, reply_length, request_length, word};

/// Bytes before the PDU in a TCP frame: transaction, protocol, length, unit.
pub const MBAP_HEADER: usize = 7;

/// Bytes of the MBAP header that its length field does not count.
pub const MBAP_PREFIX: usize = 6;

/// Least value of the MBAP length field: unit and function code.
pub const MIN_MBAP_LENGTH: u16 = 2;

/// Greatest value of the MBAP length field: unit and the longest PDU.
pub const MAX_MBAP_LENGTH: u16 = 1 + MAX_PDU as u16;

/// Longest TCP frame.
pub const MAX_TCP_FRAME: usize = MBAP_HEADER + MAX_PDU;

/// Longest serial frame (V1.02, 2.5.1): address, PDU and CRC.
pub const MAX_RTU_FRAME: usize = 1 + MAX_PDU + 2;

/// Shortest serial frame: address, function code and CRC.
pub const MIN_RTU_FRAME: usize = 4;

/// Address of all units on a serial line; none of them replies (V1.02, 2.1).
pub const BROADCAST: u8 = 0;

/// How frames are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// MBAP header, no CRC.
    Tcp,
    /// Address and CRC-16; on a serial line, or over TCP to a transparent serial server.
    Rtu,
}

impl Mode {
    /// The mode of this name in options and configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Mode> {
        match name {
            "tcp" => Some(Mode::Tcp),
            "rtu" => Some(Mode::Rtu),
            _ => None,
        }
    }

    /// Its name in options and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Tcp => "tcp",
            Mode::Rtu => "rtu",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Request,
    /// The answer.
    Reply,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// So far they are the beginning of one.
    #[error("incomplete: at least {0} more bytes are needed")]
    Incomplete(usize),
    /// They can never become one.
    #[error("{reason} (byte {offset})")]
    Refused {
        /// Offset of the first wrong byte.
        offset: usize,
        /// The reason, with the expected and the found value.
        reason: String,
    },
}

/// A frame, its PDU not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// How it is wrapped.
    pub mode: Mode,
    /// The transaction identifier; 0 in RTU mode.
    pub transaction: u16,
    /// The unit that it goes to or comes from.
    pub unit: u8,
    /// Function code and data.
    pub pdu: &'a [u8],
    /// Length of the frame in bytes.
    pub length: usize,
}

impl<'a> Frame<'a> {
    /// Offset of the PDU in the frame.
    #[must_use]
    pub fn pdu_offset(&self) -> usize {
        match self.mode {
            Mode::Tcp => MBAP_HEADER,
            Mode::Rtu => 1,
        }
    }

    /// Takes the frame at the front of `bytes` out of its wrapping; what follows it is left alone.
    ///
    /// # Errors
    /// When more bytes are needed, or when header or CRC are wrong.
    pub fn parse(mode: Mode, direction: Direction, bytes: &'a [u8]) -> Result<Self, FrameError> {
        match mode {
            Mode::Tcp => Frame::parse_tcp(bytes),
            Mode::Rtu => Frame::parse_rtu(direction, bytes),
        }
    }

    fn parse_tcp(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.iter().skip(2).take(2).any(|byte| *byte != 0) {
            let found: String = bytes[2..bytes.len().min(4)]
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect();
            return Err(FrameError::Refused {
                offset: 2,
                reason: format!("protocol identifier {found} hex, expected 0000"),
            });
        }
        let shortest = MBAP_PREFIX + usize::from(MIN_MBAP_LENGTH);
        if bytes.len() < MBAP_PREFIX {
            return Err(FrameError::Incomplete(shortest - bytes.len()));
        }
        let stated = word(bytes, 4);
        if !(MIN_MBAP_LENGTH..=MAX_MBAP_LENGTH).contains(&stated) {
            return Err(FrameError::Refused {
                offset: 4,
                reason: format!(
                    "MBAP length {stated} is outside of {MIN_MBAP_LENGTH} to {MAX_MBAP_LENGTH}"
                ),
            });
        }
        let length = MBAP_PREFIX + usize::from(stated);
        if bytes.len() < length {
            return Err(FrameError::Incomplete(length - bytes.len()));
        }
        Ok(Frame {
            mode: Mode::Tcp,
            transaction: word(bytes, 0),
            unit: bytes[6],
            pdu: &bytes[MBAP_HEADER..length],
            length,
        })
    }

    fn parse_rtu(direction: Direction, bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() < 2 {
            return Err(FrameError::Incomplete(MIN_RTU_FRAME - bytes.len()));
        }
        let pdu = &bytes[1..];
        let shape = match direction {
            Direction::Request => request_length(pdu),
            Direction::Reply => reply_length(pdu),
        };
        let length = match shape {
            PduLength::After(needed) => {
                return Err(FrameError::Incomplete(needed + 3 - bytes.len()));
            }
            PduLength::Known(length) => length + 3,
            // The CRC is all that can tell where such a frame ends.
            PduLength::Unknown => match crc_end(bytes) {
                Some(length) => length,
                None => {
                    return Err(FrameError::Refused {
                        offset: 1,
                        reason: format!(
                            "function {} is not supported, and no CRC fits",
                            describe_function(bytes[1])
                        ),
                    });
                }
            },
        };
        if length > MAX_RTU_FRAME {
            return Err(FrameError::Refused {
                offset: count_offset(direction, bytes[1]),
                reason: format!(
                    "the byte count makes a frame of {length} bytes, longer than {MAX_RTU_FRAME}"
                ),
            });
        }
        if bytes.len() < length {
            return Err(FrameError::Incomplete(length - bytes.len()));
        }
        let end = length - 2;
        let (found, expected) = (
            u16::from_le_bytes([bytes[end], bytes[end + 1]]),
            crc16(&bytes[..end]),
        );
        if found != expected {
            let ([low, high], [stated_low, stated_high]) =
                (expected.to_le_bytes(), found.to_le_bytes());
            return Err(FrameError::Refused {
                offset: end,
                reason: format!(
                    "CRC is {stated_low:02X} {stated_high:02X}, computed {low:02X} {high:02X}"
                ),
            });
        }
        Ok(Frame {
            mode: Mode::Rtu,
            transaction: 0,
            unit: bytes[0],
            pdu: &bytes[1..end],
            length,
        })
    }
}

/// Where the byte stands in a serial frame that counts what follows it.
fn count_offset(direction: Direction, function: u8) -> usize {
    let function = Function::from_code(function);
    match (direction, function) {
        (Direction::Reply, Some(Function::ReadDeviceIdentification)) => 7,
        (Direction::Reply, _) => 2,
        (Direction::Request, Some(Function::ReadWriteMultipleRegisters)) => 10,
        (Direction::Request, _) => 6,
    }
}

/// Where the shortest frame with a fitting CRC ends that starts with `bytes`.
pub(crate) fn crc_end(bytes: &[u8]) -> Option<usize> {
    (MIN_RTU_FRAME..=bytes.len().min(MAX_RTU_FRAME)).find(|end| crc16(&bytes[..*end]) == 0)
}

/// Wraps a PDU. `transaction` is left out in RTU mode.
#[must_use]
pub fn wrap(mode: Mode, transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    match mode {
        Mode::Tcp => {
            let mut bytes = Vec::with_capacity(MBAP_HEADER + pdu.len());
            bytes.extend(transaction.to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend((pdu.len() as u16 + 1).to_be_bytes());
            bytes.push(unit);
            bytes.extend(pdu);
            bytes
        }
        Mode::Rtu => {
            let mut bytes = Vec::with_capacity(pdu.len() + 3);
            bytes.push(unit);
            bytes.extend(pdu);
            let crc = crc16(&bytes);
            bytes.extend(crc.to_le_bytes());
            bytes
        }
    }
}
