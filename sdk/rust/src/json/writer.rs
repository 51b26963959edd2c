//! From values to JSON.

use super::fault::Fault;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::{self, Write as _};

/// As a text: a `char` is written by code for all of Unicode.
const QUOTE: &str = "\"";

/// A text that is being written.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) text: String,
}

impl serde::ser::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(words: T) -> Self {
        Fault::new(words.to_string())
    }
}

/// A text in quotation marks, RFC 8259, section 7.
pub(crate) fn quoted(text: &str) -> String {
    let mut writer = Writer::default();
    writer.quote(text);
    writer.text
}

impl Writer {
    fn quote(&mut self, text: &str) {
        self.text.push_str(QUOTE);
        for character in text.chars() {
            let escape = match character {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\u{8}' => "\\b",
                '\u{c}' => "\\f",
                '\0'..='\x1f' => {
                    // Writing to a text does not fail.
                    let _ = write!(self.text, "\\u{:04x}", u32::from(character));
                    continue;
                }
                _ => {
                    self.text.push(character);
                    continue;
                }
            };
            self.text.push_str(escape);
        }
        self.text.push_str(QUOTE);
    }

    fn put(&mut self, text: &str) -> Result<(), Fault> {
        self.text.push_str(text);
        Ok(())
    }

    /// The beginning of a value that has others in it.
    fn open(&mut self, begin: &str, end: &'static str) -> Result<Open<'_>, Fault> {
        self.text.push_str(begin);
        Ok(Open {
            writer: self,
            first: true,
            end,
        })
    }

    /// `{"variant":`
    fn variant(&mut self, variant: &str) {
        self.text.push('{');
        self.quote(variant);
        self.text.push(':');
    }
}

/// Numbers are read in 64 bits, here and by the host, so that a longer one would not come back.
#[cold]
fn too_long() -> Fault {
    Fault::text("a whole number is beyond 64 bits: write it as text")
}

macro_rules! by_display {
    ($($method:ident $type:ty)*) => {
        $(
            fn $method(self, value: $type) -> Result<(), Fault> {
                self.put(&value.to_string())
            }
        )*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    by_display! {
        serialize_u64 u64
        serialize_i64 i64
    }

    fn serialize_u128(self, value: u128) -> Result<(), Fault> {
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => Err(too_long()),
        }
    }

    fn serialize_i128(self, value: i128) -> Result<(), Fault> {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => self.serialize_u64(value),
            (_, Ok(value)) => self.serialize_i64(value),
            _ => Err(too_long()),
        }
    }

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.put(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }

    /// JSON has no infinity and no NaN: `null`.
    fn serialize_f32(self, value: f32) -> Result<(), Fault> {
        let text = serde_json::to_string(&value);
        self.put(&text.unwrap_or_default())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Fault> {
        let text = serde_json::to_string(&value);
        self.put(&text.unwrap_or_default())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.quote(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        self.quote(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.put("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.put("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault> {
        self.put("null")
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.put("}")
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Open<'a>, Fault> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Open<'a>, Fault> {
        self.open("[", "]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _: usize) -> Result<Open<'a>, Fault> {
        self.open("[", "]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Fault> {
        self.variant(variant);
        self.open("[", "]}")
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Open<'a>, Fault> {
        self.open("{", "}")
    }

    fn serialize_struct(self, _name: &'static str, _: usize) -> Result<Open<'a>, Fault> {
        self.open("{", "}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, Fault> {
        self.variant(variant);
        self.open("{", "}}")
    }
}

/// An array or an object that is not complete.
pub(super) struct Open<'a> {
    writer: &'a mut Writer,
    first: bool,
    end: &'static str,
}

impl Open<'_> {
    fn separate(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.writer.text.push(',');
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut *self.writer)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Fault> {
        self.separate();
        self.writer.quote(key);
        self.writer.text.push(':');
        self.value(value)
    }

    fn close(self) -> Result<(), Fault> {
        self.writer.put(self.end)
    }

    /// Makes a key of what was written from `start` on: numbers and booleans are put in quotation
    /// marks.
    fn key_from(&mut self, start: usize) -> Result<(), Fault> {
        let text = &mut self.writer.text;
        match text.as_bytes().get(start) {
            Some(b'"') => {}
            Some(b'0'..=b'9' | b'-' | b't' | b'f') => {
                text.insert(start, '"');
                text.push('"');
            }
            _ => return Err(Fault::text("a key is neither text nor number")),
        }
        text.push(':');
        Ok(())
    }
}

impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.separate();
        let start = self.writer.text.len();
        self.value(key)?;
        self.key_from(start)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.value(value)
    }

    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}

macro_rules! elements {
    ($($shape:ident $method:ident)*) => {
        $(
            impl $shape for Open<'_> {
                type Ok = ();
                type Error = Fault;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                    self.separate();
                    self.value(value)
                }

                fn end(self) -> Result<(), Fault> {
                    self.close()
                }
            }
        )*
    };
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($shape:ident)*) => {
        $(
            impl $shape for Open<'_> {
                type Ok = ();
                type Error = Fault;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    key: &'static str,
                    value: &T,
                ) -> Result<(), Fault> {
                    self.entry(key, value)
                }

                fn end(self) -> Result<(), Fault> {
                    self.close()
                }
            }
        )*
    };
}

fields!(SerializeStruct SerializeStructVariant);
