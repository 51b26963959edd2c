//! What a shell is told of a system while a command is typed, and an editor of its plugins.

use serde_json::Value;
use weihe_tests::Host;

const SYSTEM: &str = "[plugin.rule-hysteresis]\n[device.rule]\nplugin = \"rule-hysteresis\"\n\
                      [device.rule.config]\ninput = \"plugin/rule/x\"\non-below = 20\noff-above = 30\n";

fn host() -> Host {
    Host::new(
        SYSTEM,
        &[("rule-hysteresis", "weihe-plugin-rule-hysteresis")],
    )
}

/// The words that the last one may become.
fn completed(host: &Host, words: &[&str]) -> Vec<String> {
    let arguments = [&["complete-words", "--"], words].concat();
    let said = String::from_utf8(host.run(&arguments).stdout).unwrap();
    let lines = said.lines().filter_map(|line| line.split('\t').next());
    lines.map(str::to_owned).collect()
}

#[test]
fn commands_arguments_and_topics_are_those_of_the_running_host() {
    let mut host = host();
    // Before it runs, there is what its file says.
    assert_eq!(completed(&host, &["call", "r"]), ["rule"]);
    assert_eq!(completed(&host, &["call", "rule", ""]), [""; 0]);
    host.start();
    assert_eq!(host.failed(), [Value::Null; 0]);
    assert_eq!(completed(&host, &["call", ""]), ["rule"]);
    let commands = completed(&host, &["call", "rule", ""]);
    for command in ["override", "auto", "status"] {
        assert!(commands.iter().any(|word| word == command), "{commands:?}");
    }
    assert_eq!(
        completed(&host, &["call", "rule", "override", "st"]),
        ["state="]
    );
    assert!(host.run(&["set", "plugin/rule/x", "25.0"]).status.success());
    assert_eq!(
        completed(&host, &["get", "plugin/rule/x"]),
        ["plugin/rule/x"]
    );
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn an_editor_is_told_what_the_plugins_of_a_system_take() {
    let host = host();
    let schema: Value = serde_json::from_slice(&host.run(&["schema"]).stdout).unwrap();
    let rule = &schema["properties"]["device"]["properties"]["rule"]["properties"];
    assert_eq!(rule["config"]["$ref"], "#/definitions/rule-hysteresis");
    assert_eq!(
        rule["plugin"]["type"], "string",
        "the rest of a device is there"
    );
    let config = &schema["definitions"]["rule-hysteresis"]["properties"];
    assert!(
        config["input"].is_object() && config["on-below"].is_object(),
        "{config}"
    );
}

#[test]
fn what_a_built_plugin_needs_is_printed_as_a_device_to_paste() {
    let host = host();
    let component = host.path("plugins/rule-hysteresis.wasm");
    let to = host.path("built/");
    let built = host.run(&[
        "build",
        component.to_str().unwrap(),
        "-o",
        &format!("{}/", to.display()),
    ]);
    let said = String::from_utf8(built.stdout).unwrap();
    assert!(
        said.contains("[device.rule-hysteresis]\nplugin = \"rule-hysteresis\"\n"),
        "{said}"
    );
    assert!(said.contains("# input =\n"), "{said}");
    assert!(
        said.contains("  size     ") && said.contains("  import   "),
        "{said}"
    );
    assert!(to.join("rule-hysteresis.wasm").is_file());
    let answer = host
        .ask(&[
            "build",
            component.to_str().unwrap(),
            "-o",
            to.to_str().unwrap(),
        ])
        .unwrap();
    assert_eq!(answer["needs"]["connection"], "none");
    assert_eq!(answer["needs"]["config"][0], "input");
}
