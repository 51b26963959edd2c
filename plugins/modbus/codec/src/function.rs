//! Function codes, exception codes and the four tables of the data model (MODBUS Application Protocol
//! V1.1b3, 4.3, 5.1 and 7).

use std::fmt;

use serde::Deserialize;

/// A bit that marks the function code of an exception reply (V1.1b3, 7).
pub const EXCEPTION_BIT: u8 = 0x80;

/// Most bits that one request reads (V1.1b3, 6.1 and 6.2): 7D0 hex.
pub const MAX_READ_BITS: u16 = 2000;

/// Most registers that one request reads (V1.1b3, 6.3 and 6.4): 7D hex.
pub const MAX_READ_REGISTERS: u16 = 125;

/// Most coils that one request writes (V1.1b3, 6.11): 7B0 hex.
pub const MAX_WRITE_COILS: u16 = 1968;

/// Most registers that one request writes (V1.1b3, 6.12): 7B hex.
pub const MAX_WRITE_REGISTERS: u16 = 123;

/// Most registers that one request of function 23 writes (V1.1b3, 6.17): 79 hex. It reads as many as any
/// other does.
pub const MAX_EXCHANGED_REGISTERS: u16 = 121;

/// The functions that this codec speaks, in words for errors.
pub(crate) const SPOKEN: &str = "1 to 6, 15, 16, 22, 23 and 43/14";

/// The four tables of the data model (V1.1b3, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Bits that can be read and written.
    Coil,
    /// Bits that can be read.
    Discrete,
    /// 16-bit registers that can be read.
    Input,
    /// 16-bit registers that can be read and written.
    Holding,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 4] = [Table::Coil, Table::Discrete, Table::Input, Table::Holding];

    /// Whether its items are bits.
    #[must_use]
    pub fn is_bits(self) -> bool {
        matches!(self, Table::Coil | Table::Discrete)
    }

    /// Whether its items can be written.
    #[must_use]
    pub fn is_writable(self) -> bool {
        matches!(self, Table::Coil | Table::Holding)
    }

    /// Most items that one request reads.
    #[must_use]
    pub fn max_read(self) -> u16 {
        if self.is_bits() {
            MAX_READ_BITS
        } else {
            MAX_READ_REGISTERS
        }
    }

    /// The function that reads it.
    #[must_use]
    pub fn read_function(self) -> Function {
        match self {
            Table::Coil => Function::ReadCoils,
            Table::Discrete => Function::ReadDiscreteInputs,
            Table::Input => Function::ReadInputRegisters,
            Table::Holding => Function::ReadHoldingRegisters,
        }
    }

    /// Its name in configuration and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Coil => "coil",
            Table::Discrete => "discrete",
            Table::Input => "input",
            Table::Holding => "holding",
        }
    }

    /// What one of its items is called in the standard.
    #[must_use]
    pub fn item(self) -> &'static str {
        match self {
            Table::Coil => "coil",
            Table::Discrete => "discrete input",
            Table::Input => "input register",
            Table::Holding => "holding register",
        }
    }

    /// The table of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The functions that this codec speaks (V1.1b3, 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17 and 6.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Function {
    /// 1: reads 1 to 2000 coils.
    ReadCoils = 1,
    /// 2: reads 1 to 2000 discrete inputs.
    ReadDiscreteInputs = 2,
    /// 3: reads 1 to 125 holding registers.
    ReadHoldingRegisters = 3,
    /// 4: reads 1 to 125 input registers.
    ReadInputRegisters = 4,
    /// 5: writes one coil.
    WriteSingleCoil = 5,
    /// 6: writes one holding register.
    WriteSingleRegister = 6,
    /// 15: writes 1 to 1968 coils.
    WriteMultipleCoils = 15,
    /// 16: writes 1 to 123 holding registers.
    WriteMultipleRegisters = 16,
    /// 22: sets and clears some bits of one holding register.
    MaskWriteRegister = 22,
    /// 23: writes 1 to 121 holding registers, then reads 1 to 125.
    ReadWriteMultipleRegisters = 23,
    /// 43 with MEI type 14: reads what the device says of itself.
    ReadDeviceIdentification = 43,
}

impl Function {
    /// Every function that this codec speaks.
    pub const ALL: [Function; 11] = [
        Function::ReadCoils,
        Function::ReadDiscreteInputs,
        Function::ReadHoldingRegisters,
        Function::ReadInputRegisters,
        Function::WriteSingleCoil,
        Function::WriteSingleRegister,
        Function::WriteMultipleCoils,
        Function::WriteMultipleRegisters,
        Function::MaskWriteRegister,
        Function::ReadWriteMultipleRegisters,
        Function::ReadDeviceIdentification,
    ];

    /// The function of this code; none when this codec does not speak it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Function> {
        Function::ALL.into_iter().find(|known| *known as u8 == code)
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The table it reads or writes; none when it is about the device as a whole.
    #[must_use]
    pub fn table(self) -> Option<Table> {
        Some(match self {
            Function::ReadCoils | Function::WriteSingleCoil | Function::WriteMultipleCoils => {
                Table::Coil
            }
            Function::ReadDiscreteInputs => Table::Discrete,
            Function::ReadInputRegisters => Table::Input,
            Function::ReadHoldingRegisters
            | Function::WriteSingleRegister
            | Function::WriteMultipleRegisters
            | Function::MaskWriteRegister
            | Function::ReadWriteMultipleRegisters => Table::Holding,
            Function::ReadDeviceIdentification => return None,
        })
    }

