//! Replies: what a server answers (MODBUS Application Protocol V1.1b3, 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17,
//! 6.21 and 7).

use crate::function::{EXCEPTION_BIT, Exception, Function, Table, describe_function};
use crate::identification::{Access, Identification};
use crate::pdu::{
    PduError, PduLength, check_span, pack_bits, reply_length, unpack_bits, unpack_registers, word,
};
use crate::request::{COIL_ON, Request, coil_state, unknown};

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Functions 1 and 2. Without its request the number of bits is a multiple of eight, padding
    /// included.
    Bits {
        /// What was read.
        table: Table,
        /// The states, in order of their addresses.
        bits: Vec<bool>,
    },
    /// Functions 3 and 4.
    Registers {
        /// What was read.
        table: Table,
        /// The contents, in order of their addresses.
        registers: Vec<u16>,
    },
    /// Function 5: an echo of the request.
    CoilWritten {
        /// The coil.
        address: u16,
        /// Its state.
        on: bool,
    },
    /// Function 6: an echo of the request.
    RegisterWritten {
        /// The holding register.
        address: u16,
        /// Its content.
        value: u16,
    },
    /// Functions 15 and 16.
    Written {
        /// Coils or holding registers.
        table: Table,
        /// The first one.
        address: u16,
        /// How many.
        quantity: u16,
    },
    /// Function 22: an echo of the request.
    RegisterMasked {
        /// The holding register.
        address: u16,
        /// Bits that were kept.
        and: u16,
        /// The new state of bits that were not.
        or: u16,
    },
    /// Function 23: what was read after the write.
    ReadWritten {
        /// The contents, in order of their addresses.
        registers: Vec<u16>,
    },
    /// Function 43/14.
    Identification(Identification),
    /// The request is refused.
    Exception {
        /// The code of the function that was asked for, without the exception bit.
        function: u8,
        /// Why.
        exception: Exception,
    },
}

impl Reply {
    /// The function code as it stands in the frame.
    #[must_use]
    pub fn function_code(&self) -> u8 {
        match self {
            Reply::Bits { table, .. } | Reply::Registers { table, .. } => {
                table.read_function().code()
            }
            Reply::CoilWritten { .. } => Function::WriteSingleCoil.code(),
            Reply::RegisterWritten { .. } => Function::WriteSingleRegister.code(),
            Reply::Written { table, .. } if table.is_bits() => Function::WriteMultipleCoils.code(),
            Reply::Written { .. } => Function::WriteMultipleRegisters.code(),
            Reply::RegisterMasked { .. } => Function::MaskWriteRegister.code(),
            Reply::ReadWritten { .. } => Function::ReadWriteMultipleRegisters.code(),
            Reply::Identification(_) => Function::ReadDeviceIdentification.code(),
            Reply::Exception { function, .. } => function | EXCEPTION_BIT,
        }
    }

    /// Its PDU.
    ///
    /// # Errors
    /// When it holds more than one reply can carry.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        let mut pdu = vec![self.function_code()];
        match self {
            Reply::Bits { table, bits } => {
                check_span(table.read_function(), 0, bits.len(), 0)?;
                let packed = pack_bits(bits);
                pdu.push(packed.len() as u8);
                pdu.extend(packed);
            }
            Reply::Registers { table, registers } => {
                check_span(table.read_function(), 0, registers.len(), 0)?;
                pdu.push((2 * registers.len()) as u8);
                pdu.extend(registers.iter().flat_map(|register| register.to_be_bytes()));
            }
            Reply::CoilWritten { address, on } => {
                pdu.extend(address.to_be_bytes());
                pdu.extend(if *on { COIL_ON } else { 0 }.to_be_bytes());
            }
            Reply::RegisterWritten { address, value } => {
                pdu.extend(address.to_be_bytes());
                pdu.extend(value.to_be_bytes());
            }
            Reply::Written {
                address, quantity, ..
            } => {
                pdu.extend(address.to_be_bytes());
                pdu.extend(quantity.to_be_bytes());
            }
            Reply::RegisterMasked { address, and, or } => {
                pdu.extend(
                    [*address, *and, *or]
                        .iter()
                        .flat_map(|word| word.to_be_bytes()),
                );
            }
            Reply::ReadWritten { registers } => {
                let function = Function::ReadWriteMultipleRegisters;
                check_span(function, 0, registers.len(), 0)?;
                pdu.push((2 * registers.len()) as u8);
                pdu.extend(registers.iter().flat_map(|register| register.to_be_bytes()));
            }
            Reply::Identification(identification) => pdu.extend(identification.encode()?),
            Reply::Exception { exception, .. } => pdu.push(exception.0),
        }
        Ok(pdu)
    }

    /// Reads a PDU. With its request it is checked against it; without, it is read as far as it
    /// explains itself.
    ///
    /// # Errors
    /// When it is not a reply of a supported function, or does not answer the request.
    pub fn parse(pdu: &[u8], request: Option<&Request>) -> Result<Reply, PduError> {
        let code = pdu.first().copied().unwrap_or(0);
        let asked = code & !EXCEPTION_BIT;
        if let Some(request) = request
            && request.function().code() != asked
        {
            return Err(PduError {
                offset: 0,
                reason: format!(
                    "the reply is of function {}, expected {}",
                    describe_function(asked),
                    request.function()
                ),
                exception: Exception::SERVER_DEVICE_FAILURE,
            });
        }
        let needed = match reply_length(pdu) {
            PduLength::Known(length) | PduLength::After(length) => length,
            PduLength::Unknown => {
                return Err(match Function::from_code(asked) {
                    Some(function) => unknown(function, pdu),
                    None => PduError::function(asked),
                });
            }
        };
        if pdu.len() != needed {
            return Err(PduError::value(
                pdu.len().min(needed),
                format!(
                    "the reply of function {} has {} bytes, expected {needed}",
                    describe_function(asked),
                    pdu.len()
                ),
            ));
        }
        if code & EXCEPTION_BIT != 0 {
            return Ok(Reply::Exception {
                function: asked,
                exception: Exception(pdu[1]),
            });
        }
        let Some(function) = Function::from_code(code) else {
            return Err(PduError::function(asked));
        };
        match function {
            function if function.counts_bytes() => parse_read(function, pdu, request),
            Function::MaskWriteRegister => parse_masked(pdu, request),
            Function::ReadDeviceIdentification => parse_identification(pdu, request),
            function => parse_write(function, pdu, request),
        }
    }
}

