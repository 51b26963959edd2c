//! Every byte of a message in words, for people who look at bytes.

mod identification;

use crate::frame::{BROADCAST, Mode};
use crate::function::{EXCEPTION_BIT, Table, describe_function};
use crate::message::{Asked, Body, Message};
use crate::reply::Reply;
use crate::request::{COIL_ON, Request};

/// A part of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Offset of its first byte in the input.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
    /// Its name in the standard.
    pub name: String,
    /// What its bytes mean.
    pub meaning: String,
}

/// A value that a frame carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The item: `holding 107`, counted from 0 as in the frame; `register 0` when the table's address
    /// is not known because the request is not; `vendor-name` of an identification.
    pub name: String,
    /// Its state or content.
    pub value: Raw,
}

/// What one item of a table or an object holds, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// A coil or a discrete input.
    Bit(bool),
    /// A register.
    Register(u16),
    /// An object of an identification.
    Text(String),
    /// The server refused, with this exception code.
    Exception(u8),
}

/// A message in words: its fields cover every byte of the frame, in order.
#[must_use]
pub fn explain(
    message: &Message<'_>,
    asked: Option<&Asked>,
    bytes: &[u8],
) -> (Vec<Field>, Vec<Reading>) {
    let mut fields = Fields::default();
    let frame = &message.frame;
    match frame.mode {
        Mode::Tcp => {
            fields.add(2, "transaction identifier", frame.transaction.to_string());
            fields.add(2, "protocol identifier", "0 (Modbus)".to_owned());
            let counted = frame.pdu.len() + 1;
            fields.add(2, "length", format!("{counted} bytes follow"));
            fields.add(1, "unit identifier", tcp_unit(frame.unit));
        }
        Mode::Rtu => fields.add(1, "address", rtu_unit(frame.unit)),
    }
    let code = frame.pdu.first().copied().unwrap_or(0);
    let function = if code & EXCEPTION_BIT == 0 {
        describe_function(code)
    } else {
        format!(
            "exception reply to function {}",
            describe_function(code & !EXCEPTION_BIT)
        )
    };
    fields.add(1, "function code", function);
    let mut readings = Vec::new();
    match &message.body {
        Body::Request(request) => explain_request(request, &mut fields, &mut readings),
        Body::Reply(reply) => explain_reply(
            reply,
            asked.map(|asked| &asked.request),
            &mut fields,
            &mut readings,
        ),
    }
    if frame.mode == Mode::Rtu {
        let crc = &bytes[frame.length - 2..frame.length];
        fields.add(
            2,
            "CRC",
            format!("{:02X} {:02X}, as computed", crc[0], crc[1]),
        );
    }
    (fields.list, readings)
}

#[derive(Default)]
struct Fields {
    list: Vec<Field>,
    offset: usize,
}

impl Fields {
    fn add(&mut self, length: usize, name: impl Into<String>, meaning: String) {
        self.list.push(Field {
            offset: self.offset,
            length,
            name: name.into(),
            meaning,
        });
        self.offset += length;
    }

    fn address(&mut self, title: &str, table: Table, address: u16) {
        self.add(
            2,
            title,
            format!("{} {address}, counted from 0", table.item()),
        );
    }

    fn registers(
        &mut self,
        table: Table,
        first: Option<u16>,
        registers: &[u16],
        readings: &mut Vec<Reading>,
    ) {
        for (index, register) in registers.iter().enumerate() {
            let name = item_name(table, first, index);
            self.add(2, name.clone(), describe_register(*register));
            readings.push(Reading {
                name,
                value: Raw::Register(*register),
            });
        }
    }

    fn bits(
        &mut self,
        table: Table,
        first: Option<u16>,
        bits: &[bool],
        readings: &mut Vec<Reading>,
    ) {
        for (index, chunk) in bits.chunks(8).enumerate() {
            let (low, high) = (index * 8, index * 8 + chunk.len() - 1);
            let states: Vec<&str> = chunk.iter().map(|on| if *on { "1" } else { "0" }).collect();
            let base = usize::from(first.unwrap_or(0));
            let name = if first.is_some() { table.name() } else { "bit" };
            let range = if low == high {
                format!("{name} {}", base + low)
            } else {
                format!("{name} {} to {}", base + low, base + high)
            };
            self.add(1, range, states.join(" "));
        }
        for (index, on) in bits.iter().enumerate() {
            readings.push(Reading {
                name: item_name(table, first, index),
                value: Raw::Bit(*on),
            });
        }
    }
}

