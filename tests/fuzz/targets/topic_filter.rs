//! Topics and filters: what is accepted keeps its text, and the trie finds exactly the filters that match.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_kernel::bus::{Filter, Trie, check_topic};

fuzz_target!(|input: (String, Vec<String>)| {
    let (topic, texts) = input;
    let mut trie = Trie::default();
    let mut filters = Vec::new();
    for text in &texts {
        let Ok(filter) = text.parse::<Filter>() else {
            continue;
        };
        assert_eq!(filter.as_str(), text);
        assert!(filter.covers(&filter));
        trie.insert(&filter, filters.len());
        filters.push(filter);
    }
    if check_topic(&topic).is_err() {
        return;
    }
    let mut found = Vec::new();
    trie.matching(&topic, |index| found.push(*index));
    found.sort_unstable();
    let matching: Vec<_> = (0..filters.len())
        .filter(|index| filters[*index].matches(&topic))
        .collect();
    assert_eq!(found, matching);
});
