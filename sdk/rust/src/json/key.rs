//! The key of an object as a value: a text, or what the type of a map's keys makes of it.

use super::fault::Fault;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use std::borrow::Cow;

pub(super) struct Key<'k, 'de>(pub(super) &'k Cow<'de, str>);

macro_rules! numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
                self.number(visitor)
            }
        )*
    };
}

impl<'de> Key<'_, 'de> {
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // As an integer stands in JSON, without a plus and needless zeros: so no two keys are one number.
        let digits = self.0.strip_prefix('-').unwrap_or(self.0);
        if !digits.starts_with(|digit| matches!(digit, '1'..='9')) && self.0.as_ref() != "0" {
            return self.deserialize_any(visitor);
        }
        if let Ok(value) = self.0.parse::<u64>() {
            visitor.visit_u64(value)
        } else if let Ok(value) = self.0.parse::<i64>() {
            visitor.visit_i64(value)
        } else {
            self.deserialize_any(visitor)
        }
    }
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_str(text),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_ref() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.0.as_ref().into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}
