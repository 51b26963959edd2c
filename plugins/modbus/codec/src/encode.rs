//! Building requests from JSON, for `weihe encode` and for people who know what they want to send.

use serde::Deserialize;
use serde_json::Value;

use crate::frame::{BROADCAST, Mode};
use crate::function::{Function, SPOKEN, Table, describe_function, function_name};
use crate::identification::{Access, object_name};
use crate::message::Asked;
use crate::request::Request;

/// A request in JSON: `{"unit": 17, "function": 3, "address": 107, "quantity": 3}`. [`takes`] says which
/// keys belong to which function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Wanted {
    /// `"tcp"` (the default) or `"rtu"`.
    #[serde(default)]
    mode: Option<String>,
    /// Transaction identifier, with TCP only; default 0.
    #[serde(default)]
    transaction: Option<u16>,
    /// The unit; default 1.
    #[serde(default = "unit_one")]
    unit: u8,
    /// A code, or a name such as `"read-holding-registers"`.
    function: Value,
    /// The first item, counted from 0.
    #[serde(default)]
    address: Option<u16>,
    /// How many items to read.
    #[serde(default)]
    quantity: Option<u16>,
    /// What to write.
    #[serde(default)]
    value: Option<Value>,
    /// What to write, in order.
    #[serde(default)]
    values: Option<Vec<Value>>,
    /// Bits that function 22 keeps.
    #[serde(default)]
    and: Option<Value>,
    /// The state of those that it does not keep.
    #[serde(default)]
    or: Option<Value>,
    /// The first register that function 23 writes.
    #[serde(default)]
    write_address: Option<u16>,
    /// What function 43 asks for: `"basic"` (the default), `"regular"`, `"extended"` or `"individual"`.
    #[serde(default)]
    access: Option<String>,
    /// The object of function 43, or the first of a stream; a number or a name; default 0.
    #[serde(default)]
    object: Option<Value>,
}

fn unit_one() -> u8 {
    1
}

/// The name of what function 43 is for; its own name is that of its transport.
const READ_DEVICE_IDENTIFICATION: &str = "read-device-identification";

/// Builds the frame of a request.
///
/// # Errors
/// When the object is not one; the text names the culprit.
pub fn encode(request: &str) -> Result<Vec<u8>, String> {
    let wanted: Wanted = serde_json::from_str(request)
        .map_err(|error| format!("the request is not readable: {error}"))?;
    let mode = match wanted.mode.as_deref() {
        None => Mode::Tcp,
        Some(name) => Mode::from_name(name)
            .ok_or_else(|| format!("`mode` is \"{name}\", expected \"tcp\" or \"rtu\""))?,
    };
    if mode == Mode::Rtu && wanted.transaction.is_some() {
        return Err("`transaction` has no place in an rtu frame; leave it out".to_owned());
    }
    let function = read_function(&wanted.function)?;
    if mode == Mode::Rtu && wanted.unit == BROADCAST && function.needs_reply() {
        return Err("`unit` 0 is all units, and none of them replies: only writes go there".into());
    }
    let request = read_request(function, &wanted)?;
    let asked = Asked {
        mode,
        transaction: wanted.transaction.unwrap_or(0),
        unit: wanted.unit,
        request,
    };
    asked.encode().map_err(|error| error.to_string())
}

fn read_function(value: &Value) -> Result<Function, String> {
    let code = match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|code| u8::try_from(code).ok())
            .ok_or_else(|| format!("`function` is {number}, expected a code from 1 to 127"))?,
        Value::String(name) if name == READ_DEVICE_IDENTIFICATION => {
            Function::ReadDeviceIdentification.code()
        }
        Value::String(name) => (1..=127)
            .find(|code| function_name(*code).is_some_and(|known| kebab(known) == *name))
            .ok_or_else(|| {
                let known: Vec<String> = Function::ALL
                    .iter()
                    .filter_map(|function| function_name(function.code()))
                    .map(kebab)
                    .chain([READ_DEVICE_IDENTIFICATION.to_owned()])
                    .collect();
                format!(
                    "`function` is \"{name}\", expected one of {}",
                    known.join(", ")
                )
            })?,
        other => return Err(format!("`function` is {other}, expected a code or a name")),
    };
    Function::from_code(code).ok_or_else(|| {
        format!(
            "function {} is not supported; supported are {SPOKEN}",
            describe_function(code)
        )
    })
}

fn kebab(name: &str) -> String {
    name.to_lowercase().replace([' ', '/'], "-")
}

/// The keys of a function: those it needs, and those it may have.
fn takes(function: Function) -> (&'static [&'static str], &'static [&'static str]) {
    match function {
        Function::ReadCoils
        | Function::ReadDiscreteInputs
        | Function::ReadHoldingRegisters
        | Function::ReadInputRegisters => (&["address", "quantity"], &[]),
        Function::WriteSingleCoil | Function::WriteSingleRegister => (&["address", "value"], &[]),
        Function::WriteMultipleCoils | Function::WriteMultipleRegisters => {
            (&["address", "values"], &[])
        }
        Function::MaskWriteRegister => (&["address", "and", "or"], &[]),
        Function::ReadWriteMultipleRegisters => {
            (&["address", "quantity", "write-address", "values"], &[])
        }
        Function::ReadDeviceIdentification => (&[], &["access", "object"]),
    }
}

