//! Texts with a form of their own, as patterns that editors can check.
//!
//! A pattern is what people write, no more: what it matches, the reader takes (a test makes such
//! texts and reads them). The reader has the last word, and a few spellings beyond.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Names of hosts, plugins, connections and devices.
pub(super) const NAME: &str = "^[a-z][a-z0-9_-]{0,63}$";

/// Spans of time: `250ms`, `1h 30m`, `0s`.
pub(super) const SPAN: &str =
    "^[0-9]{1,9} ?(ns|us|ms|s|sec|m|min|h|d)( ?[0-9]{1,9} ?(ns|us|ms|s|sec|m|min|h|d))*$";

/// Sizes: `16 MiB`, `512 kB`, `4096`.
pub(super) const SIZE: &str = "^[0-9]{1,9}(\\.[0-9]{1,3})? ?([kKmMgG]i?B)$|^[0-9]{1,15}( ?B)?$";

/// Filters of topics: `greenhouse/+/moisture`, `greenhouse/#`.
pub(super) const FILTER: &str = "^(\\+|[^+#/]*)(/(\\+|[^+#/]*))*(/#)?$|^#$";

/// Host and port.
pub(super) const ADDRESS: &str = "^(\\[[0-9a-fA-F:.%]+\\]|[^\\[\\]:\\s]+):[0-9]{1,5}$";

macro_rules! text {
    ($name:ident, $schema:tt) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(NameText, { "type": "string", "pattern": NAME });
text!(SpanText, { "type": "string", "pattern": SPAN, "examples": ["250ms", "5s", "1h 30m"] });
text!(SizeText, { "type": "string", "pattern": SIZE, "examples": ["64 KiB", "16 MiB"] });
// Where a plain number of bytes is taken, too.
text!(SizeOrBytes, { "type": ["string", "integer"], "pattern": SIZE, "minimum": 0, "examples": ["64 KiB", "16 MiB"] });
text!(FilterText, { "type": "string", "minLength": 1, "pattern": FILTER, "examples": ["greenhouse/+/moisture", "greenhouse/#"] });
text!(AddressText, { "type": "string", "pattern": ADDRESS });
text!(AnyTable, { "type": "object" });
