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
