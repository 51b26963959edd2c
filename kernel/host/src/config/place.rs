//! Where the end of a path stands in the file.

use std::ops::Range;

use super::document::{Document, Entry, Item, Node};
use super::path::{KeyPath, Step};

/// Where the end of a path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// How many of the path's steps are there.
    pub found: usize,
    /// The last key that is there; of an entry of a list, the entry.
    pub key: Range<usize>,
    /// Its value; of a table, the key in its header.
    pub value: Range<usize>,
}

impl Document {
    /// Where a key path such as `connection.field.address` or `device.soil.grants.publish.0`
    /// stands: the value where it is a scalar or a list, the key in the header where it is a
    /// table. Of a path that is not there, the deepest part that is.
    pub fn locate(&self, path: &str) -> Range<usize> {
        self.place(&KeyPath::dotted(path)).value
    }

    /// Where a path stands, as deep as it is there.
    pub fn place(&self, path: &KeyPath) -> Place {
        let mut place = Place {
            found: 0,
            key: 0..0,
            value: 0..0,
        };
        let mut item: Option<&Item> = None;
        for step in path.steps() {
            let next = match (item.map(|item| &item.node), step) {
                (None, Step::Key(key)) => self.root().get(key).map(Entry::both),
                (Some(Node::Table(table)), Step::Key(key)) => table.get(key).map(Entry::both),
                (Some(Node::Array(items)), step) => {
                    let index = match step {
                        Step::Index(index) => Some(*index),
                        Step::Key(digits) => digits.parse().ok(),
                    };
                    let item = index.and_then(|index| items.get(index));
                    item.map(|item| (&item.span, item))
                }
                _ => None,
            };
            let Some((key, next)) = next else { break };
            place.found += 1;
            place.key = key.clone();
            place.value = next.span.clone();
            item = Some(next);
        }
        place
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::path::Path;

    const TEXT: &str = "[connection.field]\ntype = \"tcp\"\naddress = \"x\"\n[device.soil.grants]\npublish = [\"a\", \"b\"]\n";

    fn document(text: &str) -> Document {
        let (document, _, faults) = Document::parse(Path::new("weihe.toml"), text);
        assert_eq!(faults, vec![]);
        document.unwrap()
    }

    #[test]
    fn paths_lead_to_values_and_what_is_missing_to_its_table() {
        let document = document(TEXT);
        let at = |path| &TEXT[document.locate(path)];
        assert_eq!(at("connection.field.address"), "\"x\"");
        assert_eq!(at("connection.field"), "field");
        assert_eq!(at("connection.field.port"), "field");
        assert_eq!(at("device.soil.grants.publish.1"), "\"b\"");
        assert_eq!(at("device.soil.grants.publish.7"), "[\"a\", \"b\"]");
        assert_eq!(at("nothing.here"), "");
    }

    #[test]
    fn keys_are_found_in_lists_of_tables_however_they_are_written() {
        let inline = "[d]\npoints = [\n  { name = \"a\" },\n  { name = \"b\", addres = 1 },\n]\n";
        let headers = "[[d.points]]\nname = \"a\"\n[[d.points]]\nname = \"b\"\naddres = 1\n";
        let path = KeyPath::default().key("d").key("points").index(1);
        for text in [inline, headers] {
            let document = document(text);
            let place = document.place(&path.key("addres"));
            assert_eq!(
                (&text[place.key], &text[place.value], place.found),
                ("addres", "1", 4)
            );
            let place = document.place(&path.key("none"));
            assert_eq!(place.found, 3);
            assert!(text[place.key].contains(if text == inline { "\"b\"" } else { "points" }));
        }
    }
}
