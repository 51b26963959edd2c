//! Typed JSON, with errors that name the key.
//!
//! Configurations, commands and states come as JSON. They are read and written here rather than with
//! `serde_json`, which is a fifth of a small component, and whose errors name a line and a column,
//! which mean nothing to someone who wrote TOML.
//!
//! ```
//! let numbers: Vec<f64> = weihe_sdk::json::read("[1, 2.5]")?;
//! assert_eq!(weihe_sdk::json::write(&numbers)?, "[1.0,2.5]");
//! # Ok::<(), String>(())
//! ```

mod access;
mod fault;
mod key;
mod reader;
mod writer;

pub(crate) use access::no_arguments;
pub(crate) use fault::{Fault, one_of};
pub(crate) use reader::Reader;
pub(crate) use writer::quoted;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a JSON text. The error is for people; it starts with the path of the culprit
/// (`` `limits.below`: ``), where that is not the document as a whole.
///
/// Floats are the nearest ones to what is written. (An `f32` in a type with `#[serde(flatten)]` or
/// `#[serde(untagged)]` is the nearest to the nearest `f64`: serde keeps that one before it knows.)
///
/// ```
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize)]
/// struct Limits {
///     below: f64,
/// }
///
/// let limits: Limits = weihe_sdk::json::read(r#"{ "below": 3.5 }"#)?;
/// assert_eq!(limits.below, 3.5);
///
/// let error = weihe_sdk::json::read::<Limits>(r#"{ "below": "low" }"#).unwrap_err();
/// assert_eq!(error, "`below`: invalid type: string \"low\", expected f64");
/// # Ok::<(), String>(())
/// ```
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = Reader::new(text);
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(Fault::into_text)
}

/// Writes a value as JSON, without spaces. Fails only where a key of a map is neither text nor a
/// number, where a whole number has more than 64 bits, or where a type says that it cannot be written;
/// the error is for people.
///
/// ```
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Reading {
///     value: f64,
///     unit: &'static str,
/// }
///
/// let text = weihe_sdk::json::write(&Reading { value: 21.5, unit: "Cel" })?;
/// assert_eq!(text, r#"{"value":21.5,"unit":"Cel"}"#);
/// # Ok::<(), String>(())
/// ```
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut writer = writer::Writer::default();
    match value.serialize(&mut writer) {
        Ok(()) => Ok(writer.text),
        Err(fault) => Err(fault.into_text()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
