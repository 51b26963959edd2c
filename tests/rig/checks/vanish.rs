//! A chip that goes away while its lines are held, as an adapter does that is pulled out.

use serde_json::{Value, json};

use crate::{Guest, PC_NEWEST, shared};

const LIVE: &str = "/sys/kernel/config/gpio-sim/rig/live";

fn call(guest: &mut Guest, command: &str) -> Result<Value, String> {
    let ran = guest.run(&format!(
        "weihe -C /systems/vanish --json call console {command}"
    ));
    match ran.status {
        0 => Ok(serde_json::from_str(&ran.output).unwrap_or(Value::Null)),
        _ => Err(format!("{}{}", ran.output, ran.errors)),
    }
}

/// While it is away, each use says so; when it is back, an output is what it was and an input has edges, without the plugin
/// doing anything for it. Not on Linux 6.1, which itself falls over when a chip goes whose lines are held.
#[test]
fn lines_whose_chip_goes_away_say_so_and_come_back() {
    let Some(mut guest) = shared(&PC_NEWEST) else {
        return;
    };
    let config = r#"
        [device.console]
        plugin = "console"
        [device.console.grants.hal.gpio]
        "gpio/sim/4" = { mode = "output", safe = "inactive" }
        "gpio/sim/5" = "input"

        [device.counter]
        plugin = "hardware"
        config = { input = "gpio/sim/6" }
        grants.hal.gpio."gpio/sim/6" = "input"
    "#;
    let plugins = [
        ("console", "weihe-plugin-console"),
        ("hardware", "weihe-bench-hardware"),
    ];
    guest.start("vanish", config, &plugins);
    let on = "write-line line=gpio/sim/4 value=true";
    call(&mut guest, on).expect("the line is set");
    assert!(guest.level(4));
    let read = "read-line line=gpio/sim/5";
    call(&mut guest, read).expect("the line is read");
    let counted = |guest: &mut Guest| {
        let edges = guest.ask("vanish", "call counter edges");
        edges.and_then(|edges| edges["counted"].as_u64())
    };
    guest.drive(6, true);
    guest.until("an edge", |guest| (counted(guest) == Some(1)).then_some(()));

    guest.output(&format!("echo 0 >{LIVE}"));
    for (line, command) in [("gpio/sim/4", on), ("gpio/sim/5", read)] {
        let said = call(&mut guest, command).expect_err("its chip is not there");
        let gone = said.contains("has vanished") || said.contains("is not there");
        assert!(said.contains(line) && gone, "{said}");
    }

    guest.output(&format!("echo 1 >{LIVE}"));
    guest.until("the input again", |guest| {
        (call(guest, read) == Ok(json!({ "active": false }))).then_some(())
    });
    let output = call(&mut guest, "read-line line=gpio/sim/4");
    assert_eq!(output, Ok(json!({ "active": true })));
    assert!(guest.level(4), "it is what it was");
    // It is looked for each second: edges before that are nobody's.
    let before = counted(&mut guest);
    guest.until("edges again", |guest| {
        guest.drive(6, true);
        guest.drive(6, false);
        (counted(guest) > before).then_some(())
    });
}
