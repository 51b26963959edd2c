//! Commands: named, typed calls on a device that are answered.

use crate::{CallError, Timestamp, json};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one call of a command while it is open.
pub type CallId = u64;

/// One call of a command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a, C> {
    /// To answer it later with [`Context::reply`](crate::Context::reply).
    pub id: CallId,
    /// The command with its arguments.
    pub command: C,
    /// Who calls: a device's name, or `operator`.
    pub caller: &'a str,
    /// Until when the answer is awaited.
    pub deadline: Timestamp,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub(crate) Option<String>);

impl Answer {
    /// Carried out; there is nothing to say.
    pub fn none() -> Self {
        Answer(Some("null".to_owned()))
    }

    /// Carried out; the answer is `value` as JSON. Fails only where `value` has no JSON form.
    pub fn json(value: &impl Serialize) -> Result<Self, CallError> {
        serde_json::to_string(value)
            .map(|text| Answer(Some(text)))
            .map_err(|error| CallError::failed(format!("the answer has no JSON form: {error}")))
    }

    /// Under way: [`Context::reply`](crate::Context::reply) will be called with the call's id.
    pub fn pending() -> Self {
        Answer(None)
    }
}

/// The command type of a plugin without commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum NoCommand {}

/// Reads a command: an enum, of which `command` names the variant and `arguments` (a JSON object)
/// holds the fields.
pub(crate) fn read<C: DeserializeOwned>(command: &str, arguments: &str) -> Result<C, CallError> {
    let arguments = if arguments.trim().is_empty() {
        "{}"
    } else {
        arguments
    };
    let mut stage = Stage::Name;
    C::deserialize(Named {
        command,
        arguments,
        stage: &mut stage,
    })
    .map_err(|Culprit(text)| match stage {
        Stage::Name => CallError::UnknownCommand(unknown(command, &text)),
        Stage::Arguments => CallError::InvalidArgument(format!("{command}: {text}")),
    })
}

/// serde speaks of variants; who calls a command never saw one.
fn unknown(command: &str, text: &str) -> String {
    match text.split_once(", expected ") {
        Some((_, known)) => format!("unknown command `{command}`, expected {known}"),
        None => format!("unknown command `{command}`"),
    }
}

/// How far the reading of a command came.
enum Stage {
    Name,
    Arguments,
}

#[derive(Debug)]
struct Culprit(String);

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Culprit {}

impl serde::de::Error for Culprit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Culprit(text.to_string())
    }
}

struct Named<'de, 's> {
    command: &'de str,
    arguments: &'de str,
    stage: &'s mut Stage,
}

impl<'de> Deserializer<'de> for Named<'de, '_> {
    type Error = Culprit;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Culprit> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Culprit> {
        *self.stage = Stage::Arguments;
        Err(Culprit(
            "a command type is an enum without a serde tag".to_owned(),
        ))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Named<'de, '_> {
    type Error = Culprit;
    type Variant = Arguments<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Arguments<'de>), Culprit> {
        let name: StrDeserializer<'_, Culprit> = self.command.into_deserializer();
        let variant = seed.deserialize(name)?;
        *self.stage = Stage::Arguments;
        Ok((variant, Arguments(self.arguments)))
    }
}

struct Arguments<'de>(&'de str);

type JsonReader<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;

impl<'de> Arguments<'de> {
    fn read<T>(
        &self,
        take: impl FnOnce(&mut JsonReader<'de>) -> Result<T, serde_json::Error>,
    ) -> Result<T, Culprit> {
        let mut arguments = serde_json::Deserializer::from_str(self.0);
        take(&mut arguments)
            .and_then(|value| arguments.end().map(|()| value))
            .map_err(|error| Culprit(json::explain(self.0, &error)))
    }
}

impl<'de> VariantAccess<'de> for Arguments<'de> {
    type Error = Culprit;

    fn unit_variant(self) -> Result<(), Culprit> {
        let given: serde_json::Map<String, serde_json::Value> =
            json::read(self.0).map_err(Culprit)?;
        match given.keys().next() {
            Some(key) => Err(Culprit(format!("`{key}`: the command takes no arguments"))),
            None => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Culprit> {
        self.read(|arguments| seed.deserialize(arguments))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Culprit> {
        Err(Culprit(
            "a command's arguments have names: use a variant with named fields".to_owned(),
        ))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Culprit> {
        self.read(|arguments| arguments.deserialize_struct("arguments", fields, visitor))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    enum Command {
        Auto,
        Override { state: bool, note: Option<String> },
        WriteAll(Write),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Write {
        value: f64,
    }

    #[test]
    fn a_command_is_read_with_its_arguments() {
        assert_eq!(read("auto", "{}"), Ok(Command::Auto));
        assert_eq!(read("auto", ""), Ok(Command::Auto));
        assert_eq!(
            read("override", r#"{"state": true}"#),
            Ok(Command::Override {
                state: true,
                note: None
            })
        );
        assert_eq!(
            read("write-all", r#"{"value": 2}"#),
            Ok(Command::WriteAll(Write { value: 2.0 }))
        );
    }

    #[test]
    fn an_unknown_command_is_named_with_the_known_ones() {
        assert_eq!(
            read::<Command>("overide", "{}"),
            Err(CallError::UnknownCommand(
                "unknown command `overide`, expected one of `auto`, `override`, `write-all`".into()
            ))
        );
        assert!(matches!(
            read::<NoCommand>("auto", "{}"),
            Err(CallError::UnknownCommand(_))
        ));
    }

    #[test]
    fn a_bad_argument_is_named() {
        let error = |command, arguments| match read::<Command>(command, arguments) {
            Err(CallError::InvalidArgument(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            error("override", r#"{"state": "on"}"#),
            "override: `state`: invalid type: string \"on\", expected a boolean"
        );
        assert_eq!(error("override", "{}"), "override: missing field `state`");
        assert!(error("override", r#"{"state": true, "x": 1}"#).contains("unknown field `x`"));
        assert_eq!(
            error("auto", r#"{"x": 1}"#),
            "auto: `x`: the command takes no arguments"
        );
        assert!(error("override", "{").contains("EOF"));
        assert!(error("auto", "[]").contains("expected a map"));
        assert!(error("override", r#"{"state": true} x"#).contains("trailing"));
    }
}
