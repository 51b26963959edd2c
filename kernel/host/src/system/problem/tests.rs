#![allow(clippy::unwrap_used)]

use std::path::Path;

use weihe_kernel::capability::GrantError;
use weihe_kernel::device::Trap;

use super::*;
use crate::config::Problem;

const TEXT: &str = r#"[plugin.historian]
[plugin.historian.grants.store]
tables = ["readings"]
keys = true
[plugin.modbus]

[connection.field]
type = "tcp"
address = "127.0.0.1:502"

[device.soil]
plugin = "modbus"
connection = "field"
[device.soil.config]
unit = 1
points = [
    { name = "a", address = 0 },
    { name = "b", addres = 1 },
]

[device.history]
plugin = "historian"
[device.history.grants.store]
tables = ["other"]

[device.plain]
plugin = "historian"
"#;

fn config() -> Config {
    Config::parse(Path::new("/nowhere"), TEXT).unwrap()
}

/// What is underlined, in which line, and the help.
fn shown(problem: &Problem) -> (String, usize, String) {
    let fault = problem.fault();
    (
        TEXT[fault.span.clone()].to_owned(),
        problem.line(),
        fault.help.clone().unwrap_or_default(),
    )
}

fn at(device: &str, error: &DeviceError) -> (String, usize, String) {
    let problem = device_problem(&config(), device, error);
    assert_eq!(problem.to_string(), error.to_string());
    shown(&problem)
}

fn refused(device: &str, message: &str) -> (String, usize, String) {
    let refused = StartError::Refused {
        device: device.into(),
        message: message.into(),
    };
    at(device, &DeviceError::Start(refused))
}

#[test]
fn the_key_that_a_plugin_refuses_is_underlined_with_the_one_that_was_meant() {
    let words = "config: `points[1].addres`: unknown field `addres`, expected one of `name`, `table`, `address`";
    assert_eq!(
        refused("soil", words),
        (
            "addres".to_owned(),
            18,
            "did you mean `address`?".to_owned()
        )
    );
    let (at, line, help) = refused("soil", "`unit` is 1, expected 0");
    assert_eq!((at.as_str(), line), ("unit", 15));
    assert!(help.contains("weihe logs --device soil"), "{help}");
    let (at, line, _) = refused("soil", "config: `points[0]`: missing field `type`");
    assert_eq!((at.as_str(), line), ("{ name = \"a\", address = 0 }", 17));
    let two = "config: `unit`: unknown variant `tpc`, expected `tcp` or `rtu`";
    assert_eq!(refused("soil", two).2, "did you mean `tcp`?");
}

#[test]
fn words_that_name_no_key_of_the_file_are_shown_at_the_configuration() {
    for words in ["`retries` is missing", "point `a`: it is odd", "no"] {
        let (at, line, _) = refused("soil", words);
        assert_eq!((at.as_str(), line), ("config", 14), "{words}");
    }
    let (at, line, _) = refused("plain", "config: missing field `topics`");
    assert_eq!((at.as_str(), line), ("plain", 26));
}

#[test]
fn what_a_device_lacks_is_shown_where_it_would_stand() {
    let device = || "soil".to_owned();
    let trapped = StartError::Trapped {
        device: device(),
        trap: Trap::fatal("x"),
    };
    for (error, underlined, line) in [
        (
            DeviceError::NoPlugin {
                device: device(),
                plugin: "modbus".into(),
                help: String::new(),
            },
            "\"modbus\"",
            12,
        ),
        (
            DeviceError::NoConnection {
                device: device(),
                connection: "field".into(),
                help: String::new(),
            },
            "\"field\"",
            13,
        ),
        (
            DeviceError::NotGranted {
                plugin: "modbus".into(),
                import: "weihe:store/sql@0.1.0".into(),
                device: device(),
                grant: "[device.soil.grants.store]".into(),
            },
            "soil",
            11,
        ),
        (DeviceError::Duplicate(device()), "soil", 11),
        (DeviceError::Start(trapped), "soil", 11),
    ] {
        let (at, at_line, _) = at("soil", &error);
        assert_eq!((at.as_str(), at_line), (underlined, line), "{error}");
    }
}

#[test]
fn a_grant_is_looked_for_with_the_device_and_with_its_plugin() {
    let refused = |device: &str, key: Option<&str>| {
        let source = GrantError {
            key: key.map(str::to_owned),
            message: "no".into(),
            help: Some("mend it".into()),
        };
        let error = DeviceError::Grant {
            device: device.into(),
            capability: "store".into(),
            source,
        };
        at(device, &error)
    };
    let help = "mend it".to_owned();
    assert_eq!(
        refused("history", Some("tables")),
        ("[\"other\"]".to_owned(), 24, help.clone()),
        "the device's replaces the plugin's"
    );
    assert_eq!(
        refused("history", Some("keys")),
        ("true".to_owned(), 4, help.clone()),
        "only the plugin has it"
    );
    assert_eq!(
        refused("plain", Some("tables.0")),
        ("\"readings\"".to_owned(), 3, help.clone())
    );
    assert_eq!(
        refused("history", None),
        ("store".to_owned(), 23, help.clone())
    );
    assert_eq!(refused("plain", None), ("store".to_owned(), 2, help));
}

#[test]
fn a_device_without_an_entry_is_shown_at_its_plugin_or_at_no_line() {
    let error = |plugin: &str| DeviceError::NotGranted {
        plugin: plugin.into(),
        import: "weihe:store/sql@0.1.0".into(),
        device: plugin.into(),
        grant: format!("[device.{plugin}.grants.store]"),
    };
    let (at, line, help) = at("modbus", &error("modbus"));
    assert_eq!((at.as_str(), line), ("modbus", 5));
    assert!(help.contains("`[plugin.modbus.grants]`"), "{help}");
    let problem = device_problem(&config(), "dropped", &error("dropped"));
    assert_eq!(problem.place(), "/nowhere/weihe.toml");
    let shown = format!("{:?}", miette::Report::new(problem));
    assert!(!shown.contains("plugin.historian"), "no line: {shown}");
}

#[test]
fn a_component_that_is_missing_says_how_it_gets_there() {
    let config = Config::parse(
        Path::new("/nowhere"),
        "[plugin.a]\nsource = \"a\"\n[plugin.b]\nfile = \"b.wasm\"\n",
    )
    .unwrap();
    let help = |name: &str| {
        let problem = missing_component(&config, config.plugin(name).unwrap());
        problem.fault().help.clone().unwrap()
    };
    assert_eq!(help("a"), "build it: `weihe build /nowhere`");
    assert!(help("b").contains("put the component there"));
}
