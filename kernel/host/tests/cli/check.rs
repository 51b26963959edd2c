//! `weihe check`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::{json, run, system, text, weihe};

/// Checks a faulty system; returns what is shown for people and the first problem as JSON.
fn check(toml: &str) -> (String, Value) {
    problems(system(toml).path())
}

fn problems(directory: &Path) -> (String, Value) {
    let people = run(directory, &["check"]);
    assert_eq!(people.status.code(), Some(1), "{}", text(&people.stdout));
    let programs = run(directory, &["check", "--json"]);
    assert_eq!(programs.status.code(), Some(1));
    let answer = json(&programs);
    assert_eq!(answer["ok"], false);
    let shown = text(&people.stderr);
    assert!(
        !shown.contains('\u{1b}'),
        "no colours into a pipe: {shown:?}"
    );
    (shown, answer["problems"][0].clone())
}

#[test]
fn an_unknown_key_is_shown_in_its_line_with_a_suggestion() {
    let (shown, problem) = check(include_str!("../fixtures/unknown_key.toml"));
    assert!(shown.contains("weihe.toml:2:1"), "{shown}");
    assert!(shown.contains("nmae = \"greenhouse\""), "{shown}");
    assert!(shown.contains("did you mean `name`?"), "{shown}");
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn a_component_that_is_cut_off_is_called_so_with_what_to_do() {
    let directory = system("[device.soil]\nplugin = \"soil\"\n");
    fs::create_dir(directory.path().join("plugins")).unwrap();
    let file = directory.path().join("plugins/soil.wasm");
    fs::write(file, b"\0asm\x0d\0\x01\0\x01\x7f").unwrap();
    let (shown, problem) = problems(directory.path());
    assert!(shown.contains("plugin `soil`"), "{shown}");
    assert!(shown.contains("cut off"), "{shown}");
    assert_eq!(problem["help"], "build or copy the file again");
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    let (shown, problem) = check(include_str!("../fixtures/wrong_type.toml"));
    assert!(
        shown.contains("`name` must be a text, but is an integer"),
        "{shown}"
    );
    assert_eq!(problem["line"], 2);
}

#[test]
fn a_device_given_twice_shows_both_places() {
    let (shown, problem) = check(include_str!("../fixtures/duplicate_device.toml"));
    assert!(
        shown.contains("the first") && shown.contains("the second"),
        "{shown}"
    );
    assert_eq!(problem["message"], "`soil` is given twice");
    assert_eq!(problem["line"], 7);
}

#[test]
fn two_holders_of_one_address_are_both_named() {
    let (shown, problem) = check(include_str!("../fixtures/two_holders.toml"));
    assert!(shown.contains("held by `a`"), "{shown}");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("connection `b`"),
        "{problem}"
    );
    assert_eq!(problem["line"], 7);
}

#[test]
fn two_devices_on_a_connection_that_serves_one_are_both_named() {
    let (shown, problem) = check(include_str!("../fixtures/one_listener.toml"));
    assert!(shown.contains("held by `first`"), "{shown}");
    assert_eq!(
        problem["message"],
        "device `second` takes connection `door`, which device `first` holds already"
    );
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&14.into(), &14.into())
    );
}

