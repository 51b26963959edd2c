//! Requests: what a client asks (MODBUS Application Protocol V1.1b3, 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17 and
//! 6.21).

use crate::function::{Function, MAX_EXCHANGED_REGISTERS, Table};
use crate::identification::{Access, MEI_IDENTIFICATION, check_access, wrong_mei};
use crate::pdu::{
    MASK_WRITE_LENGTH, PduError, PduLength, check_quantity, check_span, pack_bits, request_length,
    unpack_bits, unpack_registers, word,
};

/// The value of a coil that is on, in a request of function 5 (V1.1b3, 6.5).
pub const COIL_ON: u16 = 0xFF00;

/// A request. Addresses are those of the PDU: the first item of a table is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Functions 1 to 4.
    Read {
        /// The table; it decides the function.
        table: Table,
        /// The first item.
        address: u16,
        /// How many items.
        quantity: u16,
    },
    /// Function 5.
    WriteCoil {
        /// The coil.
        address: u16,
        /// Its new state.
        on: bool,
    },
    /// Function 6.
    WriteRegister {
        /// The holding register.
        address: u16,
        /// Its new content.
        value: u16,
    },
    /// Function 15.
    WriteCoils {
        /// The first coil.
        address: u16,
        /// The new states, in order.
        values: Vec<bool>,
    },
    /// Function 16.
    WriteRegisters {
        /// The first holding register.
        address: u16,
        /// The new contents, in order.
        values: Vec<u16>,
    },
    /// Function 22: new content = (content AND `and`) OR (`or` AND NOT `and`).
    MaskRegister {
        /// The holding register.
        address: u16,
        /// Bits that are kept.
        and: u16,
        /// The new state of bits that are not.
        or: u16,
    },
    /// Function 23: writes holding registers, then reads some.
    ReadWriteRegisters {
        /// The first register that is read.
        address: u16,
        /// How many are read.
        quantity: u16,
        /// The first register that is written.
        write_address: u16,
        /// Their new contents, in order.
        values: Vec<u16>,
    },
    /// Function 43/14.
    Identify {
        /// What is asked for.
        access: Access,
        /// The object that is wanted, or that a stream begins with; 0 is the first.
        object: u8,
    },
}

impl Request {
    /// Its function.
    #[must_use]
    pub fn function(&self) -> Function {
        match self {
            Request::Read { table, .. } => table.read_function(),
            Request::WriteCoil { .. } => Function::WriteSingleCoil,
            Request::WriteRegister { .. } => Function::WriteSingleRegister,
            Request::WriteCoils { .. } => Function::WriteMultipleCoils,
            Request::WriteRegisters { .. } => Function::WriteMultipleRegisters,
            Request::MaskRegister { .. } => Function::MaskWriteRegister,
            Request::ReadWriteRegisters { .. } => Function::ReadWriteMultipleRegisters,
            Request::Identify { .. } => Function::ReadDeviceIdentification,
        }
    }

    /// The first item that it reads, or writes when it only writes; none when it is about the device as
    /// a whole.
    #[must_use]
    pub fn address(&self) -> Option<u16> {
        match self {
            Request::Read { address, .. }
            | Request::WriteCoil { address, .. }
            | Request::WriteRegister { address, .. }
            | Request::WriteCoils { address, .. }
            | Request::WriteRegisters { address, .. }
            | Request::MaskRegister { address, .. }
            | Request::ReadWriteRegisters { address, .. } => Some(*address),
            Request::Identify { .. } => None,
        }
    }

    /// How many items it reads, or writes when it only writes.
    #[must_use]
    pub fn quantity(&self) -> usize {
        match self {
            Request::Read { quantity, .. } | Request::ReadWriteRegisters { quantity, .. } => {
                usize::from(*quantity)
            }
            Request::WriteCoil { .. }
            | Request::WriteRegister { .. }
            | Request::MaskRegister { .. } => 1,
            Request::WriteCoils { values, .. } => values.len(),
            Request::WriteRegisters { values, .. } => values.len(),
            Request::Identify { .. } => 0,
        }
    }

    /// Length of the PDU of a reply that grants it; none when only the reply tells.
    #[must_use]
    pub fn reply_length(&self) -> Option<usize> {
        Some(match self {
            Request::Read { table, .. } if table.is_bits() => 2 + self.quantity().div_ceil(8),
            Request::Read { .. } | Request::ReadWriteRegisters { .. } => 2 + 2 * self.quantity(),
            Request::MaskRegister { .. } => MASK_WRITE_LENGTH,
            Request::Identify { .. } => return None,
            _ => 5,
        })
    }

