#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn what_holds_until_the_end_is_named_when_it_changes() {
    let read = |text: &str| {
        let config = Config::of(Path::new("/s"), Some(text), &[]).unwrap();
        config.host
    };
    let before = read("[host]\nmemory = \"64 MiB\"\n");
    assert_eq!(later(&before, &before), [""; 0]);
    let after = read("[host]\nname = \"other\"\nmemory = \"128 MiB\"\n[host.audit]\nkeep = 3\n");
    let notes = later(&before, &after);
    assert_eq!(notes.len(), 3, "{notes:?}");
    for (note, key) in notes.iter().zip(["`name`", "`memory`", "`audit`"]) {
        assert!(note.starts_with(key), "{note}");
    }
}
