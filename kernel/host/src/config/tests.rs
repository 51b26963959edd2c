#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn parse(text: &str) -> Result<Config, LoadError> {
    Config::parse(Path::new("/nowhere/greenhouse"), text)
}

fn problems(text: &str) -> Vec<Problem> {
    match parse(text) {
        Err(LoadError::Invalid(invalid)) => invalid.problems,
        other => panic!("{other:?}"),
    }
}

/// The message, what is underlined and the help of the only fault.
fn only(text: &str) -> (String, String, String) {
    let mut problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let fault = problems.remove(0).fault().clone();
    (
        fault.message,
        text[fault.span].to_owned(),
        fault.help.unwrap_or_default(),
    )
}

const GOOD: &str = r#"
[host]
name = "greenhouse"
data = "var"

[plugin.modbus]
source = "../modbus"

[connection.field]
type = "tcp"
address = "127.0.0.1:15020"

[device.soil]
plugin = "modbus"
connection = "field"
lane = "fast"
[device.soil.config]
unit = 1
since = 2026-01-01
"#;

#[test]
fn a_whole_file_becomes_a_system() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.host.name, "greenhouse");
    assert_eq!(config.host.data, Path::new("/nowhere/greenhouse/var"));
    let plugin = config.plugin("modbus").unwrap();
    assert_eq!(
        plugin.file,
        Path::new("/nowhere/greenhouse/plugins/modbus.wasm")
    );
    assert_eq!(config.connections[0].kind, "tcp");
    let soil = &config.devices[0];
    assert_eq!(soil.connection.as_deref(), Some("field"));
    assert_eq!(
        soil.config,
        serde_json::json!({"unit": 1, "since": "2026-01-01"})
    );
}

#[test]
fn the_guard_can_be_turned_off() {
    assert!(!parse("[host]\nguard = false").unwrap().host.guard);
    let (message, found, _) = only("[host]\nguard = \"no\"");
    assert!(message.contains("`guard`"), "{message}");
    assert_eq!(found, "\"no\"");
}

#[test]
fn an_empty_file_is_an_empty_system_named_after_its_directory() {
    let config = parse("").unwrap();
    assert_eq!(config.host.name, "weihe", "the directory is not there");
    assert!(config.devices.is_empty());
    assert!(config.host.guard);
}

#[test]
fn an_unknown_key_is_underlined_with_the_one_that_was_meant() {
    let (message, at, help) = only("[host]\nnmae = \"x\"\n");
    assert_eq!(message, "unknown key `nmae` in `[host]`");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("nmae", "did you mean `name`?")
    );
    let (message, at, help) = only("[devices.a]\nplugin = \"x\"\n");
    assert!(message.contains("`devices`"), "{message}");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("devices", "did you mean `device`?")
    );
}

#[test]
fn a_wrong_type_says_what_was_expected_and_what_is_there() {
    let (message, at, _) = only("[host]\nname = 5\n");
    assert_eq!(message, "`name` must be a text, but is an integer");
    assert_eq!(at, "5");
    let (message, ..) = only("host = 3\n");
    assert_eq!(message, "`host` must be a table, but is an integer");
}

#[test]
fn all_faults_are_reported_in_the_order_of_the_file() {
    let problems = problems(
        "[host]\nname = 5\n[connection.x]\naddress = \"a\"\n[device.Soil]\nplugin = \"m\"\nfoo = 1\n[device.Soil]\n",
    );
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 6, "{messages:#?}");
    assert!(problems.is_sorted_by_key(Problem::line));
    assert!(
        messages
            .iter()
            .any(|message| message.contains("given twice"))
    );
    assert!(
        messages
            .iter()
            .any(|message| message.contains("`Soil` cannot be"))
    );
    assert!(
        messages
            .iter()
            .any(|message| message == "connection `x` has no `type`")
    );
}

#[test]
fn a_device_that_names_something_unknown_gets_the_nearest_name() {
    // A plugin may come and go while the others run.
    let text = "[plugin.modbus]\n[device.soil]\nplugin = \"modbos\"\n";
    let config = parse(text).unwrap();
    let (device, problem) = &config.without_plugin[0];
    let fault = problem.fault();
    assert_eq!(device, "soil");
    assert!(
        fault
            .message
            .starts_with("device `soil` names plugin `modbos`"),
        "{fault:?}"
    );
    assert_eq!(&text[fault.span.clone()], "\"modbos\"");
    assert_eq!(fault.help.as_deref(), Some("did you mean `modbus`?"));
    let (message, at, help) =
        only("[plugin.modbus]\n[device.soil]\nplugin = \"modbus\"\nconnection = \"field\"\n");
    assert!(message.contains("connection `field`"), "{message}");
    assert_eq!(at, "\"field\"");
    assert_eq!(help, "add a table `[connection.field]`");
}

