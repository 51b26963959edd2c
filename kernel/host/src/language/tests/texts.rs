//! The texts themselves, in both languages.

use std::collections::BTreeSet;

use clap::{Arg, Command};
use fluent_bundle::{FluentArgs, FluentResource};

use crate::command::command;
use crate::language::{EN, EN_SAID, Language, ZH, ZH_SAID, bundle, help, speaking};
use crate::output::Style;

/// Keys and texts of the files of a language.
fn all(sources: &[&str]) -> Vec<(String, String)> {
    let lines = sources.iter().flat_map(|source| source.lines());
    let entries = lines.filter_map(|line| line.split_once(" ="));
    let entries = entries.filter(|(key, _)| {
        key.starts_with(|c: char| c.is_ascii_lowercase()) && !key.contains([' ', '#'])
    });
    entries
        .map(|(key, text)| (key.to_owned(), text.trim().to_owned()))
        .collect()
}

fn chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn every_file_is_fluent_and_every_text_can_be_said() {
    for (language, sources) in [
        (Language::English, EN),
        (Language::Chinese, ZH),
        (Language::Chinese, ZH_SAID),
    ] {
        for source in sources.iter().chain(EN_SAID) {
            let read = FluentResource::try_new((*source).to_owned());
            assert!(
                read.is_ok(),
                "{:?} in\n{source}",
                read.err().map(|(_, why)| why)
            );
        }
        for (key, text) in all(sources) {
            let mut arguments = FluentArgs::new();
            for place in text.split("{ $").skip(1) {
                arguments.set(place.split(' ').next().unwrap().to_owned(), "X");
            }
            // Panics where a place is missing.
            let said = bundle::format(language, &key, &arguments).unwrap();
            assert!(
                !said.contains(['\u{2068}', '\u{2069}']),
                "{key}: marks in {said:?}"
            );
        }
    }
}

#[test]
fn chinese_texts_are_chinese_with_chinese_punctuation() {
    for (key, text) in all(ZH).into_iter().chain(all(ZH_SAID)) {
        // A text in further lines begins on the next.
        let told = text.is_empty() || !text.is_ascii();
        assert!(told, "{key} is not translated: {text}");
        let chars: Vec<char> = text.chars().collect();
        for two in chars.windows(2) {
            let western = chinese(&two[0].to_string()) && ",;:?!".contains(two[1]);
            assert!(!western, "{key} has western punctuation: {text}");
        }
    }
}

/// Every command with its path of keys.
fn commands(command: Command, path: &str, all: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        commands(sub.clone(), &format!("{path}-{}", sub.get_name()), all);
    }
    all.push((path.to_owned(), command));
}

#[test]
fn the_help_of_every_command_and_argument_is_translated_and_nothing_else() {
    let mut known: BTreeSet<String> = all(ZH).into_iter().map(|(key, _)| key).collect();
    known.retain(|key| key.starts_with("help"));
    let mut used: BTreeSet<String> = known
        .iter()
        .filter(|key| key.starts_with("help-frame-"))
        .cloned()
        .collect();
    let mut tree = Vec::new();
    commands(command(), "help", &mut tree);
    let mut missing = Vec::new();
    for (path, command) in tree {
        let arguments = command
            .get_arguments()
            .filter(|arg: &&Arg| !arg.is_hide_set());
        let mut needed = vec![path.clone()];
        for argument in arguments {
            let key = format!("{path}--{}", argument.get_id());
            let values = argument.get_possible_values();
            let described = values.iter().filter(|value| {
                value.get_help().is_some() && !argument.is_hide_possible_values_set()
            });
            needed.extend(described.map(|value| format!("{key}--{}", value.get_name())));
            needed.push(key);
        }
        let long = command.get_long_about().is_some();
        needed.extend(long.then(|| format!("{path}-long")));
        // What stands behind more than examples.
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let prose = !after.is_empty() && !after.starts_with("Example");
        needed.extend(prose.then(|| format!("{path}-after")));
        missing.extend(needed.iter().filter(|key| !known.contains(*key)).cloned());
        used.extend(needed);
        used.insert(format!("{path}-after"));
    }
    assert!(missing.is_empty(), "texts/zh/help.ftl lacks {missing:#?}");
    let idle: Vec<_> = known.difference(&used).collect();
    assert!(idle.is_empty(), "nothing uses {idle:#?}");
}

#[test]
fn no_help_in_chinese_has_an_english_sentence_left() {
    speaking(Language::Chinese, || {
        let mut tree = Vec::new();
        commands(help::translate(command()), "help", &mut tree);
        for (path, mut command) in tree {
            for text in [command.render_help(), command.render_long_help()] {
                let text = help::frame(&text.to_string());
                // Examples and usage are what is typed.
                let told = text.lines().filter(|line| {
                    let typed = ["| weihe ", "<(weihe "]
                        .iter()
                        .any(|shell| line.contains(shell))
                        || line.trim_start().starts_with("weihe ");
                    !typed && !line.starts_with("用法")
                });
                // So is what stands between grave accents.
                let told = told.map(|line| line.split('`').step_by(2).collect::<String>());
                for line in told {
                    let words = line.split(|c: char| !c.is_ascii_alphabetic() && c != ' ');
                    let sentence = words.map(|words| {
                        let words = words.split(' ').filter(|word| word.len() > 1);
                        words
                            .filter(|word| !word.chars().any(char::is_uppercase))
                            .count()
                    });
                    assert!(sentence.max().unwrap_or(0) < 3, "{path}: {line}");
                }
            }
        }
    });
}

#[test]
fn wrong_calls_are_explained_in_chinese() {
    speaking(Language::Chinese, || {
        let refused = |words: &[&str]| {
            let words = ["weihe"].iter().chain(words);
            let error = help::translate(command())
                .try_get_matches_from(words)
                .unwrap_err();
            help::refusal(&error.render().to_string(), Style::PLAIN)
        };
        for (words, told) in [
            (
                &["pss"] as &[&str],
                "错误：没有命令“pss”\n\n  提示：有一个相近的命令：“ps”",
            ),
            (
                &["ps", "--histori"],
                "错误：没有参数“--histori”\n\n  提示：有一个相近的参数：“--history”",
            ),
            (
                &["call"],
                "错误：缺少必需的参数：\n  <DEVICE>\n\n用法：weihe call",
            ),
            (&["get"], "错误：缺少必需的参数："),
            (
                &["events", "-n", "x"],
                "错误：“--count <N>”的值“x”无效：含有不是数字的字符",
            ),
            (
                &["events", "-n"],
                "错误：“--count <N>”需要一个值，但没有给出",
            ),
            (&["ps", "a", "b"], "错误：没有参数“b”"),
            (
                &["ps", "a", "--history"],
                "错误：参数“[DEVICE]”不能与“--history”同时使用",
            ),
            (
                &["new", "a", "-t", "x"],
                "错误：“--template <TEMPLATE>”的值“x”无效\n  [可选值：driver",
            ),
            (
                &["top", "-i", "1 x"],
                "错误：“--interval <SPAN>”的值“1 x”无效：`1 x` 不是时长",
            ),
            (
                &["--json", "--json", "ps"],
                "错误：参数“--json”不能重复使用",
            ),
        ] {
            let text = refused(words);
            assert!(text.starts_with(told), "{words:?}: {text}");
            assert!(
                text.ends_with("详细说明见 `--help`。\n"),
                "{words:?}: {text}"
            );
        }
    });
}
