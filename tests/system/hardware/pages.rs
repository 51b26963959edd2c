//! What the plugins' pages show, tried.

use weihe_tests::{on_a_workbench, workspace};

/// A board with the names that the pages use.
const BOARD: &str = r#"
lines = ["gpio/A[0-7]", "gpio/B[0-7]"]

[pwm."pwm/0"]
[pwm."pwm/1"]
[pwm."pwm/2"]

[adc."adc/0"]
quantity = "temperature"
value = 40.0
min = -40
max = 125
"#;

const PLUGINS: [&str; 12] = [
    "button",
    "buzzer",
    "hc-sr04",
    "led",
    "motor",
    "pir",
    "relay",
    "rgb-led",
    "rotary-encoder",
    "servo",
    "stepper",
    "thermal-zone",
];

/// The first configuration of a page.
fn example(page: &str) -> String {
    let file = workspace().join("docs/plugins").join(page);
    let page = std::fs::read_to_string(file).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_devices_of_the_pages_start_as_they_stand_there() {
    for plugin in PLUGINS {
        let shown = example(&format!("{plugin}.md"));
        let chinese = example(&format!("{plugin}.zh-CN.md"));
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        assert_eq!(table(&chinese), table(&shown), "{plugin}");
        let devices = table(&shown)["device"].as_table().unwrap().clone();
        let system = format!("{shown}\n[plugin]\n{plugin} = \"weihe-plugin-{plugin}\"\n");
        on_a_workbench(BOARD, &system, async |bench| {
            bench.ms(1_000).await;
            for device in devices.keys() {
                let state = bench.value(&format!("plugin/{device}/state"));
                assert_eq!(state, "ready", "{plugin}: {device}");
            }
        });
    }
}