fn parse_read(
    function: Function,
    pdu: &[u8],
    request: Option<&Request>,
) -> Result<Reply, PduError> {
    let table = function.table().unwrap_or(Table::Holding);
    let (count, data) = (usize::from(pdu[1]), &pdu[2..]);
    let max = usize::from(table.max_read());
    let most = if table.is_bits() { max / 8 } else { max * 2 };
    if count == 0 || count > most || (!table.is_bits() && count % 2 == 1) {
        return Err(PduError::value(
            1,
            format!(
                "byte count {count} is not possible for function {function}, expected {} to {most}{}",
                if table.is_bits() { 1 } else { 2 },
                if table.is_bits() { "" } else { " and even" }
            ),
        ));
    }
    if let Some(request) = request
        && let Some(length) = request.reply_length()
    {
        let expected = length - 2;
        if count != expected {
            return Err(PduError::value(
                1,
                format!(
                    "byte count {count} does not answer a request for {} items, expected {expected}",
                    request.quantity()
                ),
            ));
        }
    }
    Ok(if table.is_bits() {
        let quantity = request.map_or(count * 8, Request::quantity);
        Reply::Bits {
            table,
            bits: unpack_bits(data, quantity),
        }
    } else {
        let registers = unpack_registers(data);
        match function {
            Function::ReadWriteMultipleRegisters => Reply::ReadWritten { registers },
            _ => Reply::Registers { table, registers },
        }
    })
}

fn parse_masked(pdu: &[u8], request: Option<&Request>) -> Result<Reply, PduError> {
    let found = [word(pdu, 1), word(pdu, 3), word(pdu, 5)];
    if let Some(Request::MaskRegister { address, and, or }) = request {
        let names = ["address", "AND mask", "OR mask"];
        let expected = [*address, *and, *or];
        for (index, name) in names.into_iter().enumerate() {
            let (found, expected) = (found[index], expected[index]);
            if found != expected {
                return Err(PduError::value(
                    1 + 2 * index,
                    format!("the reply echoes {name} {found:04X} hex, expected {expected:04X}"),
                ));
            }
        }
    }
    let [address, and, or] = found;
    Ok(Reply::RegisterMasked { address, and, or })
}

fn parse_identification(pdu: &[u8], request: Option<&Request>) -> Result<Reply, PduError> {
    let identification = Identification::parse(pdu)?;
    // A server without the level that is asked for answers at its own, and some say so here. One object
    // is not a stream, though.
    let is_individual = |access| access == Access::Individual;
    if let Some(Request::Identify { access, .. }) = request
        && is_individual(identification.access) != is_individual(*access)
    {
        return Err(PduError::value(
            2,
            format!(
                "the reply is to Read Device ID code {}, expected {}",
                identification.access.code(),
                access.code()
            ),
        ));
    }
    Ok(Reply::Identification(identification))
}

fn parse_write(
    function: Function,
    pdu: &[u8],
    request: Option<&Request>,
) -> Result<Reply, PduError> {
    let (address, second) = (word(pdu, 1), word(pdu, 3));
    if let Some(asked) = request.and_then(Request::address)
        && asked != address
    {
        return Err(PduError::value(
            1,
            format!("the reply names address {address}, expected {asked}"),
        ));
    }
    let reply = match function {
        Function::WriteSingleCoil => Reply::CoilWritten {
            address,
            on: coil_state(second)?,
        },
        Function::WriteSingleRegister => Reply::RegisterWritten {
            address,
            value: second,
        },
        _ => {
            check_span(function, address, usize::from(second), 1)?;
            Reply::Written {
                table: function.table().unwrap_or(Table::Holding),
                address,
                quantity: second,
            }
        }
    };
    let echoed = match (request, &reply) {
        (Some(Request::WriteCoil { on, .. }), Reply::CoilWritten { on: found, .. }) => on == found,
        (
            Some(Request::WriteRegister { value, .. }),
            Reply::RegisterWritten { value: found, .. },
        ) => value == found,
        (Some(request), Reply::Written { quantity, .. }) => {
            request.quantity() == usize::from(*quantity)
        }
        _ => true,
    };
    if echoed {
        return Ok(reply);
    }
    let what = if matches!(reply, Reply::Written { .. }) {
        "quantity"
    } else {
        "value"
    };
    let expected = match request {
        Some(Request::WriteCoil { on, .. }) => usize::from(if *on { COIL_ON } else { 0 }),
        Some(Request::WriteRegister { value, .. }) => usize::from(*value),
        Some(request) => request.quantity(),
        None => 0,
    };
    Err(PduError::value(
        3,
        format!("the reply echoes {what} {second}, expected {expected}"),
    ))
}