const DEVICE: &str = "[plugin.m]\n[device.d]\nplugin = \"m\"\n";

#[test]
fn grants_and_limits_are_read_and_merged_with_the_defaults() {
    let text = format!(
        "{DEVICE}[plugin.m.grants]\npublish = [\"a/#\"]\n[device.d.grants]\ncall = [\"*\"]\n\
         [device.d.grants.store]\ntables = [\"t\"]\n[device.d.limits]\nmemory = \"32 MiB\"\ncall-time = \"2s\"\n"
    );
    let config = parse(&text).unwrap();
    let device = &config.devices[0];
    assert!(config.plugins[0].grants.may_publish("d", "a/b"));
    assert!(device.grants.may_call("other"));
    assert!(device.grants.capabilities.contains_key("store"));
    assert_eq!(device.limits.memory.0, 32 << 20);
    assert_eq!(
        device.limits.batch,
        weihe_kernel::limits::Limits::default().batch
    );
}

#[test]
fn grants_name_what_is_there() {
    let (message, at, _) = only(&format!(
        "{DEVICE}[device.d.grants]\npublish = [\"a\", \"b/#/c\"]\n"
    ));
    assert!(message.contains("`b/#/c`"), "{message}");
    assert_eq!(at, "\"b/#/c\"");
    let (message, _, help) = only(&format!("{DEVICE}[device.d.grants]\nsubscibe = []\n"));
    assert!(message.contains("unknown grant `subscibe`"), "{message}");
    assert_eq!(help, "did you mean `subscribe`?");
    let (message, at, _) = only(&format!(
        "{DEVICE}[plugin.m.grants]\nconnections = [\"f\"]\n"
    ));
    assert!(
        message.starts_with("plugin `m` is granted connection `f`"),
        "{message}"
    );
    assert_eq!(at, "\"f\"");
    let (message, ..) = only(&format!("{DEVICE}[device.d.grants]\ncall = [\"nobody\"]\n"));
    assert!(message.contains("device `nobody`"), "{message}");
}

#[test]
fn limits_are_known_and_within_their_range() {
    let limits = |line: &str| only(&format!("{DEVICE}[device.d.limits]\n{line}\n"));
    let (message, at, help) = limits("memory = \"9 GiB\"");
    assert!(message.contains("out of range"), "{message}");
    assert_eq!(at, "\"9 GiB\"");
    assert!(help.contains("4.0 GiB"), "{help}");
    assert!(
        limits("call-time = \"soon\"")
            .0
            .contains("not a span of time")
    );
    assert!(limits("attempts = 0").2.contains("from 1 to"));
    let (message, at, help) = limits("memroy = 1");
    assert!(message.contains("unknown limit `memroy`"), "{message}");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("memroy", "did you mean `memory`?")
    );
}

#[test]
fn a_plugin_needs_no_entry_when_its_file_is_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("plugins")).unwrap();
    std::fs::write(directory.path().join("plugins/rule.wasm"), "").unwrap();
    let text = "[device.valve]\nplugin = \"rule\"\n";
    let config = Config::parse(directory.path(), text).unwrap();
    assert!(config.plugin("rule").unwrap().span.is_none());
}

#[test]
fn one_place_has_one_holder() {
    let two = |a: &str, b: &str| format!("[connection.a]\n{a}\n[connection.b]\n{b}\n");
    let uart = "type = \"uart\"\nport = \"/dev/ttyS1\"";
    let (message, at, help) = only(&two(uart, uart));
    assert_eq!(
        message,
        "connection `b` claims port /dev/ttyS1, which connection `a` holds already"
    );
    assert_eq!(at, "\"/dev/ttyS1\"");
    assert!(help.contains("connection = \"a\""), "{help}");
    let listen = |address: &str| format!("type = \"tcp-listen\"\naddress = \"{address}\"");
    only(&two(&listen("0.0.0.0:502"), &listen("127.0.0.1:502")));
    parse(&two(&listen("127.0.0.1:502"), &listen("127.0.0.2:502"))).unwrap();
    parse(&two(&listen("127.0.0.1:0"), &listen("127.0.0.1:0"))).unwrap();
    let client = "type = \"tcp\"\naddress = \"10.0.0.1:502\"";
    parse(&two(client, client)).unwrap();
}

