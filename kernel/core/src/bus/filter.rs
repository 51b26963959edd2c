//! Topics and filters: levels separated by `/`, wildcards as in MQTT 5.0, section 4.7.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest topic or filter, in bytes. MQTT allows 65,535; names that long only waste memory.
pub const MAX_TOPIC_LEN: usize = 1024;

/// The most levels a topic or filter has. Bounds the depth of the trie.
pub const MAX_LEVELS: usize = 32;

/// Why a topic or filter is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It is empty.
    #[error("a topic must not be empty")]
    Empty,
    /// It is longer than [`MAX_TOPIC_LEN`].
    #[error("topic `{0}…` is longer than {MAX_TOPIC_LEN} bytes")]
    TooLong(String),
    /// It has more than [`MAX_LEVELS`] levels.
    #[error("topic `{0}` has more than {MAX_LEVELS} levels")]
    TooDeep(String),
    /// It holds a control character.
    #[error("topic `{0}` holds a control character")]
    Control(String),
    /// A wildcard in a topic to publish on.
    #[error("topic `{0}` holds a wildcard; `+` and `#` belong in filters only")]
    Wildcard(String),
    /// A wildcard that shares its level with other characters, or `#` before the last level.
    #[error("filter `{0}`: `+` must stand alone in its level, and `#` alone in the last one")]
    MisplacedWildcard(String),
}

/// Checks a topic to publish on.
pub fn check_topic(topic: &str) -> Result<(), TopicError> {
    check_common(topic)?;
    if topic.contains(['+', '#']) {
        return Err(TopicError::Wildcard(topic.to_owned()));
    }
    Ok(())
}

fn check_common(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_TOPIC_LEN {
        return Err(TopicError::TooLong(text.chars().take(40).collect()));
    }
    if text.chars().any(char::is_control) {
        return Err(TopicError::Control(text.escape_debug().to_string()));
    }
    if text.split('/').count() > MAX_LEVELS {
        return Err(TopicError::TooDeep(text.to_owned()));
    }
    Ok(())
}

/// A valid topic filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter(Arc<str>);

impl Filter {
    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its levels, in order.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether a topic matches. A wildcard in the first level does not match topics that start with
    /// `$` (MQTT 5.0, 4.7.2), and `a/#` matches `a` itself (4.7.1.2).
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for pattern in self.levels() {
            match (pattern, levels.next()) {
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (pattern, Some(level)) if pattern == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// Whether every topic that `other` can match is matched by this filter too.
    pub fn covers(&self, other: &Self) -> bool {
        if other.0.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut others = other.levels();
        for pattern in self.levels() {
            match (pattern, others.next()) {
                ("#", _) => return true,
                ("+", Some(level)) if level != "#" => {}
                (pattern, Some(level)) if pattern == level => {}
                _ => return false,
            }
        }
        // `a` does not cover `a/#`, whose `#` also matches what lies below.
        others.next().is_none()
    }
}

impl FromStr for Filter {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        check_common(text)?;
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            let last = levels.peek().is_none();
            let wrong = match level {
                "+" => false,
                "#" => !last,
                level => level.contains(['+', '#']),
            };
            if wrong {
                return Err(TopicError::MisplacedWildcard(text.to_owned()));
            }
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    #[test]
    fn wildcards_match_as_in_mqtt() {
        assert!(filter("a/+/c").matches("a/b/c"));
        assert!(!filter("a/+/c").matches("a/b/d/c"));
        assert!(filter("a/#").matches("a"));
        assert!(filter("a/#").matches("a/b/c"));
        assert!(filter("#").matches("a/b"));
        assert!(!filter("#").matches("$link/field"));
        assert!(filter("$link/#").matches("$link/field"));
        assert!(!filter("+/field").matches("$link/field"));
        assert!(!filter("a").matches("a/b"));
    }

    #[test]
    fn wrong_filters_say_why() {
        assert_eq!("".parse::<Filter>(), Err(TopicError::Empty));
        assert!(matches!(
            "a/#/b".parse::<Filter>(),
            Err(TopicError::MisplacedWildcard(_))
        ));
        assert!(matches!(
            "a+/b".parse::<Filter>(),
            Err(TopicError::MisplacedWildcard(_))
        ));
        assert!(matches!(check_topic("a/+"), Err(TopicError::Wildcard(_))));
        assert!(matches!(check_topic("a\u{0}"), Err(TopicError::Control(_))));
    }

    fn level() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "$s", "+", ""])
    }

    fn any_filter() -> impl Strategy<Value = Filter> {
        (prop::collection::vec(level(), 1..4), any::<bool>()).prop_filter_map(
            "empty",
            |(mut levels, tail)| {
                if tail {
                    levels.push("#");
                }
                levels.join("/").parse().ok()
            },
        )
    }

    fn any_topic() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "$s", "c", ""]), 1..5)
            .prop_map(|levels| levels.join("/"))
            .prop_filter("empty", |topic| !topic.is_empty())
    }

    proptest! {
        #[test]
        fn what_a_covered_filter_matches_is_matched(a in any_filter(), b in any_filter(), topic in any_topic()) {
            if a.covers(&b) && b.matches(&topic) {
                prop_assert!(a.matches(&topic), "{a} covers {b} but does not match {topic}");
            }
        }

        #[test]
        fn parsing_never_panics(text in ".{0,60}") {
            let _ = text.parse::<Filter>();
            let _ = check_topic(&text);
        }
    }
}
