//! Commands: named, typed calls on a device that are answered.

use crate::json::{self, Fault, Reader};
use crate::{CallError, Timestamp};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::{Deserialize, Serialize};

/// Names one call of a command while it is open.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// /// A driver remembers whom to answer when its device has.
/// struct Valve {
///     waiting: Vec<CallId>,
/// }
/// ```
pub type CallId = u64;

/// One call of a command.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// enum Command {
///     Open,
/// }
///
/// fn on_command(call: Call<'_, Command>) -> Result<Answer, CallError> {
///     weihe_sdk::log::info!("{} asks", call.caller);
///     match call.command {
///         Command::Open => Ok(Answer::none()),
///     }
/// }
/// ```
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
///
/// ```
/// # use weihe_sdk::prelude::*;
/// fn count(rows: Option<u64>) -> Result<Answer, CallError> {
///     match rows {
///         Some(rows) => Answer::json(&rows),
///         None => Err(CallError::unavailable("the table is not open yet")),
///     }
/// }
/// # assert_eq!(count(Some(3)), Answer::json(&3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub(crate) Option<String>);

impl Answer {
    /// Carried out; there is nothing to say.
    ///
    /// ```
    /// # use weihe_sdk::Answer;
    /// assert_eq!(Ok(Answer::none()), Answer::json(&()));
    /// ```
    pub fn none() -> Self {
        Answer(Some("null".to_owned()))
    }

    /// Carried out; the answer is `value` as JSON. Fails only where `value` has no JSON form.
    ///
    /// ```
    /// # use weihe_sdk::{Answer, CallError};
    /// #[derive(serde::Serialize)]
    /// struct State {
    ///     open: bool,
    ///     percent: u8,
    /// }
    ///
    /// let answer = Answer::json(&State { open: true, percent: 80 })?;
    /// # Ok::<(), CallError>(())
    /// ```
    pub fn json(value: &impl Serialize) -> Result<Self, CallError> {
        json::write(value)
            .map(|text| Answer(Some(text)))
            .map_err(|error| CallError::failed(format!("the answer has no JSON form: {error}")))
    }

    /// Under way: [`Context::reply`](crate::Context::reply) will be called with the call's id.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # struct Valve { connection: Connection, waiting: Vec<(Ticket, CallId)> }
    /// # impl Valve {
    /// fn open(&mut self, call: CallId) -> Result<Answer, CallError> {
    ///     let ticket = self.connection.submit(Request::new("OPEN\n"))?;
    ///     // `on_reply` finds it, and calls `ctx.reply(call, …)`.
    ///     self.waiting.push((ticket, call));
    ///     Ok(Answer::pending())
    /// }
    /// # }
    /// ```
    pub fn pending() -> Self {
        Answer(None)
    }
}

/// The command type of a plugin without commands.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # struct Rule;
/// impl Plugin for Rule {
///     type Config = NoConfig;
///     type Command = NoCommand;
///     type State = NoState;
///     // …
/// #     fn describe() -> Description { Description::new("rule", "0.1.0", "") }
/// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Rule) }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum NoCommand {}

/// Reads a command: an enum, of which `command` names the variant and `arguments` (a JSON object)
/// holds the fields.
pub(crate) fn read<C: DeserializeOwned>(command: &str, arguments: &str) -> Result<C, CallError> {
    let arguments = if arguments.trim_ascii().is_empty() {
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
    .map_err(|fault| wrong(command, stage, fault))
}

#[cold]
#[inline(never)]
fn wrong(command: &str, stage: Stage, fault: Fault) -> CallError {
    match stage {
        // serde speaks of variants; who calls a command never saw one.
        Stage::Name => CallError::UnknownCommand(format!(
            "unknown command `{command}`{}",
            json::one_of(fault.names().unwrap_or_default())
        )),
        Stage::Arguments => CallError::InvalidArgument(format!("{command}: {}", fault.into_text())),
    }
}

/// How far the reading of a command came.
enum Stage {
    Name,
    Arguments,
}

struct Named<'de, 's> {
    command: &'de str,
    arguments: &'de str,
    stage: &'s mut Stage,
}

impl<'de> Deserializer<'de> for Named<'de, '_> {
    type Error = Fault;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Fault> {
        *self.stage = Stage::Arguments;
        Err(Fault::text("a command type is an enum without a serde tag"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Named<'de, '_> {
    type Error = Fault;
    type Variant = Arguments<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Arguments<'de>), Fault> {
        let name: StrDeserializer<'_, Fault> = self.command.into_deserializer();
        let variant = seed.deserialize(name)?;
        *self.stage = Stage::Arguments;
        Ok((variant, Arguments(self.arguments)))
    }
}

struct Arguments<'de>(&'de str);

impl<'de> VariantAccess<'de> for Arguments<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        json::no_arguments(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let mut reader = Reader::new(self.0);
        let value = seed.deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Fault> {
        Err(Fault::text(
            "a command's arguments have names: use a variant with named fields",
        ))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut reader = Reader::new(self.0);
        let value = reader.deserialize_any(visitor)?;
        reader.end()?;
        Ok(value)
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
        assert!(error("override", "{").contains("found the end"));
        assert!(error("auto", "[]").contains("expected a map"));
        assert!(error("override", r#"{"state": true} x"#).contains("found `x`"));
    }
}