fn explain_request(request: &Request, fields: &mut Fields, readings: &mut Vec<Reading>) {
    let (Some(table), Some(address)) = (request.function().table(), request.address()) else {
        if let Request::Identify { access, object } = request {
            identification::explain_request(*access, *object, fields);
        }
        return;
    };
    let title = match request {
        Request::ReadWriteRegisters { .. } => "read address",
        _ => "address",
    };
    fields.address(title, table, address);
    match request {
        Request::Identify { .. } => {}
        Request::MaskRegister { and, or, .. } => masks(*and, *or, fields),
        Request::ReadWriteRegisters {
            quantity,
            write_address,
            values,
            ..
        } => {
            let count = values.len() as u16;
            let of = |quantity| format!("{quantity} {}", items(table, quantity));
            fields.add(2, "quantity to read", of(*quantity));
            fields.address("write address", table, *write_address);
            fields.add(2, "quantity to write", of(count));
            fields.add(1, "byte count", (2 * values.len()).to_string());
            fields.registers(table, Some(*write_address), values, readings);
        }
        Request::Read { quantity, .. } => {
            fields.add(
                2,
                "quantity",
                format!("{quantity} {}", items(table, *quantity)),
            );
        }
        Request::WriteCoil { on, .. } => written_coil(table, address, *on, fields, readings),
        Request::WriteRegister { value, .. } => {
            written_register(table, address, *value, fields, readings);
        }
        Request::WriteCoils { values, .. } => {
            let quantity = values.len() as u16;
            fields.add(
                2,
                "quantity",
                format!("{quantity} {}", items(table, quantity)),
            );
            fields.add(1, "byte count", values.len().div_ceil(8).to_string());
            fields.bits(table, Some(address), values, readings);
        }
        Request::WriteRegisters { values, .. } => {
            let quantity = values.len() as u16;
            fields.add(
                2,
                "quantity",
                format!("{quantity} {}", items(table, quantity)),
            );
            fields.add(1, "byte count", (2 * values.len()).to_string());
            fields.registers(table, Some(address), values, readings);
        }
    }
}

fn explain_reply(
    reply: &Reply,
    request: Option<&Request>,
    fields: &mut Fields,
    readings: &mut Vec<Reading>,
) {
    let first = request.and_then(Request::address);
    match reply {
        Reply::Bits { table, bits } => {
            fields.add(1, "byte count", bits.len().div_ceil(8).to_string());
            fields.bits(*table, first, bits, readings);
        }
        Reply::Registers { table, registers } => {
            fields.add(1, "byte count", (2 * registers.len()).to_string());
            fields.registers(*table, first, registers, readings);
        }
        Reply::CoilWritten { address, on } => {
            fields.address("address", Table::Coil, *address);
            written_coil(Table::Coil, *address, *on, fields, readings);
        }
        Reply::RegisterWritten { address, value } => {
            fields.address("address", Table::Holding, *address);
            written_register(Table::Holding, *address, *value, fields, readings);
        }
        Reply::Written {
            table,
            address,
            quantity,
        } => {
            fields.address("address", *table, *address);
            fields.add(
                2,
                "quantity",
                format!("{quantity} {} written", items(*table, *quantity)),
            );
        }
        Reply::RegisterMasked { address, and, or } => {
            fields.address("address", Table::Holding, *address);
            masks(*and, *or, fields);
        }
        Reply::ReadWritten { registers } => {
            fields.add(1, "byte count", (2 * registers.len()).to_string());
            fields.registers(Table::Holding, first, registers, readings);
        }
        Reply::Identification(identification) => {
            identification::explain_reply(identification, fields, readings);
        }
        Reply::Exception { exception, .. } => {
            fields.add(1, "exception code", exception.to_string());
            readings.push(Reading {
                name: "exception".to_owned(),
                value: Raw::Exception(exception.0),
            });
        }
    }
}

fn masks(and: u16, or: u16, fields: &mut Fields) {
    fields.add(2, "AND mask", format!("{and:04X} hex: these bits are kept"));
    let set = or & !and;
    let meaning =
        format!("{or:04X} hex: of the others, {set:04X} hex are set and the rest cleared");
    fields.add(2, "OR mask", meaning);
}

fn written_coil(
    table: Table,
    address: u16,
    on: bool,
    fields: &mut Fields,
    readings: &mut Vec<Reading>,
) {
    let meaning = if on {
        format!("{COIL_ON:04X} hex: on")
    } else {
        "0000 hex: off".to_owned()
    };
    fields.add(2, "value", meaning);
    readings.push(Reading {
        name: item_name(table, Some(address), 0),
        value: Raw::Bit(on),
    });
}

fn written_register(
    table: Table,
    address: u16,
    value: u16,
    fields: &mut Fields,
    readings: &mut Vec<Reading>,
) {
    fields.add(2, "value", describe_register(value));
    readings.push(Reading {
        name: item_name(table, Some(address), 0),
        value: Raw::Register(value),
    });
}

fn item_name(table: Table, first: Option<u16>, index: usize) -> String {
    match first {
        Some(first) => format!("{} {}", table.name(), usize::from(first) + index),
        None if table.is_bits() => format!("bit {index}"),
        None => format!("register {index}"),
    }
}

fn items(table: Table, quantity: u16) -> String {
    let plural = if quantity == 1 { "" } else { "s" };
    format!("{}{plural}", table.item())
}

fn describe_register(register: u16) -> String {
    let signed = register as i16;
    if signed < 0 {
        format!("{register:04X} hex: {register}, or {signed} when signed")
    } else {
        format!("{register:04X} hex: {register}")
    }
}

fn rtu_unit(unit: u8) -> String {
    match unit {
        BROADCAST => "0: all units, none replies".to_owned(),
        1..=247 => format!("unit {unit}"),
        _ => format!("{unit}: reserved by the standard"),
    }
}

fn tcp_unit(unit: u8) -> String {
    match unit {
        0 | 255 => format!("{unit}: the device itself, or all units behind a gateway"),
        _ => format!("unit {unit}"),
    }
}
