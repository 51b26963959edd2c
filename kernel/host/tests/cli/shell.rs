//! What shells, `man` and editors are given.

use std::fs;
use std::process::Command;

use super::{json, run, system, text, weihe};

#[test]
fn every_shell_gets_its_script() {
    let directory = tempfile::tempdir().unwrap();
    for (shell, line) in [
        ("bash", "complete -F _weihe weihe"),
        ("zsh", "#compdef weihe"),
        ("fish", "complete -c weihe"),
    ] {
        let script = run(directory.path(), &["completions", shell]);
        assert!(text(&script.stdout).contains(line), "{shell}");
        assert!(
            text(&script.stdout).contains("complete-words --"),
            "{shell}"
        );
    }
    let other = run(directory.path(), &["completions", "csh"]);
    assert_eq!(other.status.code(), Some(2));
}

#[test]
fn every_command_has_a_page_that_man_renders_without_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("man1");
    let made = run(directory.path(), &["--json", "man", "man1"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let files = json(&made)["files"].as_array().unwrap().len();
    assert_eq!(files, fs::read_dir(&folder).unwrap().count());
    let help = text(&run(directory.path(), &["--help"]).stdout);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 25, "{commands:?}");
    for command in commands {
        let page = fs::read_to_string(folder.join(format!("weihe-{command}.1"))).unwrap();
        for section in ["NAME", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO"] {
            assert!(
                page.contains(&format!(".SH \"{section}\"")),
                "{command}: {section}"
            );
        }
        assert!(page.contains("WEIHE_DIR"), "{command}");
    }
    let page = fs::read_to_string(folder.join("weihe-build.1")).unwrap();
    assert!(page.contains("weihe build plugins/modbus \\-o"), "{page}");
    // Where groff is installed, all of them are read by it, with all its warnings.
    if Command::new("groff").arg("--version").output().is_err() {
        return;
    }
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        let read = Command::new("groff")
            .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
            .arg(entry.path())
            .output()
            .unwrap();
        let said = text(&read.stderr);
        assert!(
            read.status.success() && said.is_empty(),
            "{:?}: {said}",
            entry.file_name()
        );
    }
}

#[test]
fn the_schema_is_written_beside_the_system_and_the_line_that_names_it_is_said_once() {
    let directory = system("[plugin.later]\nsource = \"later\"\n[device.d]\nplugin = \"later\"\n");
    let file = directory.path().join("weihe.schema.json");
    let said = run(directory.path(), &["schema", "--write"]);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    assert!(text(&said.stdout).contains("#:schema ./weihe.schema.json"));
    assert!(text(&said.stderr).contains("`later` is not built yet"));
    let printed = run(directory.path(), &["schema"]);
    assert_eq!(text(&printed.stdout), fs::read_to_string(&file).unwrap());
    let toml = directory.path().join("weihe.toml");
    let named = format!(
        "#:schema ./weihe.schema.json\n{}",
        fs::read_to_string(&toml).unwrap()
    );
    fs::write(&toml, named).unwrap();
    let said = run(directory.path(), &["schema", "--write"]);
    assert!(!text(&said.stdout).contains("#:schema"));
    // While it is being edited, there is one, too.
    fs::write(&toml, "[device.d\n").unwrap();
    let printed = run(directory.path(), &["schema"]);
    assert_eq!(json(&printed)["title"], "weihe.toml");
    assert!(text(&printed.stderr).contains("the schema is the general one"));
    let nowhere = tempfile::tempdir().unwrap();
    let general = run(nowhere.path(), &["schema"]);
    assert_eq!(json(&general)["title"], "weihe.toml");
    let unwritten = weihe(nowhere.path())
        .args(["schema", "--write"])
        .output()
        .unwrap();
    assert_eq!(unwritten.status.code(), Some(1));
}
