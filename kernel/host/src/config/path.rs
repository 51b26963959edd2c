//! The way to a value within a device's `config`, as plugins write it: `points[3].address`.

use std::fmt;

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the entry of a table; or, by its digits, of a list.
    Key(String),
    /// To the entry of a list, counted from 0.
    Index(usize),
}

/// The way to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// The way that a text with dots between all steps names: `device.soil.grants.publish.0`.
    pub fn dotted(text: &str) -> Self {
        let steps = text.split('.').filter(|step| !step.is_empty());
        Self(steps.map(|step| Step::Key(step.to_owned())).collect())
    }

    /// The way that words begin with, between backticks, as the SDK's errors do.
    pub fn leading(words: &str) -> Option<Self> {
        let mut rest = words.strip_prefix('`')?;
        let mut path = Self::default();
        loop {
            if let Some(index) = rest.strip_prefix('[') {
                let (digits, after) = index.split_once(']')?;
                path.0.push(Step::Index(digits.parse().ok()?));
                rest = after;
            } else {
                let (key, after) = key(rest)?;
                path.0.push(Step::Key(key));
                rest = after;
            }
            rest = match rest.chars().next()? {
                '`' => return Some(path),
                '.' => &rest[1..],
                '[' => rest,
                _ => return None,
            };
        }
    }

    /// The entry of a table at its end.
    pub fn key(&self, key: &str) -> Self {
        self.and(Step::Key(key.to_owned()))
    }

    /// The entry of a list at its end.
    pub fn index(&self, index: usize) -> Self {
        self.and(Step::Index(index))
    }

    /// The way that goes on from its end.
    pub fn join(&self, rest: &Self) -> Self {
        let mut path = self.clone();
        path.0.extend(rest.0.iter().cloned());
        path
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn and(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }
}

/// The key that a text begins with, and what follows it.
fn key(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut quoted = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = quoted.next()?.ok()?;
        return Some((key, &text[quoted.byte_offset()..]));
    }
    let end = text.find(['.', '[', ']', '`', '"'])?;
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if number > 0 {
                        f.write_str(".")?;
                    }
                    if key.is_empty() || key.contains(['.', '[', ']', '`', '"']) {
                        write!(f, "{key:?}")?;
                    } else {
                        f.write_str(key)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_way_that_words_begin_with_is_found() {
        let root = KeyPath::default();
        let leading = |words: &str| KeyPath::leading(words);
        assert_eq!(
            leading("`points[3].addres`: unknown field `addres`"),
            Some(root.key("points").index(3).key("addres"))
        );
        assert_eq!(leading("`unit`: 300"), Some(root.key("unit")));
        assert_eq!(
            leading("`a[0][12]` is empty"),
            Some(root.key("a").index(0).index(12))
        );
        assert_eq!(
            leading("`groups.\"a.b\\\"`\".period`: x"),
            Some(root.key("groups").key("a.b\"`").key("period"))
        );
        assert_eq!(leading("`温度`: x"), Some(root.key("温度")));
        for none in [
            "",
            "`",
            "``",
            "unit: 300",
            "`unit",
            "`a[x]`",
            "`a..b`",
            "`a b",
            "`\"a`",
            "`a]`",
        ] {
            assert_eq!(leading(none), None, "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(steps in proptest::collection::vec(("[a-c.`\\[\\]\"é]{0,4}", 0_usize..20), 1..5)) {
            let mut path = KeyPath::default();
            for (key, index) in &steps {
                path = path.key(key).index(*index);
            }
            assert_eq!(KeyPath::leading(&format!("`{path}`: words")), Some(path));
        }

        #[test]
        fn no_words_upset_the_reader(words in "`[a-c.`\\[\\]\"\\\\é0-9]{0,20}") {
            let _ = KeyPath::leading(&words);
        }
    }
}
