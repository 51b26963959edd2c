//! Checks a device's `config` against the JSON Schema that its plugin describes it with.
//!
//! A part of JSON Schema (2020-12): `type`, `enum`, `const`, `properties`, `required`,
//! `additionalProperties`, `items`, `prefixItems`, `minimum`, `maximum`, `exclusiveMinimum`,
//! `exclusiveMaximum`, `minItems`, `maxItems`, `minLength`, `maxLength` and `$ref` within the
//! schema; of `oneOf` and `anyOf` for tables, the branch that a constant in it leaves as the only
//! one (`type = "tcp"`). Everything else is left to the plugin: what this does not know it takes for right
//! (docs/decisions/0020-config-schemas.md).

mod uses;

use serde_json::{Map, Value};

use super::path::KeyPath;
use super::section::nearest;

pub use uses::{Named, Use};

/// Faults after which the rest is not looked at: nobody reads more, and a hostile schema could ask
/// for one at each of a million places.
const MOST_FAULTS: usize = 100;

/// References that may follow each other at one place: schemas use two or three, and one that
/// refers to itself would never end.
const MOST_REFERENCES: usize = 16;

/// Words that are listed where none is near enough to be meant.
const MOST_WORDS: usize = 24;

/// A plugin's description of its configuration.
#[derive(Debug, Clone)]
pub struct Schema(Value);

/// Which part of an entry is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where, from the top of `config`; of a key that is missing, the table that lacks it.
    pub path: KeyPath,
    /// What of it.
    pub at: At,
    /// What is wrong, naming the key.
    pub message: String,
    /// What stands under the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Schema {
    /// Reads a schema; none when the plugin gives none. The error is why it is no JSON.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(text) {
            Ok(schema) => Ok(Some(Self(schema))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What of a configuration does not fit.
    pub fn check(&self, config: &Value) -> Vec<Mismatch> {
        let mut check = Check {
            root: &self.0,
            found: Vec::new(),
        };
        check.value(&self.0, config, &KeyPath::default(), 0);
        check.found
    }
}

struct Check<'s> {
    root: &'s Value,
    found: Vec<Mismatch>,
}

impl<'s> Check<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, path: &KeyPath, references: usize) {
        if self.found.len() >= MOST_FAULTS {
            return;
        }
        let schema = match schema {
            Value::Bool(false) => return self.report(path, "must not be there".to_owned(), None),
            Value::Object(schema) => schema,
            _ => return,
        };
        if let Some(Value::String(reference)) = schema.get("$ref")
            && references < MOST_REFERENCES
            && let Some(target) = self.target(reference)
        {
            self.value(target, value, path, references + 1);
        }
        if let Some(expected) = schema
            .get("type")
            .and_then(|kinds| wrong_type(kinds, value))
        {
            let message = format!("must be {expected}, but is {}", kind(value));
            // What else is wrong with it would only follow from this.
            return self.report(path, message, None);
        }
        self.choice(schema, value, path);
        if let Some(branch) = only_branch(schema, value) {
            self.value(branch, value, path, references);
        }
        match value {
            Value::Number(number) => self.number(schema, number.as_f64(), path),
            Value::String(text) => {
                self.size(
                    schema,
                    ["minLength", "maxLength"],
                    text.chars().count(),
                    "character",
                    path,
                );
            }
            Value::Array(items) => self.list(schema, items, path),
            Value::Object(table) => self.table(schema, table, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The schema that a reference names, if it is in this one.
    fn target(&self, reference: &str) -> Option<&'s Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    fn report(&mut self, path: &KeyPath, what: String, help: Option<String>) {
        self.found.push(Mismatch {
            path: path.clone(),
            at: At::Value,
            message: format!("`{}` {what}", name(path)),
            label: "here".to_owned(),
            help,
        });
    }

    fn choice(&mut self, schema: &Map<String, Value>, value: &Value, path: &KeyPath) {
        let choices = match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(choices)), _) => choices.as_slice(),
            (_, Some(only)) => std::slice::from_ref(only),
            _ => return,
        };
        if choices.is_empty() || choices.iter().any(|choice| same(choice, value)) {
            return;
        }
        let texts = || choices.iter().filter_map(Value::as_str);
        let near = value.as_str().and_then(|text| nearest(text, texts()));
        let help = near.map(|near| format!("did you mean {near:?}?"));
        let choices = choices.iter().map(Value::to_string);
        let is = match value {
            Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
            scalar => scalar.to_string(),
        };
        let message = format!("must be {}, but is {is}", either(choices));
        self.report(path, message, help);
    }

    fn number(&mut self, schema: &Map<String, Value>, number: Option<f64>, path: &KeyPath) {
        let Some(number) = number else { return };
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        type Fits = fn(f64, f64) -> bool;
        let limits: [(&str, &str, Fits); 4] = [
            ("minimum", "at least", |number, limit| number >= limit),
            ("maximum", "at most", |number, limit| number <= limit),
            ("exclusiveMinimum", "more than", |number, limit| {
                number > limit
            }),
            ("exclusiveMaximum", "less than", |number, limit| {
                number < limit
            }),
        ];
        for (key, words, fits) in limits {
            if let Some(limit) = limit(key).filter(|limit| !fits(number, *limit)) {
                let message = format!("must be {words} {limit}, but is {number}");
                self.report(path, message, None);
            }
        }
    }

    fn size(
        &mut self,
        schema: &Map<String, Value>,
        [least, most]: [&str; 2],
        size: usize,
        unit: &str,
        path: &KeyPath,
    ) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let size = size as u64;
        let count = |count: u64| match count {
            1 => format!("1 {unit}"),
            count if unit.ends_with('y') => format!("{count} {}ies", unit.trim_end_matches('y')),
            count => format!("{count} {unit}s"),
        };
        if let Some(least) = limit(least).filter(|least| size < *least) {
            let message = format!("must have at least {}, but has {size}", count(least));
            self.report(path, message, None);
        }
        if let Some(most) = limit(most).filter(|most| size > *most) {
            let message = format!("must have at most {}, but has {size}", count(most));
            self.report(path, message, None);
        }
    }

    fn list(&mut self, schema: &'s Map<String, Value>, items: &[Value], path: &KeyPath) {
        self.size(schema, ["minItems", "maxItems"], items.len(), "entry", path);
        let first = match schema.get("prefixItems") {
            Some(Value::Array(schemas)) => schemas.as_slice(),
            _ => &[],
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| schema.get("items")) {
                self.value(schema, item, &path.index(index), 0);
            }
        }
    }

    fn table(
        &mut self,
        schema: &'s Map<String, Value>,
        table: &Map<String, Value>,
        path: &KeyPath,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        for (key, value) in table {
            if let Some(schema) = known.and_then(|known| known.get(key)) {
                self.value(schema, value, &path.key(key), 0);
                continue;
            }
            match schema.get("additionalProperties") {
                // A pattern might know the key.
                _ if schema.contains_key("patternProperties") => {}
                Some(Value::Bool(false)) => self.unknown(key, known, path),
                Some(schema) => self.value(schema, value, &path.key(key), 0),
                None => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                self.found.push(Mismatch {
                    path: path.clone(),
                    at: At::Key,
                    message: format!("`{}` has no `{key}`", name(path)),
                    label: format!("`{key}` is missing"),
                    help: None,
                });
            }
        }
    }

    fn unknown(&mut self, key: &str, known: Option<&Map<String, Value>>, path: &KeyPath) {
        let known = || known.into_iter().flat_map(Map::keys).map(String::as_str);
        let help = match nearest(key, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known().next().is_none() => "it takes no keys".to_owned(),
            None => format!(
                "known keys: {}",
                listed(known().map(|key| format!("`{key}`")), ", ")
            ),
        };
        self.found.push(Mismatch {
            path: path.key(key),
            at: At::Key,
            message: format!("unknown key `{key}` in `{}`", name(path)),
            label: "unknown key".to_owned(),
            help: Some(help),
        });
    }
}

