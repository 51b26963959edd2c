//! What a page shows, against what is really printed: equal, but for what differs on every machine.

/// A line that stands for any number of others.
pub const OMITTED: &str = "...";

/// Units of spans of time and of sizes.
const SPANS: [&str; 6] = ["ns", "µs", "us", "ms", "s", "min"];
const SIZES: [&str; 4] = ["B", "KiB", "MiB", "GiB"];

/// A line without what nobody can foresee: spans, sizes, times of day, dates, process ids, hashes, and
/// how many spaces stand in a column.
pub fn essence(line: &str) -> String {
    let words: Vec<String> = line.split_whitespace().map(essential).collect();
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        let bare = word.trim_matches(['(', ')', ',', ';', '.']);
        let number = kept
            .last()
            .is_some_and(|last| is_number(last.trim_start_matches('(')));
        let after_process = kept.last().is_some_and(|last| last == "process");
        if number && (SPANS.contains(&bare) || SIZES.contains(&bare)) {
            let unit = if SPANS.contains(&bare) {
                "<span>"
            } else {
                "<size>"
            };
            let last = kept.pop().unwrap_or_default();
            let open = if last.starts_with('(') { "(" } else { "" };
            kept.push(format!("{open}{}", word.replace(bare, unit)));
        } else if after_process {
            kept.push("<process>".to_owned());
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

fn is_number(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter == '.')
}

/// A word whose number is followed at once by its unit, a time of day, a date, or a hash.
fn essential(word: &str) -> String {
    let bare = word.trim_matches(['(', ')', ',', ';', '.']);
    let end = bare.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    if let Some((number, unit)) = end.map(|end| bare.split_at(end))
        && !number.is_empty()
        && SPANS.contains(&unit)
    {
        return word.replace(bare, "<span>");
    }
    let digits = |text: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_digit() || ".:-TZ".contains(letter))
    };
    let clock = bare.matches(':').count() == 2 && digits(bare);
    let date = bare.matches('-').count() == 2 && bare.len() == 10 && digits(bare);
    if clock || date {
        return word.replace(bare, "<time>");
    }
    word.to_owned()
}

/// Whether the lines are those that are shown, [`OMITTED`] aside.
pub fn equal(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&OMITTED, rest)), _) => {
            (0..=printed.len()).any(|skipped| equal(rest, &printed[skipped..]))
        }
        (Some((one, shown)), Some((other, printed))) => {
            essence(one) == essence(other) && equal(shown, printed)
        }
        _ => false,
    }
}

/// Where in the lines those that are shown end, when they come in this order, perhaps among others.
pub fn after(shown: &[&str], printed: &[&str]) -> Option<usize> {
    let mut lines = printed.iter().enumerate();
    let mut end = 0;
    for wanted in shown.iter().filter(|line| **line != OMITTED) {
        let wanted = essence(wanted);
        end = lines.find(|(_, line)| essence(line) == wanted)?.0 + 1;
    }
    Some(end)
}

#[test]
fn what_differs_on_every_machine_is_left_out_and_nothing_else() {
    assert_eq!(
        essence("probe:  swapped (2.1 s after the save)"),
        essence("probe: swapped (340 ms after the save)")
    );
    assert_eq!(essence("up 147µs, 6.7 KiB"), essence("up 3s, 100.0 MiB"));
    assert_ne!(essence("21.5"), essence("21.6"));
    assert_ne!(essence("2 devices"), essence("3 devices"));
    assert!(equal(&["a", OMITTED, "c"], &["a", "b", "b", "c"]));
    assert!(!equal(&["a"], &["a", "b"]));
    assert_eq!(after(&["b", "d"], &["a", "b", "c", "d", "e"]), Some(4));
    assert_eq!(after(&["d", "b"], &["a", "b", "c", "d"]), None);
}
