use clap::CommandFactory as _;

use super::*;
use crate::command::Weihe;

/// A greenhouse.
struct Greenhouse;

fn pairs(words: &[&str]) -> Vec<(String, String)> {
    let words = words.iter();
    words
        .map(|&word| (word.to_owned(), String::new()))
        .collect()
}

impl Live for Greenhouse {
    fn parts(&self) -> Vec<(String, String)> {
        vec![("gpio/A3".into(), "button".into())]
    }

    fn devices(&self) -> Vec<(String, String)> {
        pairs(&["soil", "slave", "watering"])
    }

    fn plugins(&self) -> Vec<(String, String)> {
        pairs(&["modbus"])
    }

    fn topics(&self) -> Vec<(String, String)> {
        pairs(&["greenhouse/moisture", "greenhouse/tank"])
    }

    fn commands(&self, device: &str) -> Vec<(String, String)> {
        pairs(if device == "soil" {
            &["read", "write"]
        } else {
            &[]
        })
    }

    fn arguments(&self, device: &str, command: &str) -> Vec<(String, String)> {
        pairs(match (device, command) {
            ("soil", "write") => &["point=", "value="],
            _ => &[],
        })
    }
}

fn typed(line: &str) -> Answer {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    complete(&mut Weihe::command(), &words, |_| Greenhouse)
}

fn words(line: &str) -> Vec<String> {
    typed(line)
        .words
        .into_iter()
        .map(|(word, _)| word)
        .collect()
}

#[test]
fn commands_and_options_are_those_of_the_command_line() {
    let all = words("");
    for command in ["run", "build", "completions", "schema"] {
        assert!(all.iter().any(|word| word == command), "{all:?}");
    }
    assert!(
        !all.iter().any(|word| word.starts_with("complete-words")),
        "hidden ones stay hidden: {all:?}"
    );
    assert_eq!(words("ch"), ["check"]);
    assert!(words("build --o").contains(&"--output".to_owned()));
    assert!(words("check --j").contains(&"--json".to_owned()));
    assert_eq!(words("new oven --template r"), ["rule"]);
    assert_eq!(words("new oven --template=co"), ["--template=codec"]);
    assert_eq!(words("completions z"), ["zsh"]);
}

#[test]
fn what_a_system_has_is_asked_where_it_may_stand() {
    assert_eq!(words("call s"), ["soil", "slave"]);
    assert_eq!(words("call soil "), ["read", "write"]);
    assert_eq!(words("--json call soil wr"), ["write"]);
    assert_eq!(words("call soil write "), ["point=", "value="]);
    assert_eq!(words("call soil write point=valve v"), ["value="]);
    assert_eq!(words("get greenhouse/t"), ["greenhouse/tank"]);
    assert_eq!(words("rollback m"), ["modbus"]);
    assert_eq!(words("logs --device wat"), ["watering"]);
    assert_eq!(words("logs -d wat"), ["watering"]);
}

#[test]
fn paths_are_left_to_the_shell() {
    assert_eq!(typed("check ").paths, Paths::Folders);
    assert_eq!(typed("inspect plu").paths, Paths::Files);
    assert_eq!(typed("-C ").paths, Paths::Folders);
    assert_eq!(typed("build -o ").paths, Paths::Files);
    assert_eq!(typed("check ").to_string(), ":folders\n");
}

#[test]
fn the_system_that_is_named_is_the_one_that_is_asked() {
    for line in ["-C /srv/a call ", "call -C/srv/a ", "call --dir=/srv/a "] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let mut asked = None;
        complete(&mut Weihe::command(), &words, |typed| {
            asked.clone_from(&typed.directory);
            Greenhouse
        });
        assert_eq!(asked, Some(PathBuf::from("/srv/a")), "{line}");
    }
}

#[test]
fn nothing_of_a_plugin_reaches_the_shell_but_its_words() {
    let answer = Answer {
        words: vec![("a\nb\u{1b}[31m".to_owned(), "one\ttwo\nthree".to_owned())],
        paths: Paths::None,
    };
    assert_eq!(answer.to_string(), "a b [31m\tone two three\n");
}

#[test]
fn odd_words_complete_to_nothing() {
    for line in [
        "nonsense x",
        "call soil write --",
        "-",
        "--=",
        "-Z x",
        "call -- ",
    ] {
        let _ = typed(line);
    }
    assert_eq!(words("nonsense x"), [""; 0]);
}
