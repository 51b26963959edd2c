//! The reference of the interfaces is what their comments say.

use weihe_tests::{book_sources, reference, setting};

/// Set to write the pages anew.
const RENEW: &str = "WEIHE_TESTS_RENEW";

#[test]
fn the_reference_says_what_the_comments_of_the_interfaces_say() {
    let folder = book_sources("en").join("src/reference");
    for (name, text) in reference() {
        let file = folder.join(&name);
        if setting(RENEW, 0) == 1 {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            there == text,
            "docs/book/en/src/reference/{name} is not what wit/ says; \
             `{RENEW}=1 cargo test -p weihe-tests --test system book::reference` writes it anew"
        );
    }
}
