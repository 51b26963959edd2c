//! The plugin `console`: hardware by hand.

use serde_json::json;
use weihe_tests::on_a_workbench;

use super::pages::example;

/// With what the page of the console speaks of.
const BOARD: &str = r#"
lines = ["gpio/A3"]

[line."gpio/A4"]

[i2c."i2c/1".0x44]
model = "sht4x"
temperature = 20.0
humidity = 50.0

[spi."spi/0.0"]
model = "loopback"

[uart."uart/1"]
loopback = true

[adc."adc/0"]
value = 1.5
"#;

fn system() -> String {
    let shown = example("console.md");
    assert_eq!(example("console.zh-CN.md"), shown);
    format!("{shown}\n[plugin]\nconsole = \"weihe-plugin-console\"\n")
}

#[test]
fn what_the_page_of_the_console_grants_can_be_used_by_hand() {
    on_a_workbench(BOARD, &system(), async |bench| {
        let found = bench
            .ask("console", "scan", json!({ "bus": "i2c/1" }))
            .await;
        assert_eq!(found, json!({ "addresses": ["0x44"] }));
        let loops = json!({ "peripheral": "spi/0.0", "write": "0a0b" });
        let loops = bench.ask("console", "spi", loops).await;
        assert_eq!(loops, json!({ "read": "0a0b" }));
        let sent = json!({ "port": "uart/1", "send": "010203" });
        let sent = bench.ask("console", "uart", sent).await;
        assert_eq!(sent, json!({ "read": "010203" }));
        let set = json!({ "line": "gpio/A3", "value": true });
        bench.ask("console", "write-line", set).await;
        assert_eq!(bench.board().level("gpio/A3"), Some(true));
        let measured = bench
            .ask("console", "adc", json!({ "channel": "adc/0" }))
            .await;
        let value = measured["value"].as_f64().unwrap();
        assert!((value - 1.5).abs() < 0.01, "{measured}");
    });
}

#[test]
fn a_line_that_nothing_drives_follows_the_resistor_and_keeps_it() {
    on_a_workbench(BOARD, &system(), async |bench| {
        let mut edges = bench.watch("$edge/console/#");
        for (bias, active) in [("pull-up", true), ("pull-down", false), ("pull-up", true)] {
            let read = json!({ "line": "gpio/A4", "bias": bias });
            let read = bench.ask("console", "read-line", read).await;
            assert_eq!(read, json!({ "active": active }), "{bias}");
        }
        // Watched, and read again, it is held by the resistor still.
        bench
            .ask("console", "watch", json!({ "line": "gpio/A4" }))
            .await;
        let again = json!({ "line": "gpio/A4" });
        let read = bench.ask("console", "read-line", again).await;
        assert_eq!(read, json!({ "active": true }));
        // Edges go on when only the resistor is another.
        let down = json!({ "line": "gpio/A4", "bias": "pull-down" });
        bench.ask("console", "read-line", down).await;
        edges.so_far();
        bench.board().set_line("gpio/A4", Some(true)).unwrap();
        bench.ms(10).await;
        assert_eq!(edges.so_far().len(), 1);
        bench.board().set_line("gpio/A4", None).unwrap();
        bench.ms(10).await;
        assert_eq!(edges.so_far().len(), 1, "the resistor pulls it down again");

        let set = json!({ "line": "gpio/A3", "value": false });
        bench.ask("console", "write-line", set).await;
        let output = json!({ "line": "gpio/A3", "bias": "pull-up" });
        let refused = bench
            .call("console", "read-line", output)
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("gpio/A3 is an output here"),
            "{refused:?}"
        );
        let wrong = json!({ "line": "gpio/A4", "bias": "up" });
        let refused = bench.call("console", "read-line", wrong).await.unwrap_err();
        assert!(refused.to_string().contains("bias"), "{refused:?}");
    });
}
