//! From tokens to values, as serde asks for them.

use super::fault::Fault;
use super::key::Key;
use super::reader::{Reader, Token};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use std::borrow::Cow;

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let token = self.token()?;
        self.visit(token, visitor)
    }

    /// Not by way of an `f64`, which would be rounded a second time.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.token_and_text()? {
            (Token::Float(value), text) => visitor.visit_f32(self.short_float(value, text)?),
            (token, _) => self.visit(token, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.null()? {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// `"variant"`, or `{"variant": …}`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.peek() != Some(b'{') {
            return match self.token()? {
                Token::Text(name) => visitor.visit_enum(name.as_ref().into_deserializer()),
                other => Err(Fault::invalid_type(other.kind(), &visitor)),
            };
        }
        self.token()?;
        let mut entries = Entries::of(self);
        if !entries.next()? {
            return Err(Fault::invalid_value(Unexpected::Map, &visitor));
        }
        let value = visitor.visit_enum(Variant(&mut entries))?;
        entries.end()?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> Reader<'de> {
    /// Hands over the value that begins with a token.
    fn visit<V: Visitor<'de>>(&mut self, token: Token<'de>, visitor: V) -> Result<V::Value, Fault> {
        match token {
            Token::Null => visitor.visit_unit(),
            Token::Boolean(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Negative(value) => visitor.visit_i64(value),
            Token::Float(value) => visitor.visit_f64(value),
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Token::Array => {
                let mut elements = Elements::of(self);
                let value = visitor.visit_seq(&mut elements)?;
                elements.end()?;
                Ok(value)
            }
            Token::Object => {
                let mut entries = Entries::of(self);
                let value = visitor.visit_map(&mut entries)?;
                entries.end()?;
                Ok(value)
            }
        }
    }
}

impl Token<'_> {
    fn kind(&self) -> Unexpected<'_> {
        match self {
            Token::Null => Unexpected::Unit,
            Token::Boolean(value) => Unexpected::Bool(*value),
            Token::Unsigned(value) => Unexpected::Unsigned(*value),
            Token::Negative(value) => Unexpected::Signed(*value),
            Token::Float(value) => Unexpected::Float(*value),
            Token::Text(text) => Unexpected::Str(text),
            Token::Array => Unexpected::Seq,
            Token::Object => Unexpected::Map,
        }
    }
}

/// The elements of an array.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
    ended: bool,
    index: usize,
}

impl<'r, 'de> Elements<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>) -> Self {
        Elements {
            reader,
            first: true,
            ended: false,
            index: 0,
        }
    }

    fn next(&mut self) -> Result<bool, Fault> {
        if !self.ended {
            self.ended = !self.reader.element(&mut self.first)?;
        }
        Ok(!self.ended)
    }

    fn end(mut self) -> Result<(), Fault> {
        match self.next()? {
            false => Ok(()),
            true => Err(Fault::new(format!(
                "there are more than {} elements",
                self.index
            ))),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        if !self.next()? {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        match seed.deserialize(&mut *self.reader) {
            Ok(value) => Ok(Some(value)),
            Err(fault) => Err(fault.in_element(index)),
        }
    }
}

/// The entries of an object.
struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
    ended: bool,
    key: Cow<'de, str>,
}

impl<'r, 'de> Entries<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>) -> Self {
        Entries {
            reader,
            first: true,
            ended: false,
            key: Cow::Borrowed(""),
        }
    }

    fn next(&mut self) -> Result<bool, Fault> {
        if !self.ended {
            match self.reader.key(&mut self.first)? {
                Some(key) => self.key = key,
                None => self.ended = true,
            }
        }
        Ok(!self.ended)
    }

    fn end(mut self) -> Result<(), Fault> {
        match self.next()? {
            false => Ok(()),
            true => Err(Fault::text("there is one key too many").in_key(&self.key)),
        }
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        if !self.next()? {
            return Ok(None);
        }
        match seed.deserialize(Key(&self.key)) {
            Ok(key) => Ok(Some(key)),
            Err(fault) => Err(fault.in_key(&self.key)),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        match seed.deserialize(&mut *self.reader) {
            Ok(value) => Ok(value),
            Err(fault) => Err(fault.in_key(&self.key)),
        }
    }
}

/// The one entry of an object that stands for a variant.
struct Variant<'e, 'r, 'de>(&'e mut Entries<'r, 'de>);

impl<'de> EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        match seed.deserialize(Key(&self.0.key)) {
            Ok(variant) => Ok((variant, self)),
            Err(fault) => Err(fault.in_key(&self.0.key)),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0.reader.null()? {
            true => Ok(()),
            false => Err(Fault::text("expected null").in_key(&self.0.key)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let mut entries = self.0;
        entries.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        let value = self.0.reader.deserialize_any(visitor);
        value.map_err(|fault| fault.in_key(&self.0.key))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let value = self.0.reader.deserialize_any(visitor);
        value.map_err(|fault| fault.in_key(&self.0.key))
    }
}

/// Reads the arguments of a command that takes none.
pub(crate) fn no_arguments(text: &str) -> Result<(), Fault> {
    let mut reader = Reader::new(text);
    let token = reader.token()?;
    if !matches!(token, Token::Object) {
        return Err(Fault::invalid_type(token.kind(), &"a map of arguments"));
    }
    match reader.key(&mut true)? {
        Some(key) => Err(Fault::text("the command takes no arguments").in_key(&key)),
        None => reader.end(),
    }
}