#[test]
fn a_connection_is_checked_by_its_kind() {
    let (message, at, help) = only(
        "[connection.a]\ntype = \"tcp\"\naddress = \"127.0.0.1:502\"\nreconect-min = \"1s\"\n",
    );
    assert!(message.contains("`reconect-min`"), "{message}");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("reconect-min", "did you mean `reconnect-min`?")
    );
    let (_, at, help) = only("[connection.a]\ntype = \"tcp-lisen\"\n");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("\"tcp-lisen\"", "did you mean \"tcp-listen\"?")
    );
}

#[test]
fn every_misspelled_key_of_a_connection_is_reported_at_once() {
    let text = "[connection.a]\ntype = \"tcp\"\nadress = \"127.0.0.1:502\"\nconect-timeout = \"1s\"\ncolour = 1\n";
    let found: Vec<_> = problems(text)
        .iter()
        .map(|problem| problem.fault().clone())
        .map(|fault| (text[fault.span].to_owned(), fault.help.unwrap_or_default()))
        .collect();
    let helps = [
        ("adress", "did you mean `address`?"),
        ("conect-timeout", "did you mean `connect-timeout`?"),
        ("colour", "this kind of connection knows: address"),
    ];
    assert_eq!(found.len(), helps.len(), "{found:?}");
    for ((key, help), (at, beginning)) in found.iter().zip(helps) {
        assert_eq!(key, at);
        assert!(help.starts_with(beginning), "{help}");
    }
    let (_, at, help) = only("[connection.a]\ntpye = \"tcp\"\naddress = \"127.0.0.1:502\"\n");
    assert_eq!(
        (at.as_str(), help.as_str()),
        ("tpye", "did you mean `type`?")
    );
}

#[test]
fn faults_found_later_find_their_line() {
    let config = parse(GOOD).unwrap();
    let problem = config.problem_at("connection.field.address", "refused", None);
    assert_eq!(problem.line(), 11);
    let shown = format!("{:?}", miette::Report::new(problem));
    assert!(shown.contains("15020"), "{shown}");
}

#[test]
fn what_is_not_there_or_too_long_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = Config::load(directory.path()).unwrap_err();
    assert!(error.to_string().contains("weihe.toml"), "{error}");
    let file = std::fs::File::create(directory.path().join(FILE)).unwrap();
    file.set_len(FILE_LIMIT + 1).unwrap();
    let error = Config::load(directory.path()).unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");
}

#[test]
fn components_in_a_folder_are_a_system_without_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let plugins = directory.path().join(PLUGINS);
    std::fs::create_dir(&plugins).unwrap();
    let error = Config::load(directory.path()).unwrap_err().to_string();
    assert!(error.contains(FILE) && error.contains(PLUGINS), "{error}");
    std::fs::write(plugins.join("modbus.wasm"), "").unwrap();
    let config = Config::load(directory.path()).unwrap();
    assert_eq!(config.plugins[0].name, "modbus");
    assert!(config.unwritten().unwrap().contains("no weihe.toml"));
    std::fs::write(directory.path().join(FILE), "").unwrap();
    assert_eq!(Config::load(directory.path()).unwrap().unwritten(), None);
}

proptest::proptest! {
    #[test]
    fn no_file_upsets_the_reader(text in "([a-z\\[\\]=\"'.#\n 0-9温]|\\[(device|plugin|connection|host)\\.a\\]\n|(plugin|type|port|name|config) = (\"a\"|1|\\[1\\])\n){0,40}") {
        let _ = parse(&text);
    }
}

#[test]
fn all_that_is_wrong_with_a_connection_is_reported_at_once() {
    let text = "[connection.field]\ntype = \"tcp\"\naddress = \"nowhere\"\ngap = 5\nkeepalive = \"15 sekunden\"\nconnect-timeuot = \"1s\"\n";
    let found = problems(text);
    let lines: Vec<usize> = found.iter().map(Problem::line).collect();
    assert_eq!(lines, [3, 4, 5, 6], "{found:?}");
    assert_eq!(
        found[3].fault().help.as_deref(),
        Some("did you mean `connect-timeout`?")
    );
}
