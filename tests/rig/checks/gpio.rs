//! Lines of real kernels in the hands of a plugin: what it sets is seen from outside, and the other way round.

use serde_json::{Value, json};

use crate::{Board, Guest, PC, PC_NEWEST, shared};

const CONSOLE: [(&str, &str); 1] = [("console", "weihe-plugin-console")];

/// A system with one console, which may use an output and two inputs of a chip.
fn system(output: &str, inputs: [&str; 2]) -> String {
    let [input, other] = inputs;
    format!(
        r#"
        [device.console]
        plugin = "console"
        [device.console.grants.hal.gpio]
        "{output}" = {{ mode = "output", safe = "inactive" }}
        "{input}" = "input"
        "{other}" = "input"
        "#
    )
}

/// What the console answers.
fn call(guest: &mut Guest, command: &str) -> Value {
    let ran = guest.run(&format!(
        "weihe -C /systems/gpio --json call console {command}"
    ));
    assert!(ran.status == 0, "{command}: {ran:?}");
    serde_json::from_str(&ran.output).unwrap_or(Value::Null)
}

/// An output drives and an input reads; an ended or a killed host leaves what is safe. The chip `weihe-rig` keeps a level
/// that nobody holds, so there it is the guard who has set it; `sim` lets go by itself. `chip` and the numbers of
/// its lines: an output, and two that are moved from outside.
fn a_plugin_has_lines(board: &Board, chip: &str, output: u32, [input, other]: [u32; 2]) {
    let Some(mut guest) = shared(board) else {
        return;
    };
    let line = |number: u32| format!("gpio/{chip}/{number}");
    let config = system(&line(output), [&line(input), &line(other)]);
    guest.start("gpio", &config, &CONSOLE);
    for active in [true, false, true] {
        let command = format!("write-line line={} value={active}", line(output));
        call(&mut guest, &command);
        assert_eq!(guest.level(output), active);
    }
    let read = format!("read-line line={}", line(input));
    for active in [true, false] {
        guest.drive(input, active);
        assert_eq!(call(&mut guest, &read), json!({ "active": active }));
    }
    guest.stop("gpio");
    assert!(!guest.level(output), "SIGTERM leaves what is safe");
    guest.start_again("gpio");
    let on = format!("write-line line={} value=true", line(output));
    call(&mut guest, &on);
    assert!(guest.level(output));
    guest.kill("gpio");
    guest.until("the guard has set what is safe", |guest| {
        (!guest.level(output)).then_some(())
    });
}

#[test]
fn a_plugin_has_lines_of_linux_6_1() {
    a_plugin_has_lines(&PC, "weihe-rig", 0, [16, 17]);
}

#[test]
fn a_plugin_has_lines_of_the_newest_linux() {
    a_plugin_has_lines(&PC_NEWEST, "sim", 0, [1, 2]);
}

#[test]
fn edges_come_in_order_as_events_of_the_line() {
    let Some(mut guest) = shared(&PC) else { return };
    let config = system(
        "gpio/weihe-rig/1",
        ["gpio/weihe-rig/18", "gpio/weihe-rig/19"],
    );
    guest.start("gpio", &config, &CONSOLE);
    guest.output(
        "weihe -C /systems/gpio --json events '$edge/console/#' --count 4 \
         </dev/null >/systems/gpio/edges 2>&1 &",
    );
    call(&mut guest, "watch line=gpio/weihe-rig/18");
    // Until the follower follows, edges go by; so it is moved until four have come.
    let edges = guest.until("four edges", |guest| {
        guest.drive(18, true);
        guest.drive(18, false);
        let text = guest.output("cat /systems/gpio/edges");
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        (events.len() == 4).then_some(events)
    });
    let sequences: Vec<u64> = edges
        .iter()
        .map(|edge| edge["sequence"].as_u64().expect("a sequence"))
        .collect();
    assert!(
        sequences.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{edges:?}"
    );
    for pair in edges.windows(2) {
        assert!(
            pair[0]["value"].is_boolean() && pair[0]["value"] != pair[1]["value"],
            "{edges:?}"
        );
    }
}

#[test]
fn a_line_that_another_program_holds_is_taken_by_it() {
    let Some(mut guest) = shared(&PC) else { return };
    let config = system(
        "gpio/weihe-rig/3",
        ["gpio/weihe-rig/20", "gpio/weihe-rig/21"],
    );
    guest.start("gpio", &config, &CONSOLE);
    let base = guest.output("cat /sys/devices/platform/weihe-rig/gpio/gpiochip*/base");
    let number = base.trim().parse::<u32>().expect("a number") + 20;
    guest.output(&format!("echo {number} >/sys/class/gpio/export"));
    let read = "weihe -C /systems/gpio call console read-line line=gpio/weihe-rig/20";
    let refused = guest.run(read);
    guest.output(&format!("echo {number} >/sys/class/gpio/unexport"));
    let said = format!("{}{}", refused.output, refused.errors);
    let holder = "is taken by a program that has exported it through /sys/class/gpio";
    assert!(refused.status != 0 && said.contains(holder), "{said}");
    // Once it is free, it is had.
    guest.output(read);
}
