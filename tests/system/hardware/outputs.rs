//! Chips that act, show and keep.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::on_a_workbench;

use super::chips::ails;

const BOARD: &str = r#"
[i2c."i2c/1"."0x20"]
name = "expander"
model = "mcp23017"
pins = "x"

[i2c."i2c/1"."0x41"]
name = "dimmer"
model = "pca9685"

[i2c."i2c/1"."0x3c"]
name = "display"
model = "ssd1306"

[i2c."i2c/1"."0x50"]
name = "memory"
model = "24c02"
"#;

const PINS: &str = r#"
plugin.mcp23017 = "weihe-plugin-mcp23017"
[device.io]
plugin = "mcp23017"
grants.hal.i2c."i2c/1" = [0x20]
[device.io.config]
bus = "i2c/1"
pins.valve = { pin = "A0", mode = "output" }
pins.lamp = { pin = "A1", mode = "output", active = "low" }
pins.door = { pin = "B0", pull-up = true, active = "low" }
"#;

#[test]
fn pins_are_switched_and_read_and_survive_a_loss_of_power() {
    on_a_workbench(BOARD, PINS, async |bench| {
        bench.ms(200).await;
        let levels = |bench: &weihe_tests::Workbench| {
            ["x/A0", "x/A1"].map(|line| bench.board().level(line).unwrap())
        };
        assert_eq!(levels(bench), [false, true], "both are off");
        assert_eq!(bench.value("plugin/io/door"), false);
        bench.board().drive("x/B0", false);
        bench.ms(200).await;
        assert_eq!(bench.value("plugin/io/door"), true);

        bench
            .ask("io", "set", json!({"pin": "valve", "on": true}))
            .await;
        bench.ask("io", "toggle", json!({"pin": "lamp"})).await;
        assert_eq!(levels(bench), [true, false]);
        assert_eq!(bench.value("plugin/io/valve"), true);
        let wrong = bench
            .call("io", "set", json!({"pin": "door", "on": true}))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("is an input"));

        // Whoever replaces the plugin does not switch anything.
        bench.swap("mcp23017", "weihe-plugin-mcp23017").await;
        assert_eq!(levels(bench), [true, false]);
        bench.ms(200).await;
        assert_eq!(levels(bench), [true, false]);
    });
}

#[test]
fn an_expander_that_was_without_power_is_set_up_again_and_ends_safe() {
    on_a_workbench(BOARD, PINS, async |bench| {
        bench.ms(200).await;
        bench
            .ask("io", "set", json!({"pin": "valve", "on": true}))
            .await;
        bench.board().fault("expander", Fault::Unplugged).unwrap();
        bench.ms(1_000).await;
        ails(bench, "plugin/io/state", "0x20");
        assert!(bench.value("plugin/io/valve").is_null());
        bench.board().mend("expander").unwrap();
        bench.ms(31_000).await;
        assert_eq!(bench.value("plugin/io/state"), "ready");
        assert_eq!(bench.board().level("x/A0"), Some(true));
        bench.remove("io").await;
        assert_eq!(bench.board().level("x/A0"), Some(false));
    });
}

const DIMMER: &str = r#"
plugin.pca9685 = "weihe-plugin-pca9685"
[device.pwm]
plugin = "pca9685"
grants.hal.i2c."i2c/1" = [0x41]
[device.pwm.config]
bus = "i2c/1"
address = 0x41
outputs.fan = { channel = 0, safe = 0.25 }
outputs.servo = { channel = 15 }
"#;

/// The steps at which an output goes on and off, as the chip's registers have them.
fn steps(registers: &[u8], channel: usize) -> (u16, u16) {
    let word = |at: usize| u16::from_le_bytes([registers[at], registers[at + 1]]);
    let at = 6 + 4 * channel;
    (word(at), word(at + 2))
}

#[test]
fn outputs_have_the_width_that_was_asked_for_and_end_safe() {
    on_a_workbench(BOARD, DIMMER, async |bench| {
        bench.ms(200).await;
        let registers =
            |bench: &weihe_tests::Workbench| bench.board().memory("i2c/1", 0x41).unwrap();
        assert_eq!(steps(&registers(bench), 0), (0, 1_024));
        bench
            .ask("pwm", "set", json!({"output": "fan", "duty": 0.5}))
            .await;
        assert_eq!(steps(&registers(bench), 0), (0, 2_048));
        // 1.5 ms of 20 ms.
        bench
            .ask("pwm", "pulse", json!({"output": "servo", "us": 1500}))
            .await;
        let (_, off) = steps(&registers(bench), 15);
        assert!((305..=309).contains(&off), "{off}");
        let wrong = bench
            .call("pwm", "pulse", json!({"output": "servo", "us": 30000}))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("`us`"));

        bench.board().fault("dimmer", Fault::Unplugged).unwrap();
        bench.ms(3_000).await;
        ails(bench, "plugin/pwm/state", "0x41");
        bench.board().mend("dimmer").unwrap();
        bench.ms(31_000).await;
        assert_eq!(steps(&registers(bench), 0), (0, 2_048), "as before");
        bench.remove("pwm").await;
        assert_eq!(steps(&registers(bench), 0), (0, 1_024));
    });
}