/// The one branch of a choice among tables that a value's constants do not rule out, when it is they
/// that speak for it, too.
fn only_branch<'s>(schema: &'s Map<String, Value>, value: &Value) -> Option<&'s Value> {
    let mut choices = ["oneOf", "anyOf"].into_iter();
    let branches = choices.find_map(|key| schema.get(key)?.as_array())?;
    // Whether the value has the constants of a branch; none when it has no such keys.
    let has_constants = |branch: &Value| {
        let keys = branch.get("properties")?.as_object()?;
        let mut constants = keys
            .iter()
            .filter_map(|(key, of_key)| Some(same(value.get(key)?, of_key.get("const")?)));
        let first = constants.next()?;
        Some(first && constants.all(|same| same))
    };
    let mut left = branches
        .iter()
        .map(|branch| (branch, has_constants(branch)))
        .filter(|(_, has)| *has != Some(false));
    match (left.next(), left.next()) {
        (Some((branch, Some(true))), None) => Some(branch),
        _ => None,
    }
}

/// `config.points[3]`.
fn name(path: &KeyPath) -> String {
    KeyPath::default().key("config").join(path).to_string()
}

/// What a value must be, when it is of no type that is allowed.
fn wrong_type(kinds: &Value, value: &Value) -> Option<String> {
    let kinds: Vec<&str> = match kinds {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // 1.0 is an integer to JSON Schema.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        // No type that JSON Schema has.
        _ => true,
    };
    if kinds.is_empty() || kinds.iter().any(|kind| fits(kind)) {
        return None;
    }
    let words = kinds.iter().map(|kind| match *kind {
        "null" => "nothing",
        "boolean" => "a boolean",
        "string" => "a text",
        "array" => "a list",
        "object" => "a table",
        "number" => "a number",
        _ => "an integer",
    });
    Some(either(words.map(str::to_owned)))
}

/// What a value is, in the words of weihe.toml.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
        Value::Number(number) if number.is_f64() => "a float",
        Value::Number(_) => "an integer",
    }
}

/// Whether two values are the same to JSON Schema, to which 1 is 1.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

/// "a", "a or b", "a, b or c".
fn either(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.take(MOST_WORDS + 1).collect();
    if words.len() > MOST_WORDS {
        return listed(words.into_iter(), ", ");
    }
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// The words, up to a number that can be read.
fn listed(words: impl Iterator<Item = String>, between: &str) -> String {
    let mut words: Vec<String> = words.take(MOST_WORDS + 1).collect();
    if words.len() > MOST_WORDS {
        words.truncate(MOST_WORDS);
        words.push("…".to_owned());
    }
    words.join(between)
}

#[cfg(test)]
mod tests;