#[test]
fn a_data_directory_that_others_can_write_is_refused() {
    let directory = system("[host]\ndata = \"state\"\n");
    let data = directory.path().join("state");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    let output = run(directory.path(), &["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let problem = &json(&output)["problems"][0];
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("mode 777"), "{message}");
    assert!(problem["help"].as_str().unwrap().contains("chmod go-w"));
    assert_eq!(problem["line"], 2);
    // `run` says the same.
    let ran = run(directory.path(), &["run"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains(message), "{}", text(&ran.stderr));

    fs::remove_dir_all(&data).unwrap();
    fs::write(&data, "").unwrap();
    let output = run(directory.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is no directory"));
}

#[test]
fn a_plugin_that_run_would_build_is_no_problem() {
    let directory = system("[plugin.meter]\nsource = \"meter\"\n[device.a]\nplugin = \"meter\"\n");
    let here = directory.path();
    let (_, problem) = problems(here);
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("no source in"),
        "{problem}"
    );
    assert_eq!(problem["line"], 2);

    fs::create_dir(here.join("meter")).unwrap();
    fs::write(here.join("meter/Cargo.toml"), "").unwrap();
    let output = run(here, &["check"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        shown.contains("plugin meter  will be built from") && shown.contains("weihe build"),
        "{shown}"
    );
    let answer = json(&run(here, &["check", "--json"]));
    assert_eq!(
        (&answer["ok"], &answer["unbuilt"][0]["plugin"]),
        (&true.into(), &"meter".into())
    );

    // Without cargo nothing can be built.
    let output = weihe(here)
        .arg("check")
        .env("PATH", "")
        .env("HOME", here)
        .env("CARGO_HOME", here)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(shown.contains("plugin `meter` cannot be built"), "{shown}");
}

#[test]
fn dropped_files_whose_names_are_none_are_said_with_better_ones() {
    let directory = system("[plugin.rule]\nfile = \"else/rule.wasm\"\nsource = \"rule\"\n");
    let here = directory.path();
    fs::create_dir_all(here.join("rule")).unwrap();
    fs::write(here.join("rule/Cargo.toml"), "").unwrap();
    fs::create_dir(here.join("plugins")).unwrap();
    for file in [
        "Meter.wasm",
        "rule.wasm",
        "Rule.WASM",
        "温.wasm",
        "._mac.wasm",
        "notes.txt",
    ] {
        fs::write(here.join("plugins").join(file), "").unwrap();
    }
    let output = run(here, &["check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let answer = json(&output);
    let warnings = answer["warnings"].as_array().unwrap();
    let said: Vec<String> = warnings
        .iter()
        .map(|warning| format!("{}; {}", warning["message"], warning["help"]))
        .collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    for (line, words) in said.iter().zip([
        ["Meter.wasm is ignored", "rename it to meter.wasm"],
        ["Rule.WASM is ignored", "there is a plugin `rule` already"],
        ["plugins/rule.wasm is ignored", "is made of"],
        ["温.wasm is ignored", "rename it, or add"],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    let shown = text(&run(here, &["check"]).stderr);
    assert!(
        shown.contains("[plugin.meter]") && shown.contains("file = \"plugins/Meter.wasm\""),
        "{shown}"
    );
}

#[test]
fn a_device_whose_plugin_has_another_spelling_is_told_the_file() {
    let directory = system("[device.a]\nplugin = \"modbus\"\n");
    fs::create_dir(directory.path().join("plugins")).unwrap();
    fs::write(directory.path().join("plugins/Modbus.wasm"), "").unwrap();
    let (_, problem) = problems(directory.path());
    let help = problem["help"].as_str().unwrap();
    assert!(help.contains("rename it to modbus.wasm"), "{help}");
}

#[test]
fn a_plugin_file_that_is_missing_is_named_with_its_line() {
    let (shown, problem) = check(include_str!("../fixtures/missing_plugin_file.toml"));
    assert!(shown.contains("nowhere/modbus.wasm"), "{shown}");
    assert_eq!(problem["line"], 2);
    assert!(
        problem["help"]
            .as_str()
            .unwrap()
            .contains("put the component there")
    );
}

#[test]
fn what_is_no_toml_is_shown_where_it_ends() {
    let (shown, problem) = check(include_str!("../fixtures/syntax.toml"));
    assert!(shown.contains("not TOML"), "{shown}");
    assert_eq!(problem["line"], 1);
}

#[test]
fn a_good_system_is_in_order_and_nothing_is_started() {
    let directory = system("[connection.field]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n");
    let output = run(directory.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("is in order"));
    assert!(!directory.path().join("data").exists());
    assert_eq!(
        json(&run(directory.path(), &["check", "--json"]))["ok"],
        true
    );
}
