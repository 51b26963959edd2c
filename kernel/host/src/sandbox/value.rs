//! Values as a test writes them: `{"float": 21.5}`, so that each keeps its kind.

use serde_json::{Value as Json, json};
use weihe_kernel::event::{Value, hex};

/// The value as JSON.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Float(number) => json!({ "float": value_of(*number) }),
        // A document as its text, which may be any.
        Value::Json(text) => json!({ "json": **text }),
        other => json!({ other.kind(): other.to_json() }),
    }
}

/// A number, or the name of one that JSON has no word for.
fn value_of(number: f64) -> Json {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Json::Number)
}

/// The value of JSON, or what is wrong with it.
pub(super) fn from_json(json: &Json) -> Result<Value, String> {
    let wrong = || format!("`{json}` is no value: write one like {{\"float\": 21.5}}");
    if json.is_null() {
        return Ok(Value::None);
    }
    let (kind, content) = json
        .as_object()
        .filter(|object| object.len() == 1)
        .and_then(|object| object.iter().next())
        .ok_or_else(wrong)?;
    let value = match kind.as_str() {
        "boolean" => content.as_bool().map(Value::Boolean),
        "integer" => content.as_i64().map(Value::Integer),
        "float" => content
            .as_f64()
            .or_else(|| content.as_str()?.parse().ok())
            .map(Value::Float),
        "text" => content.as_str().map(|text| Value::Text(text.into())),
        "json" => content.as_str().map(|text| Value::Json(text.into())),
        "bytes" => content
            .as_str()
            .and_then(octets)
            .map(|bytes| Value::Bytes(bytes.into())),
        _ => None,
    };
    value.ok_or_else(wrong)
}

/// Octets from two hexadecimal digits each.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    // Not by `from_str_radix`, which takes a sign.
    let digits = text.chars().map(|digit| digit.to_digit(16));
    let digits: Vec<u32> = digits.collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    let is_whole = pairs.remainder().is_empty();
    is_whole.then(|| pairs.map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// Octets as a test reads them.
pub(super) fn digits(bytes: &[u8]) -> Json {
    hex(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_two_digits_each_and_nothing_else() {
        assert_eq!(octets("00fFa5"), Some(vec![0x00, 0xff, 0xa5]));
        assert_eq!(octets(""), Some(Vec::new()));
        for wrong in ["0", "+1", "-1", " 1", "0x", "é", "１２"] {
            assert_eq!(octets(wrong), None, "{wrong}");
        }
    }
}
