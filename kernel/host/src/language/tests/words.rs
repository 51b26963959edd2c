//! What is said in English in the sources, and what of it is known in Chinese.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Literal, literals};
use crate::language::said::{Part, translate};
use crate::language::{Language, SAID, Text, speaking};

/// Where sentences come from that people read on the command line.
const SOURCES: [&str; 13] = [
    "kernel/host/src",
    "kernel/core/src",
    "kernel/guomi/src/capability.rs",
    "kernel/guomi/src/error.rs",
    "kernel/guomi/src/grant.rs",
    "kernel/guomi/src/guest",
    "kernel/guomi/src/keys",
    "kernel/guomi/src/session.rs",
    "kernel/guomi/src/signed",
    "kernel/guomi/src/worker.rs",
    "kernel/hal/src",
    "kernel/link/src",
    "kernel/store/src",
];

/// What stays English, each with its reason in a comment above.
const UNTRANSLATED: &str = include_str!("../untranslated.txt");

/// Sentences of others: clap, the standard library, serde, wasmtime. Their sources are not here.
const OF_OTHERS: [&str; 13] = [
    "(os error",
    "missing field",
    "unknown field",
    "unknown variant",
    "invalid type",
    "one of §",
    "stream did not contain",
    "panicked at",
    "config: §",
    "out of bounds memory access",
    "integer divide by zero",
    "integer overflow",
    "call stack exhausted",
];

/// Put together from pieces that are too short to be told apart.
const COMPOSED: [&str; 11] = [
    "§ has 1 fault",
    "§ is not a whole number",
    "§ is not a size like \"16 MiB\"",
    "§ is not a span of time like \"250ms\"",
    "a string",
    "an array",
    "a datetime",
    "§ × an unnamed model, §",
    "§: an unnamed system",
    "§: device tree §",
    "§, lines §: device tree §",
];

/// What guesses of the board files rest on.
fn guesses() -> BTreeSet<String> {
    fn collect(value: &toml::Value, all: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                let reason = table.get("unverified").and_then(toml::Value::as_str);
                all.extend(reason.map(str::to_owned));
                table.values().for_each(|value| collect(value, all));
            }
            toml::Value::Array(values) => values.iter().for_each(|value| collect(value, all)),
            _ => {}
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards");
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        collect(&toml::Value::Table(text.parse().unwrap()), &mut all);
    }
    assert!(all.len() > 10, "{all:?}");
    all
}

fn untranslated() -> BTreeSet<&'static str> {
    let lines = UNTRANSLATED.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn what_is_said_in_english_is_known_in_chinese_or_listed_with_a_reason() {
    let listed = untranslated();
    let mut seen = BTreeSet::new();
    let mut forgotten = Vec::new();
    for source in SOURCES {
        for Literal { file, line, text } in
            literals(source).into_iter().filter(Literal::is_sentence)
        {
            let words = text.trim().replace('\n', "\\n");
            if listed.contains(words.as_str()) {
                seen.insert(words);
                continue;
            }
            match translate(text.trim(), Language::Chinese) {
                Some(chinese) if !half_english(&chinese) => {}
                Some(chinese) => forgotten.push(format!("{file}:{line}: {words} → {chinese}")),
                None => forgotten.push(format!("{file}:{line}: {words}")),
            }
        }
    }
    assert!(
        forgotten.is_empty(),
        "put these into texts/en (and zh) and call them with `say::…`, into texts/*/said where they \
         come from elsewhere, or into untranslated.txt:\n{}",
        forgotten.join("\n")
    );
    let stale: Vec<_> = listed
        .iter()
        .filter(|words| !seen.contains(**words))
        .collect();
    assert!(stale.is_empty(), "nobody says any more: {stale:#?}");
}

/// Whether words are left that a place has swallowed, beside what stands between grave accents.
fn half_english(chinese: &str) -> bool {
    let first = chinese.lines().next().unwrap_or_default();
    let rest: String = first.split('`').step_by(2).collect();
    let rest = Literal {
        file: String::new(),
        line: 0,
        text: rest,
    };
    rest.is_sentence()
}

#[test]
fn every_sentence_that_is_recognised_is_said_somewhere() {
    let all: Vec<Literal> = SOURCES.iter().flat_map(|source| literals(source)).collect();
    let guesses = guesses();
    let mut idle = Vec::new();
    for known in SAID {
        let words: String = known
            .parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => words,
                Part::Place(_) => "§",
            })
            .collect();
        let of_others = known.key.starts_with("said-clap-")
            || OF_OTHERS.iter().any(|other| words.contains(other));
        let of_others = of_others || COMPOSED.contains(&words.as_str());
        let of_boards = known.key.starts_with("said-board-guess-")
            && guesses.iter().any(|guess| matches(known.parts, guess));
        if !of_others && !of_boards && !all.iter().any(|literal| says(&literal.text, &words)) {
            idle.push(words);
        }
    }
    assert!(idle.is_empty(), "said by nobody: {idle:#?}");
}

