//! What requests and replies share: the error, spans of addresses, packed bits, and how long a PDU is.

use crate::function::{EXCEPTION_BIT, Exception, Function, SPOKEN, describe_function};
use crate::identification::{MEI_IDENTIFICATION, identification_length};

/// Addresses are 16 bits wide, so there are so many items in a table (V1.1b3, 4.4).
pub const ADDRESS_SPACE: u32 = 65_536;

/// Longest PDU (V1.1b3, 4.1): 256 bytes of a serial frame without address and CRC.
pub const MAX_PDU: usize = 253;

/// Length of the PDU of function 22 (V1.1b3, 6.16); its reply is an echo.
pub(crate) const MASK_WRITE_LENGTH: usize = 7;

/// Why bytes are not a PDU, or a message cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PduError {
    /// Offset of the first wrong byte in the PDU.
    pub offset: usize,
    /// The reason, with the expected and the found value.
    pub reason: String,
    /// How a server answers such a request.
    pub exception: Exception,
}

impl PduError {
    pub(crate) fn value(offset: usize, reason: String) -> Self {
        PduError {
            offset,
            reason,
            exception: Exception::ILLEGAL_DATA_VALUE,
        }
    }

    pub(crate) fn function(code: u8) -> Self {
        PduError {
            offset: 0,
            reason: format!(
                "function {} is not supported; supported are {SPOKEN}",
                describe_function(code)
            ),
            exception: Exception::ILLEGAL_FUNCTION,
        }
    }
}

/// Checks quantity, then address, in the order of the standard's state diagrams. `offset` is that of the
/// address in the PDU.
pub(crate) fn check_span(
    function: Function,
    address: u16,
    quantity: usize,
    offset: usize,
) -> Result<(), PduError> {
    check_quantity(function, function.max_quantity(), address, quantity, offset)
}

/// The same with another maximum, for what function 23 writes.
pub(crate) fn check_quantity(
    function: Function,
    max: u16,
    address: u16,
    quantity: usize,
    offset: usize,
) -> Result<(), PduError> {
    if quantity == 0 || quantity > usize::from(max) {
        return Err(PduError::value(
            offset + 2,
            format!("quantity {quantity} is outside of 1 to {max} for function {function}"),
        ));
    }
    if u32::from(address) + quantity as u32 > ADDRESS_SPACE {
        return Err(PduError {
            offset,
            reason: format!("address {address} and quantity {quantity} reach beyond address 65535"),
            exception: Exception::ILLEGAL_DATA_ADDRESS,
        });
    }
    Ok(())
}

/// Two bytes, high byte first (V1.1b3, 4.2). The caller has checked the length; missing bytes are zero.
pub(crate) fn word(bytes: &[u8], offset: usize) -> u16 {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    u16::from_be_bytes([byte(offset), byte(offset + 1)])
}

/// Packs bits as functions 1, 2 and 15 carry them: the first one in the lowest bit of the first byte,
/// unused high bits zero.
#[must_use]
pub fn pack_bits(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8)
        .map(|chunk| {
            chunk
                .iter()
                .enumerate()
                .fold(0, |byte, (index, bit)| byte | (u8::from(*bit) << index))
        })
        .collect()
}

/// The first `count` bits out of packed bytes; fewer when there are fewer.
#[must_use]
pub fn unpack_bits(bytes: &[u8], count: usize) -> Vec<bool> {
    bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |index| byte >> index & 1 == 1))
        .take(count)
        .collect()
}

/// Registers out of bytes, high byte first; an odd last byte is left out.
#[must_use]
pub fn unpack_registers(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect()
}

/// How long a PDU is, as far as its first bytes tell. A serial frame does not state its length, so
/// the function's shape has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PduLength {
    /// So many bytes, function code included.
    Known(usize),
    /// It shows once so many bytes are there.
    After(usize),
    /// The function's shape is not known to this codec.
    Unknown,
}

/// The length of the request that starts with `bytes`.
#[must_use]
pub fn request_length(bytes: &[u8]) -> PduLength {
    let Some(code) = bytes.first() else {
        return PduLength::After(1);
    };
    match Function::from_code(*code) {
        Some(Function::WriteMultipleCoils | Function::WriteMultipleRegisters) => {
            match bytes.get(5) {
                Some(count) => PduLength::Known(6 + usize::from(*count)),
                None => PduLength::After(6),
            }
        }
        Some(Function::MaskWriteRegister) => PduLength::Known(MASK_WRITE_LENGTH),
        Some(Function::ReadWriteMultipleRegisters) => match bytes.get(9) {
            Some(count) => PduLength::Known(10 + usize::from(*count)),
            None => PduLength::After(10),
        },
        Some(Function::ReadDeviceIdentification) => match bytes.get(1) {
            Some(&MEI_IDENTIFICATION) => PduLength::Known(4),
            Some(_) => PduLength::Unknown,
            None => PduLength::After(2),
        },
        Some(_) => PduLength::Known(5),
        None => PduLength::Unknown,
    }
}

/// The length of the reply that starts with `bytes`.
#[must_use]
pub fn reply_length(bytes: &[u8]) -> PduLength {
    let Some(code) = bytes.first() else {
        return PduLength::After(1);
    };
    // An exception has the same shape whatever was asked.
    if *code > EXCEPTION_BIT {
        return PduLength::Known(2);
    }
    match Function::from_code(*code) {
        Some(function) if function.counts_bytes() => match bytes.get(1) {
            Some(count) => PduLength::Known(2 + usize::from(*count)),
            None => PduLength::After(2),
        },
        Some(Function::MaskWriteRegister) => PduLength::Known(MASK_WRITE_LENGTH),
        Some(Function::ReadDeviceIdentification) => identification_length(bytes),
        Some(_) => PduLength::Known(5),
        None => PduLength::Unknown,
    }
}
