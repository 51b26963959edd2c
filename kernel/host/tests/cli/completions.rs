//! What bash, zsh and fish offer, each by the script that it is given. zsh and fish are not on every machine: without
//! them their test says so and ends, but where `CI` is set it fails.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::{run, system, text};

/// Types the line `$1` and a tab into a zsh of its own, since its completion wants a terminal.
const TERMINAL: &str = r#"
zmodload zsh/zpty || exit 1
zpty shell zsh -f -i
zpty -w shell 'source ./setup.zsh'
zpty -w -n shell "$1"$'\t'
while zpty -r shell said; do :; done
true
"#;

/// Has that zsh write down what it offers, and leave.
const SETUP: &str = r#"
PROMPT=
autoload -Uz compinit && compinit -D -u
source ./_weihe
compadd() {
    # With these it answers a function of completion, and offers nothing.
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- $offered >>offered
    builtin compadd "$@"
}
leave() { exit }
comppostfuncs=(leave)
"#;

/// A folder with a system, a folder and a file whose names begin alike.
fn place() -> tempfile::TempDir {
    let directory = system(
        "[device.soil]\nplugin = \"modbus\"\n[device.slave]\nplugin = \"modbus\"\n[plugin.modbus]\n",
    );
    fs::create_dir(directory.path().join("plots")).unwrap();
    fs::write(directory.path().join("plan.toml"), "").unwrap();
    directory
}

/// A shell in a directory, in which `weihe` is the one under test.
fn shell(program: &str, directory: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_weihe"));
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = [binary.parent().unwrap().to_path_buf()]
        .into_iter()
        .chain(std::env::split_paths(&folders));
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("HOME", directory)
        .env_remove("WEIHE_DIR");
    command
}

fn is_missing(program: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{program} is not here");
    // Not by a macro: the harness keeps back what those print in a passing test.
    let _ = writeln!(
        std::io::stderr(),
        "\nSKIPPED completions in {program}, which is not on this machine\n"
    );
    true
}

/// The lines that a shell said, without what they mean, in order.
fn offered(said: &str) -> Vec<String> {
    let lines = said.lines().filter_map(|line| line.split('\t').next());
    let mut words: Vec<String> = lines
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect();
    words.sort();
    words.dedup();
    words
}

fn bash(directory: &Path, line: &str) -> Vec<String> {
    let script = format!(
        "source <(weihe completions bash)\n\
         COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n\
         read -ra COMP_WORDS <<<\"$COMP_LINE\"\n\
         [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')\n\
         COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))\n\
         _weihe weihe\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
    );
    let mut bash = shell("bash", directory);
    let output = bash.args(["--norc", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    offered(&text(&output.stdout))
}

fn zsh(directory: &Path, line: &str) -> Vec<String> {
    let script = run(directory, &["completions", "zsh"]).stdout;
    fs::write(directory.join("_weihe"), script).unwrap();
    fs::write(directory.join("setup.zsh"), SETUP).unwrap();
    let list = directory.join("offered");
    fs::write(&list, "").unwrap();
    let mut zsh = shell("zsh", directory);
    let output = zsh.args(["-f", "-c", TERMINAL, "zsh", line]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    offered(&fs::read_to_string(list).unwrap())
}

fn fish(directory: &Path, line: &str) -> Vec<String> {
    let script = format!("weihe completions fish | source; complete -C '{line}'");
    let mut fish = shell("fish", directory);
    let output = fish.args(["--no-config", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    offered(&text(&output.stdout))
}

/// What all shells offer.
fn completes(shell: fn(&Path, &str) -> Vec<String>) {
    let directory = place();
    let here = directory.path();
    for (line, words) in [
        ("weihe che", &["check"][..]),
        ("weihe new oven --template r", &["rule"]),
        ("weihe call s", &["slave", "soil"]),
        ("weihe logs -d sl", &["slave"]),
        ("weihe rollback ", &["modbus"]),
        ("weihe check pl", &["plots"]),
        ("weihe inspect pl", &["plan.toml", "plots"]),
        ("weihe build --outp", &["--output"]),
        ("weihe call nobody ", &[]),
    ] {
        assert_eq!(shell(here, line), words, "{line}");
    }
}

#[test]
fn bash_completes_commands_values_paths_and_names_of_the_system() {
    completes(bash);
}

#[test]
fn zsh_completes_commands_values_paths_and_names_of_the_system() {
    if !is_missing("zsh") {
        completes(zsh);
    }
}

#[test]
fn fish_completes_commands_values_paths_and_names_of_the_system() {
    if !is_missing("fish") {
        completes(fish);
    }
}

/// A topic may hold anything, and who publishes it is no operator.
#[test]
fn what_bash_inserts_stays_a_word_whatever_the_system_calls_its_topics() {
    let directory = place();
    let topics = [
        "plant/$(touch pwned)",
        "plant/`touch pwned`",
        "it's; touch pwned",
        "two words",
    ];
    fs::write(directory.path().join("topics"), topics.join("\n") + "\n").unwrap();
    let script = "source <(weihe completions bash)\n\
                  played() { cat topics; }\n\
                  COMP_LINE='weihe get '; COMP_POINT=${#COMP_LINE}\n\
                  COMP_WORDS=(weihe get ''); COMP_CWORD=2\n\
                  _weihe played\n\
                  eval \"words=(${COMPREPLY[*]})\"\n\
                  printf '%s\\n' \"${words[@]}\"";
    let mut bash = shell("bash", directory.path());
    let output = bash.args(["--norc", "-c", script]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let words = text(&output.stdout);
    assert_eq!(words.lines().collect::<Vec<_>>(), topics);
    assert!(!directory.path().join("pwned").exists());
}
