//! What is wrong with a system is said before it runs, at its line; and a host says the same.

use serde_json::Value;
use weihe_tests::Host;

/// A device with three faults in its configuration, on a connection that never opens.
const FAULTY: &str = r#"
[plugin.modbus]

[connection.field]
type = "tcp"
address = "127.0.0.1:1"

[device.soil]
plugin = "modbus"
connection = "field"
[device.soil.config]
mode = "rtuu"
unit = 300
points = [
    { name = "a", address = 0 },
    { name = "b", addres = 1 },
]

[device.good]
plugin = "modbus"
connection = "field"
[device.good.config]
period = "1 h"
"#;

const MODBUS: (&str, &str) = ("modbus", "weihe-plugin-modbus");

/// Line, column, message and help of each problem.
fn problems(host: &Host) -> Vec<(u64, u64, String, String)> {
    let answer = host.ask(&["check"]).expect("an answer");
    let problems = answer["problems"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    problems
        .map(|problem| {
            (
                problem["line"].as_u64().unwrap(),
                problem["column"].as_u64().unwrap(),
                text(&problem["message"]),
                text(&problem["help"]),
            )
        })
        .collect()
}

#[test]
fn every_fault_in_a_devices_configuration_is_found_without_starting_it() {
    let host = Host::new(FAULTY, &[MODBUS]);
    let found = problems(&host);
    let wanted = [
        (
            12,
            8,
            "device `soil`: `config.mode` must be \"tcp\" or \"rtu\", but is \"rtuu\"",
            "did you mean \"rtu\"?",
        ),
        (
            13,
            8,
            "device `soil`: `config.unit` must be at most 255, but is 300",
            "",
        ),
        (
            16,
            5,
            "device `soil`: `config.points[1]` has no `address`",
            "",
        ),
        (
            16,
            19,
            "device `soil`: unknown key `addres` in `config.points[1]`",
            "did you mean `address`?",
        ),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(line, column, message, help)| (line, column, message.to_owned(), help.to_owned()))
        .collect();
    assert_eq!(found, wanted);
    let shown = host.run(&["check"]);
    assert_eq!(shown.status.code(), Some(1));
    let shown = String::from_utf8(shown.stderr).unwrap();
    assert!(
        shown.contains("weihe.toml:16:19") && shown.contains("addres = 1"),
        "{shown}"
    );
    assert!(!host.path("data").exists(), "nothing was started");
}

#[test]
fn a_host_refuses_that_device_with_the_same_words_and_runs_the_others() {
    let mut host = Host::new(FAULTY, &[MODBUS]);
    host.start();
    let failed = host.failed();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "soil");
    let place = failed[0]["place"].as_str().unwrap();
    assert!(place.ends_with("weihe.toml:12:8"), "{place}");
    let ps = host.ask(&["ps"]).unwrap();
    assert_eq!(ps["devices"][0]["name"], "good");
    assert_eq!(ps["devices"][0]["state"], "running");
    let shown = String::from_utf8(host.run(&["ps"]).stdout).unwrap();
    assert!(shown.contains("help: did you mean \"rtu\"?"), "{shown}");
    // The log has them all.
    let log = host.log();
    assert!(
        log.contains("weihe.toml:16:19") && log.contains("help: did you mean `address`?"),
        "{log}"
    );
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn what_only_the_plugin_can_know_is_shown_at_its_key_when_it_refuses_to_start() {
    let system = "[plugin.rule-hysteresis]\n[device.rule]\nplugin = \"rule-hysteresis\"\n\
                  [device.rule.config]\ninput = \"plugin/rule/x\"\non-below = 30\noff-above = 20\n";
    let mut host = Host::new(
        system,
        &[("rule-hysteresis", "weihe-plugin-rule-hysteresis")],
    );
    assert_eq!(
        problems(&host),
        [],
        "the schema says nothing of their order"
    );
    host.start();
    let failed = host.failed();
    let place = failed[0]["place"].as_str().unwrap();
    assert!(place.ends_with("weihe.toml:6:1"), "{failed:?}");
    assert!(
        failed[0]["message"]
            .as_str()
            .unwrap()
            .contains("`on-below`"),
        "{failed:?}"
    );
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn the_device_that_a_dropped_plugin_stands_for_is_among_those_in_order() {
    // It can run without configuration, and needs no grant.
    let host = Host::new("", &[("raw", "weihe-guest-raw")]);
    let shown = host.run(&["check"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("device raw"), "{shown}");
}

#[test]
fn a_plugin_that_runs_nowhere_is_a_warning() {
    let host = Host::new("", &[MODBUS]);
    let answer = host.ask(&["check"]).unwrap();
    assert_eq!(answer["ok"], true);
    let warning = answer["warnings"][0].to_string();
    assert!(warning.contains("`modbus` runs nowhere"), "{warning}");
    assert!(warning.contains("[device.NAME]"), "{warning}");
}

#[test]
fn what_was_forgotten_is_shown_with_what_to_write() {
    let system = "[plugin.modbus]\n[plugin.historian]\n\n[connection.field]\ntype = \"tcp\"\n\
                  address = \"127.0.0.1:1\"\n\n[device.soil]\nplugin = \"modbus\"\n\n\
                  [device.history]\nplugin = \"historian\"\n[device.history.config]\n\
                  topics = [\"greenhouse/#\"]\n[device.history.grants]\n\
                  subscribe = [\"greenhouse/#\"]\ncall = [\"soil\"]\n";
    let host = Host::new(system, &[MODBUS, ("historian", "weihe-plugin-historian")]);
    let found = problems(&host);
    let places: Vec<(u64, u64)> = found.iter().map(|found| (found.0, found.1)).collect();
    assert_eq!(places, [(8, 9), (15, 17)], "{found:?}");
    assert_eq!(found[0].3, "add `connection = \"field\"` to the device");
    assert!(found[1].2.contains("weihe:store/sql"), "{found:?}");
    assert!(
        found[1].3.contains("[device.history.grants.store]")
            && found[1].3.contains("tables = [\"NAME\"]"),
        "{found:?}"
    );
    // What keeps nothing from starting is a warning, at its line.
    let answer = host.ask(&["check"]).unwrap();
    let warnings = answer["warnings"].as_array().unwrap();
    let lines: Vec<u64> = warnings
        .iter()
        .map(|warning| warning["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [16, 17], "{warnings:?}");
    let shown = String::from_utf8(host.run(&["check"]).stderr).unwrap();
    assert!(
        shown.contains("weihe.toml:16:14") && shown.contains("no device here may publish"),
        "{shown}"
    );
    assert!(shown.contains("this grant covers nothing"), "{shown}");
}

#[test]
fn a_plugin_of_another_sdk_is_told_the_versions_and_what_to_do() {
    let host = Host::new("[plugin.raw]\n", &[("raw", "weihe-guest-raw")]);
    let file = host.path("plugins/raw.wasm");
    let mut bytes = std::fs::read(&file).unwrap();
    // Of the same length, so that it stays a component.
    let (old, new) = (
        b"weihe:plugin/lifecycle@0.1.0",
        b"weihe:plugin/lifecycle@0.9.0",
    );
    for at in 0..bytes.len() - old.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
    }
    std::fs::write(&file, bytes).unwrap();
    let found = problems(&host);
    assert_eq!(found.len(), 1, "{found:?}");
    let (line, column, message, help) = &found[0];
    assert_eq!((*line, *column), (1, 9));
    assert!(
        message.contains("exports `weihe:plugin/lifecycle@0.9.0`")
            && message.contains("this host has `weihe:plugin/lifecycle@0.1.0`"),
        "{message}"
    );
    assert!(help.contains("`weihe new`"), "{help}");
}

#[test]
fn topics_and_devices_that_a_configuration_names_are_compared_with_its_grants() {
    let system = "[plugin.modbus]\n[plugin.rule-hysteresis]\n[connection.field]\ntype = \"tcp\"\n\
                  address = \"127.0.0.1:1\"\n[device.soil]\nplugin = \"modbus\"\nconnection = \"field\"\n\
                  [device.soil.config]\ntopic-prefix = \"greenhouse\"\n\
                  points = [{ name = \"moisture\", address = 0 }]\n\
                  [device.rule]\nplugin = \"rule-hysteresis\"\n[device.rule.config]\n\
                  input = \"greenhouse/moisture\"\non-below = 20\noff-above = 30\n\
                  [device.rule.config.call]\ndevice = \"sol\"\ncommand = \"write\"\n";
    let rule = ("rule-hysteresis", "weihe-plugin-rule-hysteresis");
    let host = Host::new(system, &[MODBUS, rule]);
    let answer = host.ask(&["check"]).unwrap();
    // A plugin might do without: it has the last word when it starts.
    assert_eq!(answer["ok"], true, "{answer}");
    let found: Vec<(u64, String, String)> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| {
            let text = |key: &str| warning[key].as_str().unwrap_or_default().to_owned();
            (
                warning["line"].as_u64().unwrap_or_default(),
                text("message"),
                text("help"),
            )
        })
        .collect();
    let lines: Vec<u64> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [10, 15, 19], "{found:?}");
    assert!(
        found[0]
            .2
            .contains("`publish = [\"greenhouse/#\"]` to `[device.soil.grants]`"),
        "{found:?}"
    );
    assert!(
        found[1]
            .2
            .contains("`subscribe = [\"greenhouse/moisture\"]`"),
        "{found:?}"
    );
    assert!(found[2].2.contains("did you mean `soil`?"), "{found:?}");
    // With all that is asked for, and one letter wrong.
    let granted = system.replace("\"sol\"", "\"soil\"").replace(
        "input = \"greenhouse/moisture\"",
        "input = \"greenhuose/moisture\"",
    ) + "[device.rule.grants]\nsubscribe = [\"+/moisture\"]\ncall = [\"soil\"]\n\
           [device.soil.grants]\npublish = [\"greenhouse/moisture\"]\n";
    std::fs::write(host.path("weihe.toml"), granted).unwrap();
    let answer = host.ask(&["check"]).unwrap();
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["line"], 15);
    let help = warnings[0]["help"].as_str().unwrap();
    assert!(
        help.contains("did you mean `greenhouse/moisture`"),
        "{help}"
    );
}
