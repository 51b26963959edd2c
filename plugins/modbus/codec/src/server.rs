//! The other side: what a server answers (MODBUS Application Protocol V1.1b3, figure 9 and the state
//! diagrams of 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17 and 6.21).

use crate::function::{EXCEPTION_BIT, Exception, Table};
use crate::identification::{Identification, Object};
use crate::reply::Reply;
use crate::request::Request;

/// A server's four tables. Quantities are within the standard's limits and do not reach beyond address
/// 65535 when these are called. A write that is refused changes nothing.
pub trait Bank {
    /// Coils or discrete inputs.
    ///
    /// # Errors
    /// The exception to answer; usually [`Exception::ILLEGAL_DATA_ADDRESS`].
    fn bits(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<bool>, Exception>;

    /// Input or holding registers.
    ///
    /// # Errors
    /// The exception to answer.
    fn registers(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<u16>, Exception>;

    /// Writes coils.
    ///
    /// # Errors
    /// The exception to answer.
    fn write_coils(&mut self, address: u16, values: &[bool]) -> Result<(), Exception>;

    /// Writes holding registers.
    ///
    /// # Errors
    /// The exception to answer.
    fn write_registers(&mut self, address: u16, values: &[u16]) -> Result<(), Exception>;

    /// What the device says of itself, in order of the objects' numbers; nothing when it does not know
    /// function 43/14.
    fn identification(&self) -> Vec<Object> {
        Vec::new()
    }
}

/// Carries out the request in a PDU and gives the PDU of the reply, an exception included. None when
/// there is nothing that could be answered: an empty PDU, or a function code that is none.
pub fn answer(bank: &mut impl Bank, pdu: &[u8]) -> Option<Vec<u8>> {
    let code = pdu.first().copied()?;
    if code == 0 || code >= EXCEPTION_BIT {
        return None;
    }
    let outcome = Request::parse(pdu)
        .map_err(|error| error.exception)
        .and_then(|request| carry_out(bank, request));
    let reply = outcome.unwrap_or_else(|exception| Reply::Exception {
        function: code,
        exception,
    });
    // A bank that hands over another quantity than it was asked for is broken.
    reply.encode().ok().or_else(|| {
        Some(vec![
            code | EXCEPTION_BIT,
            Exception::SERVER_DEVICE_FAILURE.0,
        ])
    })
}

fn carry_out(bank: &mut impl Bank, request: Request) -> Result<Reply, Exception> {
    match request {
        Request::Read {
            table,
            address,
            quantity,
        } if table.is_bits() => {
            let bits = bank.bits(table, address, quantity)?;
            same_quantity(bits.len(), quantity)?;
            Ok(Reply::Bits { table, bits })
        }
        Request::Read {
            table,
            address,
            quantity,
        } => {
            let registers = read_registers(bank, table, address, quantity)?;
            Ok(Reply::Registers { table, registers })
        }
        Request::WriteCoil { address, on } => {
            bank.write_coils(address, &[on])?;
            Ok(Reply::CoilWritten { address, on })
        }
        Request::WriteRegister { address, value } => {
            bank.write_registers(address, &[value])?;
            Ok(Reply::RegisterWritten { address, value })
        }
        Request::WriteCoils {
            address,
            ref values,
        } => {
            bank.write_coils(address, values)?;
            Ok(written(Table::Coil, address, values.len()))
        }
        Request::WriteRegisters {
            address,
            ref values,
        } => {
            bank.write_registers(address, values)?;
            Ok(written(Table::Holding, address, values.len()))
        }
        Request::MaskRegister { address, and, or } => {
            let content = read_registers(bank, Table::Holding, address, 1)?;
            let content = content.first().copied().unwrap_or(0);
            bank.write_registers(address, &[content & and | or & !and])?;
            Ok(Reply::RegisterMasked { address, and, or })
        }
        // The standard writes first (6.17). What cannot be read is refused before.
        Request::ReadWriteRegisters {
            address,
            quantity,
            write_address,
            ref values,
        } => {
            bank.registers(Table::Holding, address, quantity)?;
            bank.write_registers(write_address, values)?;
            let registers = read_registers(bank, Table::Holding, address, quantity)?;
            Ok(Reply::ReadWritten { registers })
        }
        Request::Identify { access, object } => {
            Identification::answer(&bank.identification(), access, object)
                .map(Reply::Identification)
        }
    }
}

fn written(table: Table, address: u16, quantity: usize) -> Reply {
    Reply::Written {
        table,
        address,
        // A request carries no more than 1968 items.
        quantity: quantity as u16,
    }
}

fn read_registers(
    bank: &impl Bank,
    table: Table,
    address: u16,
    quantity: u16,
) -> Result<Vec<u16>, Exception> {
    let registers = bank.registers(table, address, quantity)?;
    same_quantity(registers.len(), quantity)?;
    Ok(registers)
}

fn same_quantity(found: usize, asked: u16) -> Result<(), Exception> {
    if found == usize::from(asked) {
        Ok(())
    } else {
        Err(Exception::SERVER_DEVICE_FAILURE)
    }
}