const DISPLAY: &str = r#"
plugin.ssd1306 = "weihe-plugin-ssd1306"
plugin.mcp23017 = "weihe-plugin-mcp23017"
[device.screen]
plugin = "ssd1306"
grants.hal.i2c."i2c/1" = [0x3c]
grants.subscribe = ["plugin/io/#"]
[device.screen.config]
bus = "i2c/1"
rows = [{ text = "Hello" }, { text = "valve {}", input = "plugin/io/valve" }]
[device.io]
plugin = "mcp23017"
grants.hal.i2c."i2c/1" = [0x20]
config = { bus = "i2c/1", pins = { valve = { pin = "A0", mode = "output" } } }
"#;

/// Points that are lit in a row of letters.
fn lit(bench: &weihe_tests::Workbench, row: usize) -> usize {
    let screen = bench.board().screen("i2c/1", 0x3c).unwrap();
    let rows = screen.iter().skip(row * 5).take(5);
    rows.flat_map(|line| line.chars())
        .map(|letter| match letter {
            '█' => 2,
            '▀' | '▄' => 1,
            _ => 0,
        })
        .sum()
}

#[test]
fn a_display_shows_texts_values_and_bars_and_does_so_again_after_it_was_pulled() {
    on_a_workbench(BOARD, DISPLAY, async |bench| {
        bench.ms(500).await;
        // `H` as the font has it: two strokes and a bar between them.
        let screen = bench.board().screen("i2c/1", 0x3c).unwrap();
        let first: String = screen[1].chars().take(6).collect();
        assert_eq!(
            first.chars().filter(|letter| *letter == '█').count(),
            2,
            "{first}"
        );
        let off = lit(bench, 1);
        bench
            .ask("io", "set", json!({"pin": "valve", "on": true}))
            .await;
        bench.ms(300).await;
        assert_ne!(lit(bench, 1), off, "the value is another");
        let status = bench.ask("screen", "status", json!({})).await;
        assert_eq!(status["rows"][1], "valve on");

        bench
            .ask("screen", "bar", json!({"row": 5, "share": 1.0}))
            .await;
        assert!(lit(bench, 5) > 800, "a row of the display is full");
        bench
            .ask("screen", "bar", json!({"row": 5, "share": 0.1}))
            .await;
        assert!(lit(bench, 5) < 400);
        let wrong = bench
            .call("screen", "text", json!({"row": 6, "text": "no"}))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("`row`"));

        let before = bench.board().screen("i2c/1", 0x3c).unwrap();
        bench.board().fault("display", Fault::Unplugged).unwrap();
        bench.ms(3_000).await;
        ails(bench, "plugin/screen/state", "0x3c");
        bench.board().mend("display").unwrap();
        bench.ms(31_000).await;
        assert_eq!(bench.board().screen("i2c/1", 0x3c).unwrap(), before);
    });
}

const MEMORY: &str = r#"
plugin.eeprom = "weihe-plugin-eeprom"
[device.store]
plugin = "eeprom"
config = { bus = "i2c/1", part = "24c02" }
grants.hal.i2c."i2c/1" = [0x50]
"#;

#[test]
fn a_memory_keeps_what_is_written_across_pages() {
    on_a_workbench(BOARD, MEMORY, async |bench| {
        bench.ms(200).await;
        let text = "Weihe 0123456789 abcdefghij";
        let written = bench
            .ask("store", "write", json!({"at": 5, "text": text}))
            .await;
        assert_eq!(written["written"], text.len());
        let read = bench
            .ask("store", "dump", json!({"at": 5, "count": text.len()}))
            .await;
        assert_eq!(read["text"], text);
        let memory = bench.board().memory("i2c/1", 0x50).unwrap();
        assert_eq!(&memory[5..5 + text.len()], text.as_bytes());
        let verified = bench
            .ask("store", "verify", json!({"at": 5, "hex": "57 66"}))
            .await;
        assert_eq!(verified, json!({"same": false, "differs-at": 6}));
        let wrong = bench
            .call("store", "write", json!({"at": 255, "hex": "00 01"}))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("256"));

        bench.board().fault("memory", Fault::Unplugged).unwrap();
        let failed = bench
            .call("store", "write", json!({"at": 0, "hex": "00"}))
            .await;
        assert!(failed.unwrap_err().to_string().contains("0x50"));
        bench.board().mend("memory").unwrap();
        bench.ms(31_000).await;
        assert_eq!(bench.value("plugin/store/state"), "ready");
    });
}
