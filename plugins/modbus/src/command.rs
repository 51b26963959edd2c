//! The commands, and what is done before one goes to the line.

use serde::Deserialize;
use serde_json::Value as Json;
use weihe_modbus::{Access, Function, Request, Table, describe_function};
use weihe_sdk::{CallError, Duration};

use crate::desk::write_registers;
use crate::job::Job;
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
    /// Sets and clears some bits of a holding register.
    Mask {
        /// A point that is one register, or some bits of one.
        #[serde(default)]
        point: Option<String>,
        /// The register.
        #[serde(default)]
        address: Option<u16>,
        /// Bits that are kept.
        and: u16,
        /// The new state of bits that are not.
        or: u16,
    },
    /// Asks the unit what it is.
    Identify {
        /// `"basic"`, `"regular"`, `"extended"`, or `"individual"` for one object.
        #[serde(default)]
        access: Option<String>,
        /// The one object: its number or the standard's name of it.
        #[serde(default)]
        object: Option<Json>,
    },
    /// Asks which units are on the line.
    Scan {
        /// The first unit; default 1.
        #[serde(default)]
        from: Option<u8>,
        /// The last unit; default 247.
        #[serde(default)]
        to: Option<u8>,
        /// How long the reply of a unit is awaited.
        #[serde(default)]
        timeout: Option<Duration>,
        /// The table that each unit is asked for; default holding.
        #[serde(default)]
        table: Option<Table>,
        /// The item of it; default 0.
        #[serde(default)]
        address: Option<u16>,
    },
    /// Ends the scan.
    StopScan,
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
    check_writable(point)?;
    let request = write_request(point, &value, multiple).map_err(|error| {
        CallError::invalid_argument(format!("`value` of point `{name}`: {error}"))
    })?;
    if point.format.bits.is_some() && !point.masked {
        return Ok(Job::Modify {
            point: index,
            value,
            multiple,
        });
    }
    let request = match request {
        Request::WriteRegister { address, value } if point.read_back => {
            read_back(address, vec![value])
        }
        Request::WriteRegisters { address, values } if point.read_back => {
            read_back(address, values)
        }
        request => request,
    };
    Ok(Job::Write {
        point: Some(index),
        request,
    })
}

/// The request that writes registers and reads them.
fn read_back(address: u16, values: Vec<u16>) -> Request {
    Request::ReadWriteRegisters {
        address,
        // At most 121: checked when the point was made.
        quantity: values.len() as u16,
        write_address: address,
        values,
    }
}

/// The job of a `mask`.
pub fn mask(
    points: &[Point],
    point: Option<&str>,
    address: Option<u16>,
    and: u16,
    or: u16,
) -> Result<Job, CallError> {
    let (point, address) = match (point, address) {
        (Some(name), None) => {
            let (index, point) = find(points, name)?;
            check_writable(point)?;
            if point.table != Table::Holding || point.span.quantity != 1 {
                return Err(CallError::invalid_argument(format!(
                    "point `{name}` is not one holding register"
                )));
            }
            (Some(index), point.span.address)
        }
        (None, Some(address)) => (None, address),
        _ => {
            return Err(CallError::invalid_argument(
                "expected either `point` or `address`",
            ));
        }
    };
    Ok(Job::Mask {
        point,
        request: Request::MaskRegister { address, and, or },
    })
}

/// The job of an `identify`.
pub fn identify(access: Option<&str>, object: Option<&Json>) -> Result<Job, CallError> {
    let lenient = access.is_none() && object.is_none();
    let access = match (access, object) {
        (None, None) => Access::Regular,
        (None, Some(_)) => Access::Individual,
        (Some(name), _) => Access::from_name(name).ok_or_else(|| {
            CallError::invalid_argument(format!(
                "`access` is \"{name}\", expected \"basic\", \"regular\", \"extended\" or \"individual\""
            ))
        })?,
    };
    let object = match (access, object) {
        (Access::Individual, Some(object)) => {
            weihe_modbus::read_object(object).map_err(CallError::invalid_argument)?
        }
        (Access::Individual, None) => {
            return Err(CallError::invalid_argument(
                "`access` is \"individual\": say which `object`",
            ));
        }
        (_, None) => 0,
        (access, Some(_)) => {
            return Err(CallError::invalid_argument(format!(
                "`object` goes with `access` \"individual\", not with \"{}\"",
                access.name()
            )));
        }
    };
    Ok(Job::Identify {
        access,
        object,
        lenient,
        objects: Vec::new(),
    })
}

fn check_writable(point: &Point) -> Result<(), CallError> {
    if point.writable {
        return Ok(());
    }
    Err(CallError::Denied(format!(
        "point `{}` is read only: {}",
        point.name,
        if point.table.is_writable() {
            "its `access` is \"read\"".to_owned()
        } else {
            format!("no {} can be written", point.table.item())
        }
    )))
}

/// The request that writes a whole point, or its bits with a mask; the error says what is wrong with the value.
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
        _ if point.masked => {
            let or = registers.first().copied().unwrap_or(0);
            // What the value leaves alone is what it takes from the content.
            let kept = point.format.encode(value, &[u16::MAX]);
            let kept = kept.map_err(|error| error.to_string())?;
            let and = kept.first().copied().unwrap_or(0) ^ or;
            Request::MaskRegister { address, and, or }
        }
        _ => write_registers(address, registers, multiple),
    })
}

/// The functions of `write-raw`.
const RAW: [Function; 4] = [
    Function::WriteSingleCoil,
    Function::WriteSingleRegister,
    Function::WriteMultipleCoils,
    Function::WriteMultipleRegisters,
];

/// The job of a `write-raw`.
pub fn write_raw(code: u8, address: u16, values: &[Json]) -> Result<Job, CallError> {
    let invalid = |text: String| Err(CallError::invalid_argument(text));
    let function = match Function::from_code(code) {
        Some(function) if RAW.contains(&function) => function,
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
        if function.table() == Some(Table::Coil) {
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