    /// Whether it only reads.
    #[must_use]
    pub fn is_read(self) -> bool {
        self.reads_table() || self == Function::ReadDeviceIdentification
    }

    /// Whether its reply carries what was asked for: there is no sense in sending it to all units, none
    /// of which replies.
    #[must_use]
    pub fn needs_reply(self) -> bool {
        self.is_read() || self == Function::ReadWriteMultipleRegisters
    }

    /// Whether it is one of functions 1 to 4.
    pub(crate) fn reads_table(self) -> bool {
        self.code() <= Function::ReadInputRegisters.code()
    }

    /// Whether a byte count and so many bytes follow the function code of its reply.
    pub(crate) fn counts_bytes(self) -> bool {
        self.reads_table() || self == Function::ReadWriteMultipleRegisters
    }

    /// Most items that one request reads, or writes when it only writes; 0 when it names none.
    #[must_use]
    pub fn max_quantity(self) -> u16 {
        match self {
            Function::ReadCoils | Function::ReadDiscreteInputs => MAX_READ_BITS,
            Function::ReadHoldingRegisters
            | Function::ReadInputRegisters
            | Function::ReadWriteMultipleRegisters => MAX_READ_REGISTERS,
            Function::WriteSingleCoil
            | Function::WriteSingleRegister
            | Function::MaskWriteRegister => 1,
            Function::WriteMultipleCoils => MAX_WRITE_COILS,
            Function::WriteMultipleRegisters => MAX_WRITE_REGISTERS,
            Function::ReadDeviceIdentification => 0,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe_function(self.code()))
    }
}

/// The standard's name of a public function code (V1.1b3, 5.1), also of those that this codec does not
/// speak.
#[must_use]
pub fn function_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "Read Coils",
        2 => "Read Discrete Inputs",
        3 => "Read Holding Registers",
        4 => "Read Input Registers",
        5 => "Write Single Coil",
        6 => "Write Single Register",
        7 => "Read Exception Status",
        8 => "Diagnostics",
        11 => "Get Comm Event Counter",
        12 => "Get Comm Event Log",
        15 => "Write Multiple Coils",
        16 => "Write Multiple Registers",
        17 => "Report Server ID",
        20 => "Read File Record",
        21 => "Write File Record",
        22 => "Mask Write Register",
        23 => "Read/Write Multiple Registers",
        24 => "Read FIFO Queue",
        43 => "Encapsulated Interface Transport",
        _ => return None,
    })
}

/// A function code in words: `3 (Read Holding Registers)`, `65 (user-defined)`, `99 (not assigned)`.
#[must_use]
pub fn describe_function(code: u8) -> String {
    let name = function_name(code).unwrap_or(match code {
        0 | EXCEPTION_BIT.. => "not a function code",
        65..=72 | 100..=110 => "user-defined",
        _ => "not assigned",
    });
    format!("{code} ({name})")
}

/// Why a server refuses a request (V1.1b3, 7). Codes that the standard does not assign are kept as they
/// came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exception(pub u8);

impl Exception {
    /// The server does not know the function.
    pub const ILLEGAL_FUNCTION: Exception = Exception(1);
    /// Address and quantity reach outside of what the server has.
    pub const ILLEGAL_DATA_ADDRESS: Exception = Exception(2);
    /// A value, a quantity or the length of the request is wrong.
    pub const ILLEGAL_DATA_VALUE: Exception = Exception(3);
    /// The server failed while it tried.
    pub const SERVER_DEVICE_FAILURE: Exception = Exception(4);

    /// The standard's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "illegal function",
            2 => "illegal data address",
            3 => "illegal data value",
            4 => "server device failure",
            5 => "acknowledge",
            6 => "server device busy",
            8 => "memory parity error",
            10 => "gateway path unavailable",
            11 => "gateway target device failed to respond",
            _ => "not assigned",
        }
    }

    /// Whether a gateway says that it got no reply from the unit behind it.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(self.0, 10 | 11)
    }

    /// Whether the same request may succeed a little later: the server or the device behind a gateway
    /// was busy or silent.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self.0, 5 | 6 | 10 | 11)
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_tables_agree_with_the_standard() {
        let codes: Vec<u8> = Function::ALL.iter().map(|known| known.code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43]);
        for table in Table::ALL {
            assert_eq!(table.read_function().table(), Some(table));
            assert_eq!(table.max_read(), table.read_function().max_quantity());
            assert_eq!(Table::from_name(table.name()), Some(table));
        }
    }

    #[test]
    fn other_codes_are_named() {
        assert_eq!(describe_function(22), "22 (Mask Write Register)");
        assert_eq!(describe_function(65), "65 (user-defined)");
        assert_eq!(describe_function(99), "99 (not assigned)");
        assert_eq!(describe_function(0), "0 (not a function code)");
        assert_eq!(
            Exception(11).to_string(),
            "11 (gateway target device failed to respond)"
        );
    }
}
