//! Words as they stand before a cursor: what is offered goes on from the last one, in lines that a shell can read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe::command::offered;

fuzz_target!(|input: (Vec<String>, Vec<String>)| {
    let (words, names) = input;
    let last = words.last().cloned().unwrap_or_default();
    let said = offered(&words, &names);
    for line in said.lines() {
        if line == ":files" || line == ":folders" {
            continue;
        }
        let (word, _) = line.split_once('\t').expect("a word and its meaning");
        // A name may hold what a terminal must not see; that has become blanks.
        let is_plain = last.chars().all(|c| c.is_ascii_graphic());
        assert!(
            !is_plain || word.starts_with(&last),
            "{word:?} for {last:?}"
        );
        assert!(!word.chars().any(char::is_control), "{word:?}");
    }
});
