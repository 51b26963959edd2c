//! Requests: what a client asks (MODBUS Application Protocol V1.1b3, 6.1 to 6.6, 6.11 and 6.12).

use crate::function::{Function, Table};
use crate::pdu::{
    PduError, PduLength, check_span, pack_bits, request_length, unpack_bits, unpack_registers, word,
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
        }
    }

    /// The first item that it names.
    #[must_use]
    pub fn address(&self) -> u16 {
        match self {
            Request::Read { address, .. }
            | Request::WriteCoil { address, .. }
            | Request::WriteRegister { address, .. }
            | Request::WriteCoils { address, .. }
            | Request::WriteRegisters { address, .. } => *address,
        }
    }

    /// How many items it names.
    #[must_use]
    pub fn quantity(&self) -> usize {
        match self {
            Request::Read { quantity, .. } => usize::from(*quantity),
            Request::WriteCoil { .. } | Request::WriteRegister { .. } => 1,
            Request::WriteCoils { values, .. } => values.len(),
            Request::WriteRegisters { values, .. } => values.len(),
        }
    }

    /// Length of the PDU of a reply that grants it.
    #[must_use]
    pub fn reply_length(&self) -> usize {
        match self {
            Request::Read { table, .. } if table.is_bits() => 2 + self.quantity().div_ceil(8),
            Request::Read { .. } => 2 + 2 * self.quantity(),
            _ => 5,
        }
    }

    /// Its PDU.
    ///
    /// # Errors
    /// When quantity or address are outside of what the standard allows.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        check_span(self.function(), self.address(), self.quantity(), 1)?;
        let mut pdu = vec![self.function().code()];
        pdu.extend(self.address().to_be_bytes());
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
            PduLength::Unknown => return Err(PduError::function(code)),
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
                check_count(pdu, usize::from(second).div_ceil(8))?;
                Request::WriteCoils {
                    address,
                    values: unpack_bits(&pdu[6..], usize::from(second)),
                }
            }
            Function::WriteMultipleRegisters => {
                check_span(function, address, usize::from(second), 1)?;
                check_count(pdu, 2 * usize::from(second))?;
                Request::WriteRegisters {
                    address,
                    values: unpack_registers(&pdu[6..]),
                }
            }
            _ => {
                check_span(function, address, usize::from(second), 1)?;
                Request::Read {
                    table: function.table(),
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

fn check_count(pdu: &[u8], expected: usize) -> Result<(), PduError> {
    let found = usize::from(pdu[5]);
    if found == expected {
        return Ok(());
    }
    Err(PduError::value(
        5,
        format!("byte count {found} does not fit the quantity, expected {expected}"),
    ))
}
