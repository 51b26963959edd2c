//! A trie of filters: finds all that match a topic without looking at each.

use std::collections::HashMap;
use std::sync::Arc;

use super::filter::Filter;

/// Values by filter.
#[derive(Debug)]
pub struct Trie<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    children: HashMap<Arc<str>, Node<T>>,
    /// Filters that end here.
    exact: Vec<T>,
    /// Filters that end here with `/#` (at the root: `#`).
    rest: Vec<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            children: HashMap::new(),
            exact: Vec::new(),
            rest: Vec::new(),
        }
    }
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Self {
            root: Node::default(),
        }
    }
}

impl<T> Trie<T> {
    /// Adds a value under a filter; a filter may hold many.
    pub fn insert(&mut self, filter: &Filter, value: T) {
        let mut node = &mut self.root;
        for level in filter.levels() {
            if level == "#" {
                node.rest.push(value);
                return;
            }
            node = node.children.entry(level.into()).or_default();
        }
        node.exact.push(value);
    }

    /// Removes the values under a filter for which `is` holds, and branches that became empty.
    pub fn remove(&mut self, filter: &Filter, is: impl Fn(&T) -> bool) {
        let levels: Vec<&str> = filter.levels().collect();
        Self::remove_below(&mut self.root, &levels, &is);
    }

    fn remove_below(node: &mut Node<T>, levels: &[&str], is: &impl Fn(&T) -> bool) {
        match levels {
            [] => node.exact.retain(|value| !is(value)),
            ["#"] => node.rest.retain(|value| !is(value)),
            [level, below @ ..] => {
                if let Some(child) = node.children.get_mut(*level) {
                    Self::remove_below(child, below, is);
                    if child.is_empty() {
                        node.children.remove(*level);
                    }
                }
            }
        }
    }

    /// Calls `found` with each value whose filter matches the topic.
    pub fn matching<'a>(&'a self, topic: &str, mut found: impl FnMut(&'a T)) {
        let levels: Vec<&str> = topic.split('/').collect();
        let system = topic.starts_with('$');
        Self::match_below(&self.root, &levels, system, &mut found);
    }

    fn match_below<'a>(
        node: &'a Node<T>,
        levels: &[&str],
        no_wildcard: bool,
        found: &mut impl FnMut(&'a T),
    ) {
        if !no_wildcard {
            node.rest.iter().for_each(&mut *found);
        }
        let [level, below @ ..] = levels else {
            node.exact.iter().for_each(&mut *found);
            return;
        };
        if let Some(child) = node.children.get(*level) {
            Self::match_below(child, below, false, found);
        }
        if !no_wildcard && let Some(child) = node.children.get("+") {
            Self::match_below(child, below, false, found);
        }
    }

    /// Whether no filter is left.
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.exact.is_empty() && self.rest.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(choices: Vec<&'static str>) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(choices), 1..5)
            .prop_map(|levels| levels.join("/"))
            .prop_filter("empty", |text| !text.is_empty())
    }

    proptest! {
        #[test]
        fn the_trie_finds_what_each_filter_alone_would_match(
            filters in prop::collection::vec((levels(vec!["a", "b", "+", "$s", ""]), any::<bool>()), 0..12),
            topic in levels(vec!["a", "b", "c", "$s", ""]),
        ) {
            let mut trie = Trie::default();
            let filters: Vec<Filter> = filters
                .into_iter()
                .filter_map(|(text, tail)| if tail { format!("{text}/#") } else { text }.parse().ok())
                .collect();
            for (index, filter) in filters.iter().enumerate() {
                trie.insert(filter, index);
            }
            let mut found = Vec::new();
            trie.matching(&topic, |index| found.push(*index));
            found.sort_unstable();
            let expected: Vec<usize> = (0..filters.len()).filter(|i| filters[*i].matches(&topic)).collect();
            prop_assert_eq!(found, expected);
            for (index, filter) in filters.iter().enumerate() {
                trie.remove(filter, |i| *i == index);
            }
            prop_assert!(trie.is_empty());
        }
    }

    #[test]
    fn a_bare_hash_matches_everything_but_system_topics() {
        let mut trie = Trie::default();
        trie.insert(&"#".parse().unwrap(), ());
        for (topic, expected) in [("a", 1), ("a/b", 1), ("$link/x", 0)] {
            let mut count = 0;
            trie.matching(topic, |()| count += 1);
            assert_eq!(count, expected, "{topic}");
        }
    }
}