    /// Its PDU.
    ///
    /// # Errors
    /// When quantity or address are outside of what the standard allows.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        let mut pdu = vec![self.function().code()];
        if let Some(address) = self.address() {
            check_span(self.function(), address, self.quantity(), 1)?;
            pdu.extend(address.to_be_bytes());
        }
        match self {
            Request::Read { quantity, .. } => pdu.extend(quantity.to_be_bytes()),
            Request::WriteCoil { on, .. } => {
                pdu.extend(if *on { COIL_ON } else { 0 }.to_be_bytes());
            }
            Request::WriteRegister { value, .. } => pdu.extend(value.to_be_bytes()),
            Request::WriteCoils { values, .. } => {
                let packed = pack_bits(values);
                pdu.extend((values.len() as u16).to_be_bytes());
                pdu.push(packed.len() as u8);
                pdu.extend(packed);
            }
            Request::WriteRegisters { values, .. } => {
                pdu.extend((values.len() as u16).to_be_bytes());
                pdu.push((2 * values.len()) as u8);
                pdu.extend(values.iter().flat_map(|value| value.to_be_bytes()));
            }
            Request::MaskRegister { and, or, .. } => {
                pdu.extend(and.to_be_bytes());
                pdu.extend(or.to_be_bytes());
            }
            Request::ReadWriteRegisters {
                quantity,
                write_address,
                values,
                ..
            } => {
                check_exchanged(*write_address, values.len())?;
                pdu.extend(quantity.to_be_bytes());
                pdu.extend(write_address.to_be_bytes());
                pdu.extend((values.len() as u16).to_be_bytes());
                pdu.push((2 * values.len()) as u8);
                pdu.extend(values.iter().flat_map(|value| value.to_be_bytes()));
            }
            Request::Identify { access, object } => {
                pdu.extend([MEI_IDENTIFICATION, access.code(), *object]);
            }
        }
        Ok(pdu)
    }

    /// Reads a PDU.
    ///
    /// # Errors
    /// When it is not a request of a supported function, with the exception that a server answers.
    pub fn parse(pdu: &[u8]) -> Result<Request, PduError> {
        let code = pdu.first().copied().unwrap_or(0);
        let Some(function) = Function::from_code(code) else {
            return Err(PduError::function(code));
        };
        let needed = match request_length(pdu) {
            PduLength::Known(length) | PduLength::After(length) => length,
            PduLength::Unknown => return Err(unknown(function, pdu)),
        };
        if pdu.len() != needed {
            return Err(PduError::value(
                pdu.len().min(needed),
                format!(
                    "the request of function {function} has {} bytes, expected {needed}",
                    pdu.len()
                ),
            ));
        }
        let (address, second) = (word(pdu, 1), word(pdu, 3));
        let request = match function {
            Function::WriteSingleCoil => Request::WriteCoil {
                address,
                on: coil_state(second)?,
            },
            Function::WriteSingleRegister => Request::WriteRegister {
                address,
                value: second,
            },
            Function::WriteMultipleCoils => {
                check_span(function, address, usize::from(second), 1)?;
                check_count(pdu, 5, usize::from(second).div_ceil(8))?;
                Request::WriteCoils {
                    address,
                    values: unpack_bits(&pdu[6..], usize::from(second)),
                }
            }
            Function::WriteMultipleRegisters => {
                check_span(function, address, usize::from(second), 1)?;
                check_count(pdu, 5, 2 * usize::from(second))?;
                Request::WriteRegisters {
                    address,
                    values: unpack_registers(&pdu[6..]),
                }
            }
            Function::MaskWriteRegister => Request::MaskRegister {
                address,
                and: second,
                or: word(pdu, 5),
            },
            Function::ReadWriteMultipleRegisters => {
                let (write_address, count) = (word(pdu, 5), usize::from(word(pdu, 7)));
                check_span(function, address, usize::from(second), 1)?;
                check_exchanged(write_address, count)?;
                check_count(pdu, 9, 2 * count)?;
                Request::ReadWriteRegisters {
                    address,
                    quantity: second,
                    write_address,
                    values: unpack_registers(&pdu[10..]),
                }
            }
            Function::ReadDeviceIdentification => Request::Identify {
                access: check_access(pdu[2])?,
                object: pdu[3],
            },
            Function::ReadCoils
            | Function::ReadDiscreteInputs
            | Function::ReadHoldingRegisters
            | Function::ReadInputRegisters => {
                check_span(function, address, usize::from(second), 1)?;
                Request::Read {
                    table: function.table().unwrap_or(Table::Holding),
                    address,
                    quantity: second,
                }
            }
        };
        Ok(request)
    }
}

/// The state that a value of function 5 stands for.
pub(crate) fn coil_state(value: u16) -> Result<bool, PduError> {
    match value {
        COIL_ON => Ok(true),
        0 => Ok(false),
        other => Err(PduError::value(
            3,
            format!("coil value {other:04X} hex is neither FF00 (on) nor 0000 (off)"),
        )),
    }
}

/// Why a PDU of a known function has no known shape.
pub(crate) fn unknown(function: Function, pdu: &[u8]) -> PduError {
    match (function, pdu.get(1)) {
        (Function::ReadDeviceIdentification, Some(mei)) => wrong_mei(*mei),
        _ => PduError::function(function.code()),
    }
}

/// Checks what function 23 writes.
fn check_exchanged(address: u16, quantity: usize) -> Result<(), PduError> {
    let function = Function::ReadWriteMultipleRegisters;
    check_quantity(function, MAX_EXCHANGED_REGISTERS, address, quantity, 5)
}

fn check_count(pdu: &[u8], offset: usize, expected: usize) -> Result<(), PduError> {
    let found = usize::from(pdu[offset]);
    if found == expected {
        return Ok(());
    }
    Err(PduError::value(
        offset,
        format!("byte count {found} does not fit the quantity, expected {expected}"),
    ))
}