fn check_keys(function: Function, wanted: &Wanted) -> Result<(), String> {
    let (needed, allowed) = takes(function);
    let given = [
        ("address", wanted.address.is_some()),
        ("quantity", wanted.quantity.is_some()),
        ("value", wanted.value.is_some()),
        ("values", wanted.values.is_some()),
        ("and", wanted.and.is_some()),
        ("or", wanted.or.is_some()),
        ("write-address", wanted.write_address.is_some()),
        ("access", wanted.access.is_some()),
        ("object", wanted.object.is_some()),
    ];
    for (key, is_given) in given {
        if is_given && !needed.contains(&key) && !allowed.contains(&key) {
            let keys: Vec<String> = needed
                .iter()
                .chain(allowed)
                .map(|key| format!("`{key}`"))
                .collect();
            return Err(format!(
                "`{key}` has no place in function {function}, which takes {}",
                keys.join(", ")
            ));
        }
        if !is_given && needed.contains(&key) {
            return Err(format!("`{key}` is missing for function {function}"));
        }
    }
    Ok(())
}

fn read_request(function: Function, wanted: &Wanted) -> Result<Request, String> {
    check_keys(function, wanted)?;
    let address = wanted.address.unwrap_or(0);
    let quantity = wanted.quantity.unwrap_or(0);
    let values = wanted.values.as_deref().unwrap_or(&[]);
    let word = |key: &str, value: &Option<Value>| {
        read_register(key, value.as_ref().unwrap_or(&Value::Null))
    };
    Ok(match function {
        Function::WriteSingleCoil => Request::WriteCoil {
            address,
            on: read_bit("value", wanted.value.as_ref().unwrap_or(&Value::Null))?,
        },
        Function::WriteSingleRegister => Request::WriteRegister {
            address,
            value: word("value", &wanted.value)?,
        },
        Function::WriteMultipleCoils => Request::WriteCoils {
            address,
            values: read_each(values, read_bit)?,
        },
        Function::WriteMultipleRegisters => Request::WriteRegisters {
            address,
            values: read_each(values, read_register)?,
        },
        Function::MaskWriteRegister => Request::MaskRegister {
            address,
            and: word("and", &wanted.and)?,
            or: word("or", &wanted.or)?,
        },
        Function::ReadWriteMultipleRegisters => Request::ReadWriteRegisters {
            address,
            quantity,
            write_address: wanted.write_address.unwrap_or(0),
            values: read_each(values, read_register)?,
        },
        Function::ReadDeviceIdentification => Request::Identify {
            access: read_access(wanted.access.as_deref())?,
            object: wanted.object.as_ref().map_or(Ok(0), read_object)?,
        },
        Function::ReadCoils => read(Table::Coil, address, quantity),
        Function::ReadDiscreteInputs => read(Table::Discrete, address, quantity),
        Function::ReadHoldingRegisters => read(Table::Holding, address, quantity),
        Function::ReadInputRegisters => read(Table::Input, address, quantity),
    })
}

fn read(table: Table, address: u16, quantity: u16) -> Request {
    Request::Read {
        table,
        address,
        quantity,
    }
}

fn read_access(name: Option<&str>) -> Result<Access, String> {
    let Some(name) = name else {
        return Ok(Access::Basic);
    };
    Access::from_name(name).ok_or_else(|| {
        format!(
            "`access` is \"{name}\", expected \"basic\", \"regular\", \"extended\" or \"individual\""
        )
    })
}

/// The number of an identification object: itself, or the standard's name such as `"vendor-url"`.
///
/// # Errors
/// When it is anything else.
pub fn read_object(value: &Value) -> Result<u8, String> {
    let found = match value {
        Value::String(name) => (0..=u8::MAX).find(|id| object_name(*id) == Some(name.as_str())),
        other => other.as_u64().and_then(|id| u8::try_from(id).ok()),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = (0..=u8::MAX).filter_map(object_name).collect();
        format!(
            "`object` is {value}, expected 0 to 255 or one of {}",
            known.join(", ")
        )
    })
}

fn read_each<T>(
    values: &[Value],
    read: fn(&str, &Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| read(&format!("values[{index}]"), value))
        .collect()
}

/// A state: `true`, `false`, 1 or 0. `key` names it in the error.
///
/// # Errors
/// When it is anything else.
pub fn read_bit(key: &str, value: &Value) -> Result<bool, String> {
    match (value.as_bool(), value.as_u64()) {
        (Some(on), _) => Ok(on),
        (_, Some(0)) => Ok(false),
        (_, Some(1)) => Ok(true),
        _ => Err(format!("`{key}` is {value}, expected true or false")),
    }
}

/// A register: -32768 to 65535, negative ones as two's complement. `key` names it in the error.
///
/// # Errors
/// When it is anything else.
pub fn read_register(key: &str, value: &Value) -> Result<u16, String> {
    let number = value.as_i64();
    number
        .and_then(|number| {
            u16::try_from(number)
                .ok()
                .or_else(|| i16::try_from(number).ok().map(|number| number as u16))
        })
        .ok_or_else(|| format!("`{key}` is {value}, expected a whole number from -32768 to 65535"))
}