/// Whether a text is this sentence.
fn matches(parts: &[Part], text: &str) -> bool {
    let words = parts.iter().filter_map(|part| match part {
        Part::Words(words) => Some(*words),
        Part::Place(_) => None,
    });
    let mut rest = text;
    words.into_iter().all(|words| match rest.split_once(words) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn what_a_guess_of_a_board_file_rests_on_is_known_in_chinese() {
    for guess in guesses() {
        let told = translate(&format!("unverified: {guess}"), Language::Chinese).unwrap();
        assert!(told.starts_with("未经证实："), "{told}");
        // Paths, names of drivers and parts remain.
        assert!(!half_english(&told), "{guess}: {told}");
    }
}

#[test]
fn what_is_not_known_of_a_machine_is_said_in_chinese() {
    for (said, told) in [
        (
            "an unnamed system, Linux of an unknown version, pages of unknown size",
            "系统不详，Linux 版本不详，页大小 不详",
        ),
        (
            "Kylin Desktop: an unnamed system, Linux 5.4.18, pages of 4 kB",
            "Kylin Desktop：名称不详，Linux 5.4.18，页大小 4 kB",
        ),
        ("1 × an unnamed model, x86_64", "1 × 型号不详，x86_64"),
        (
            "/dev/ttyAMA0: device tree /soc/serial@7e201000",
            "/dev/ttyAMA0：设备树 /soc/serial@7e201000",
        ),
        (
            "/dev/gpiochip0, lines 0…15: device tree /soc/gpio@28034000",
            "/dev/gpiochip0，引脚 0…15：设备树 /soc/gpio@28034000",
        ),
        ("unknown", "不详"),
    ] {
        assert_eq!(translate(said, Language::Chinese).as_deref(), Some(told));
    }
}

/// Whether a text of the sources says these words, or the half of them, or has them behind a colon.
fn says(text: &str, words: &str) -> bool {
    let text = text.trim_end();
    let behind = text.match_indices(": ").map(|(at, _)| &text[at + 2..]);
    let line = text.split('\n').next().unwrap_or_default();
    let part = text.len() >= 8 && words.contains(text) && text.len() * 5 >= words.len() * 2;
    part || [text, line]
        .into_iter()
        .chain(behind)
        .any(|text| may_say(text, words))
}

/// Whether a text of the sources can become these words: its places take anything, also nothing. Half
/// of the words must be its own, or texts that are nearly all places would say anything.
fn may_say(text: &str, words: &str) -> bool {
    let text = text.trim();
    let mut pieces = text.split('§');
    let own: usize = text.split('§').map(str::len).sum();
    let of_words: usize = words.split('§').map(str::len).sum();
    let Some(mut rest) = words.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        let found = match last {
            true => rest.ends_with(piece).then_some(rest.len()),
            false => rest.find(piece).map(|at| at + piece.len()),
        };
        let Some(end) = found else { return false };
        rest = &rest[end..];
    }
    rest.is_empty() && own * 2 >= of_words
}

#[test]
fn errors_are_translated_with_the_errors_within_them_and_names_never() {
    for (english, chinese) in [
        (
            "cannot use a.sock: Permission denied (os error 13)",
            "无法使用 a.sock：没有权限（os error 13）",
        ),
        (
            "there is no device `memory`; did you mean `system`?",
            "没有设备 `memory`；是不是 `system`？",
        ),
        ("device `soil` has no `plugin`", "设备 `soil` 没有 `plugin`"),
        (
            "`a.wasm` imports `weihe:plugin/bus@0.3.0`, and this host has `weihe:plugin/bus@0.1.0`: it was \
             built for a newer host; update the host, or build the plugin with the SDK of Weihe 0.1.0",
            "`a.wasm` 导入了 `weihe:plugin/bus@0.3.0`，而本主机的是 `weihe:plugin/bus@0.1.0`：它是为更新的主机\
             编译的；请升级主机，或用微核 0.1.0 的 SDK 编译插件",
        ),
        (
            "device `soil` goes on with the version before: the new version trapped in its start: panicked at src/lib.rs:3:1",
            "设备 `soil` 继续用之前的版本：新版本在启动时崩溃：在 src/lib.rs:3:1 panic",
        ),
        (
            "rule does not compile\nerror[E0308]: mismatched types",
            "rule 编译不过\nerror[E0308]: mismatched types",
        ),
    ] {
        assert_eq!(
            translate(english, Language::Chinese).as_deref(),
            Some(chinese)
        );
    }
    let faults = "weihe.toml is not taken, and what runs stays as it is: 1 fault\n  \
                  weihe.toml:3:10: `name` is missing\n    did you mean `nam`?\n  \
                  weihe.toml:12:9: device `soil` has no `plugin`";
    assert_eq!(
        translate(faults, Language::Chinese).as_deref(),
        Some(
            "没有采用 weihe.toml，正在运行的保持不变：1 个错误\n  weihe.toml:3:10: 缺少 `name`\n    \
             是不是 `nam`？\n  weihe.toml:12:9: 设备 `soil` 没有 `plugin`"
        )
    );
    // What nobody knows stays as it is.
    let foreign = Text::told("the pump says E42");
    speaking(Language::Chinese, || {
        assert_eq!(foreign.to_string(), "the pump says E42")
    });
    assert_eq!(Text::told("unknown key").english(), "unknown key");
}

#[test]
fn a_long_text_of_many_repetitions_is_given_up_in_no_time() {
    let text = "device `a`: ".repeat(300);
    let _ = translate(&text, Language::Chinese);
    let _ = translate(&"; ".repeat(2_000), Language::Chinese);
}
