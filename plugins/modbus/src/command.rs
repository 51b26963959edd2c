//! The commands, and what is done before one goes to the line.

use serde::Deserialize;
use serde_json::Value as Json;
use weihe_modbus::{Function, Request, Table, describe_function};
use weihe_sdk::CallError;

use crate::desk::{Job, write_registers};
use crate::plan::Span;
use crate::point::Point;

/// The commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Writes a point.
    Write {
        /// Its name.
        point: String,
        /// Its new value.
        value: Json,
    },
    /// Writes coils or registers as they are.
    WriteRaw {
        /// 5, 6, 15 or 16.
        function: u8,
        /// The first item.
        address: u16,
        /// One value for functions 5 and 6.
        values: Vec<Json>,
    },
    /// Reads a point, or items of a table as they are.
    Read {
        /// A point's name.
        #[serde(default)]
        point: Option<String>,
        /// A table.
        #[serde(default)]
        table: Option<Table>,
        /// The first item.
        #[serde(default)]
        address: Option<u16>,
        /// How many items.
        #[serde(default)]
        count: Option<u16>,
    },
    /// Lists the points with what was last published of them.
    Points,
    /// Counters, link state and planned reads.
    Stats,
}

/// The job of a `write`.
pub fn write_point(
    points: &[Point],
    name: &str,
    value: Json,
    multiple: bool,
) -> Result<Job, CallError> {
    let (index, point) = find(points, name)?;
    if !point.writable {
        return Err(CallError::Denied(format!(
            "point `{name}` is read only: {}",
            if point.table.is_writable() {
                "its `access` is \"read\"".to_owned()
            } else {
                format!("no {} can be written", point.table.item())
            }
        )));
    }
    let request = write_request(point, &value, multiple).map_err(|error| {
        CallError::invalid_argument(format!("`value` of point `{name}`: {error}"))
    })?;
    if point.format.bits.is_some() {
        return Ok(Job::Modify {
            point: index,
            value,
            multiple,
        });
    }
    Ok(Job::Write {
        point: Some(index),
        request,
    })
}

/// The request that writes a whole point; the error says what is wrong with the value.
pub fn write_request(point: &Point, value: &Json, multiple: bool) -> Result<Request, String> {
    let encoded = point.format.encode(value, &[]);
    let registers = encoded.map_err(|error| error.to_string())?;
    let address = point.span.address;
    Ok(match point.table {
        Table::Coil => {
            let on = registers.first().is_some_and(|content| *content != 0);
            if multiple {
                Request::WriteCoils {
                    address,
                    values: vec![on],
                }
            } else {
                Request::WriteCoil { address, on }
            }
        }
        _ => write_registers(address, registers, multiple),
    })
}

/// The job of a `write-raw`.
pub fn write_raw(code: u8, address: u16, values: &[Json]) -> Result<Job, CallError> {
    let invalid = |text: String| Err(CallError::invalid_argument(text));
    let function = match Function::from_code(code) {
        Some(function) if !function.is_read() => function,
        _ => {
            return invalid(format!(
                "`function` is {}, expected 5, 6, 15 or 16",
                describe_function(code)
            ));
        }
    };
    if function.max_quantity() == 1 && values.len() != 1 {
        return invalid(format!(
            "`values` holds {} values, function {function} takes 1",
            values.len()
        ));
    }
    let mut coils = Vec::new();
    let mut registers = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let key = format!("values[{index}]");
        if function.table() == Table::Coil {
            coils.push(weihe_modbus::read_bit(&key, value).map_err(CallError::invalid_argument)?);
        } else {
            let register = weihe_modbus::read_register(&key, value);
            registers.push(register.map_err(CallError::invalid_argument)?);
        }
    }
    let request = match function {
        Function::WriteSingleCoil => Request::WriteCoil {
            address,
            on: coils.first().copied().unwrap_or(false),
        },
        Function::WriteMultipleCoils => Request::WriteCoils {
            address,
            values: coils,
        },
        Function::WriteSingleRegister => Request::WriteRegister {
            address,
            value: registers.first().copied().unwrap_or(0),
        },
        _ => Request::WriteRegisters {
            address,
            values: registers,
        },
    };
    check(&request)?;
    Ok(Job::Write {
        point: None,
        request,
    })
}

/// The job of a `read`.
pub fn read(
    points: &[Point],
    point: Option<&str>,
    table: Option<Table>,
    address: Option<u16>,
    count: Option<u16>,
) -> Result<Job, CallError> {
    match (point, table, address) {
        (Some(name), None, None) if count.is_none() => {
            let (index, point) = find(points, name)?;
            Ok(Job::Read {
                point: Some(index),
                table: point.table,
                span: point.span,
            })
        }
        (None, Some(table), Some(address)) => {
            let span = Span {
                address,
                quantity: count.unwrap_or(1),
            };
            check(&Request::Read {
                table,
                address,
                quantity: span.quantity,
            })?;
            Ok(Job::Read {
                point: None,
                table,
                span,
            })
        }
        _ => Err(CallError::invalid_argument(
            "expected either `point`, or `table` and `address` (and `count`, default 1)",
        )),
    }
}

fn check(request: &Request) -> Result<(), CallError> {
    match request.encode() {
        Ok(_) => Ok(()),
        Err(error) => Err(CallError::invalid_argument(error.to_string())),
    }
}

fn find<'a>(points: &'a [Point], name: &str) -> Result<(usize, &'a Point), CallError> {
    let found = points
        .iter()
        .enumerate()
        .find(|(_, point)| point.name == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
        CallError::invalid_argument(format!(
            "there is no point `{name}`; there are: {}",
            known.join(", ")
        ))
    })
}
