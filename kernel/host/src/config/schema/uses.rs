//! What the texts of a configuration name, where a schema says so by its `format`: topics that the
//! device subscribes to or publishes on, and devices that it calls. Editors and other validators
//! pass over formats that they do not know.

use serde_json::{Map, Value};

use super::{KeyPath, MOST_FAULTS, MOST_REFERENCES, Schema, only_branch};

/// How a text is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A topic or filter that the device subscribes to: `weihe-subscribe`.
    Subscribe,
    /// A topic that it publishes on: `weihe-publish`.
    Publish,
    /// The beginning of topics that it publishes on, without the slash: `weihe-publish-below`.
    PublishBelow,
    /// A device whose commands it calls: `weihe-call`.
    Call,
}

impl Use {
    fn of(format: &str) -> Option<Self> {
        Some(match format {
            "weihe-subscribe" => Self::Subscribe,
            "weihe-publish" => Self::Publish,
            "weihe-publish-below" => Self::PublishBelow,
            "weihe-call" => Self::Call,
            _ => return None,
        })
    }
}

/// A text of a configuration that names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Where it stands, from the top of `config`.
    pub path: KeyPath,
    /// What for.
    pub of: Use,
    /// The text.
    pub text: String,
}

impl Schema {
    /// What a configuration names.
    pub fn named(&self, config: &Value) -> Vec<Named> {
        let mut found = Vec::new();
        self.look(&self.0, config, &KeyPath::default(), 0, &mut found);
        found
    }

    fn look(
        &self,
        schema: &Value,
        value: &Value,
        path: &KeyPath,
        references: usize,
        found: &mut Vec<Named>,
    ) {
        let Value::Object(schema) = schema else {
            return;
        };
        if found.len() >= MOST_FAULTS {
            return;
        }
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|reference| self.0.pointer(reference.strip_prefix('#')?));
        let branch = only_branch(schema, value);
        for part in [target, branch].into_iter().flatten() {
            if references < MOST_REFERENCES {
                self.look(part, value, path, references + 1, found);
            }
        }
        match value {
            Value::String(text) => {
                let format = schema.get("format").and_then(Value::as_str);
                if let Some(of) = format.and_then(Use::of) {
                    found.push(Named {
                        path: path.clone(),
                        of,
                        text: text.clone(),
                    });
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Some(schema) = schema.get("items") {
                        self.look(schema, item, &path.index(index), 0, found);
                    }
                }
            }
            Value::Object(table) => {
                for (key, value) in table {
                    if let Some(schema) = of_key(schema, key) {
                        self.look(schema, value, &path.key(key), 0, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The schema of a key of a table.
fn of_key<'s>(schema: &'s Map<String, Value>, key: &str) -> Option<&'s Value> {
    let known = schema.get("properties").and_then(|known| known.get(key));
    known.or_else(|| schema.get("additionalProperties"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_found_where_the_schema_says_what_they_name() {
        let schema = json!({
            "properties": {
                "input": { "type": "string", "format": "weihe-subscribe" },
                "prefix": { "format": "weihe-publish-below" },
                "points": { "items": { "$ref": "#/$defs/point" } },
                "other": { "format": "date" },
            },
            "$defs": { "point": { "properties": {
                "topic": { "format": "weihe-publish" },
                "valve": { "format": "weihe-call" },
            } } },
        });
        let schema = Schema::parse(&schema.to_string()).unwrap().unwrap();
        let config = json!({
            "input": "a/b", "prefix": "c", "other": "2026-01-01", "unknown": "d",
            "points": [{ "topic": "e" }, { "valve": "pump", "topic": 5 }],
        });
        let found: Vec<(String, Use, String)> = schema
            .named(&config)
            .into_iter()
            .map(|named| (named.path.to_string(), named.of, named.text))
            .collect();
        let wanted = [
            ("input", Use::Subscribe, "a/b"),
            ("points[0].topic", Use::Publish, "e"),
            ("points[1].valve", Use::Call, "pump"),
            ("prefix", Use::PublishBelow, "c"),
        ];
        let wanted = wanted.map(|(path, of, text)| (path.to_owned(), of, text.to_owned()));
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        let schema = json!({ "$ref": "#", "items": { "$ref": "#" } });
        let schema = Schema::parse(&schema.to_string()).unwrap().unwrap();
        assert_eq!(schema.named(&json!([["a"], "b"])), []);
    }
}
