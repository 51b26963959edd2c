//! Building requests from JSON, for `weihe encode` and for people who know what they want to send.

use serde::Deserialize;
use serde_json::Value;

use crate::frame::{BROADCAST, Mode};
use crate::function::{Function, describe_function, function_name};
use crate::message::Asked;
use crate::request::Request;

/// A request in JSON: `{"unit": 17, "function": 3, "address": 107, "quantity": 3}`. Functions 5 and 6
/// take `value`, 15 and 16 take `values`.
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
    address: u16,
    /// How many items to read.
    #[serde(default)]
    quantity: Option<u16>,
    /// What to write.
    #[serde(default)]
    value: Option<Value>,
    /// What to write, in order.
    #[serde(default)]
    values: Option<Vec<Value>>,
}

fn unit_one() -> u8 {
    1
}

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
    if mode == Mode::Rtu && wanted.unit == BROADCAST && function.is_read() {
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
        Value::String(name) => (1..=127)
            .find(|code| function_name(*code).is_some_and(|known| kebab(known) == *name))
            .ok_or_else(|| {
                let known: Vec<String> = Function::ALL
                    .iter()
                    .filter_map(|function| function_name(function.code()))
                    .map(kebab)
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
            "function {} is not supported; supported are 1 to 6, 15 and 16",
            describe_function(code)
        )
    })
}

fn kebab(name: &str) -> String {
    name.to_lowercase().replace([' ', '/'], "-")
}

fn read_request(function: Function, wanted: &Wanted) -> Result<Request, String> {
    let takes = match function {
        function if function.is_read() => "quantity",
        Function::WriteSingleCoil | Function::WriteSingleRegister => "value",
        _ => "values",
    };
    let given = [
        ("quantity", wanted.quantity.is_some()),
        ("value", wanted.value.is_some()),
        ("values", wanted.values.is_some()),
    ];
    if let Some((key, _)) = given.iter().find(|(key, given)| *given && *key != takes) {
        return Err(format!(
            "`{key}` has no place in function {function}, which takes `{takes}`"
        ));
    }
    if !given.contains(&(takes, true)) {
        return Err(format!("`{takes}` is missing for function {function}"));
    }
    let address = wanted.address;
    let values = wanted.values.as_deref().unwrap_or(&[]);
    let value = wanted.value.as_ref().unwrap_or(&Value::Null);
    Ok(match function {
        Function::WriteSingleCoil => Request::WriteCoil {
            address,
            on: read_bit("value", value)?,
        },
        Function::WriteSingleRegister => Request::WriteRegister {
            address,
            value: read_register("value", value)?,
        },
        Function::WriteMultipleCoils => Request::WriteCoils {
            address,
            values: read_each(values, read_bit)?,
        },
        Function::WriteMultipleRegisters => Request::WriteRegisters {
            address,
            values: read_each(values, read_register)?,
        },
        _ => Request::Read {
            table: function.table(),
            address,
            quantity: wanted.quantity.unwrap_or(0),
        },
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
