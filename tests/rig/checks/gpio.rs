//! Lines of real kernels in the hands of a plugin: what it sets is seen from outside, and the other way round.

use serde_json::{Value, json};

use crate::{Board, Guest, PC, PC_NEWEST, VIRT, shared};

const PLUGINS: [(&str, &str); 2] = [
    ("console", "weihe-plugin-console"),
    ("hardware", "weihe-bench-hardware"),
];

/// How the host gets at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    /// The character device as it is since Linux 5.10.
    V2,
    /// As it was before.
    V1,
    /// As it was before Linux 5.5: what a taken line is used for cannot be changed.
    V1Of4_19,
    /// Without a character device.
    Sysfs,
}

impl Interface {
    /// What goes before the command that starts the host.
    fn words(self) -> &'static str {
        match self {
            Self::V1 => "older v1",
            Self::V1Of4_19 => "older v1-4.19",
            Self::V2 | Self::Sysfs => "",
        }
    }

    /// What the kernel calls an open output and an open input with edges.
    fn descriptors(self) -> [&'static str; 2] {
        match self {
            Self::V2 => ["anon_inode:gpio-line", "anon_inode:gpio-line"],
            Self::V1 | Self::V1Of4_19 => ["anon_inode:gpio-linehandle", "anon_inode:gpio-event"],
            Self::Sysfs => ["/value", "/value"],
        }
    }
}

/// A system with a console, which may use an output and two inputs of a chip, and a counter of the edges of a third.
fn system(output: &str, inputs: [&str; 2], counted: &str) -> String {
    let [input, watched] = inputs;
    format!(
        r#"
        [device.console]
        plugin = "console"
        [device.console.grants.hal.gpio]
        "{output}" = {{ mode = "output", safe = "inactive" }}
        "{input}" = "input"
        "{watched}" = "input"

        [device.counter]
        plugin = "hardware"
        config = {{ input = "{counted}" }}
        grants.hal.gpio."{counted}" = "input"
        "#
    )
}

/// What a device answers.
fn call(guest: &mut Guest, command: &str) -> Value {
    let ran = guest.run(&format!("weihe -C /systems/gpio --json call {command}"));
    assert!(ran.status == 0, "{command}: {ran:?}");
    serde_json::from_str(&ran.output).unwrap_or(Value::Null)
}

/// The whole life of lines: what is set is seen from outside and what is moved outside is read, edges come in order, those
/// that the kernel could not keep are counted, and an ended or a killed host leaves what is safe. The chip `weihe-rig` keeps
/// a level that nobody holds, so there it is the guard who has set it; `sim` lets go by itself. `chip` and the numbers of
/// its lines: an output, and three that are moved from outside.
fn lines_live(guest: &mut Guest, interface: Interface, chip: &str, lines: [u32; 4]) {
    let [output, input, watched, counted] = lines;
    let line = |number: u32| format!("gpio/{chip}/{number}");
    let config = system(
        &line(output),
        [&line(input), &line(watched)],
        &line(counted),
    );
    guest.start_under(interface.words(), "gpio", &config, &PLUGINS);
    // What is read is no memory of the host: it is the line's.
    let set = format!("console write-line line={} value=", line(output));
    for active in [true, false, true] {
        call(guest, &format!("{set}{active}"));
        assert_eq!(guest.level(output), active);
        let read = call(guest, &format!("console read-line line={}", line(output)));
        assert_eq!(read, json!({ "active": active }));
    }
    let read = format!("console read-line line={}", line(input));
    for active in [true, false] {
        guest.drive(input, active);
        assert_eq!(call(guest, &read), json!({ "active": active }));
    }
    call(guest, &format!("console watch line={}", line(watched)));
    edges_come_in_order(guest, |guest| {
        guest.drive(watched, true);
        guest.drive(watched, false);
    });
    let open = guest.descriptors("gpio");
    for name in interface.descriptors() {
        assert!(
            open.lines().any(|file| file.ends_with(name)),
            "no {name}: {open}"
        );
    }
    missed_edges_are_counted(guest, interface, counted);
    guest.stop("gpio");
    assert!(!guest.level(output), "SIGTERM leaves what is safe");
    guest.start_again("gpio");
    call(guest, &format!("{set}true"));
    assert!(guest.level(output));
    guest.kill("gpio");
    guest.until("the guard has set what is safe", |guest| {
        (!guest.level(output)).then_some(())
    });
}

/// The console watches a line that moves up and down: what comes of it, as an operator follows it.
fn edges_come_in_order(guest: &mut Guest, mut press: impl FnMut(&mut Guest)) {
    guest.output(
        "weihe -C /systems/gpio --json events '$edge/console/#' --count 4 \
         </dev/null >/systems/gpio/edges 2>&1 &",
    );
    // Until the follower follows, edges go by; so it is moved until four have come.
    let edges = guest.until("four edges", |guest| {
        press(guest);
        let text = guest.output("cat /systems/gpio/edges");
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        (events.len() == 4).then_some(events)
    });
    for pair in edges.windows(2) {
        let sequence = |edge: &Value| edge["sequence"].as_u64().expect("a sequence");
        assert_eq!(sequence(&pair[1]), sequence(&pair[0]) + 1, "{edges:?}");
        assert!(
            pair[0]["value"].is_boolean() && pair[0]["value"] != pair[1]["value"],
            "{edges:?}"
        );
    }
}

/// What the kernel cannot keep for a host that does not look. In the second generation it keeps the 256 edges that the host
/// asks for; it throws the oldest away, and numbers them. The first keeps the first 16, and that some are missing shows only
/// when one goes the same way as the one before it.
fn missed_edges_are_counted(guest: &mut Guest, interface: Interface, line: u32) {
    let counted = |guest: &mut Guest, what: &str, counted: u64, missed: u64| {
        let edges = guest.until(what, |guest| {
            let edges = call(guest, "counter edges");
            (edges["counted"].as_u64()? >= counted).then_some(edges)
        });
        assert_eq!(
            edges,
            json!({ "counted": counted, "missed": missed }),
            "{what}"
        );
    };
    guest.drive(line, true);
    guest.drive(line, false);
    counted(guest, "both edges of a pulse", 2, 0);
    match interface {
        Interface::V2 => {
            guest.drive_behind_the_back_of("gpio", line, 300);
            counted(guest, "300 edges", 2 + 256, 44);
        }
        Interface::V1 | Interface::V1Of4_19 => {
            guest.drive_behind_the_back_of("gpio", line, 41);
            counted(guest, "41 edges", 2 + 16, 0);
            guest.drive(line, false);
            counted(guest, "one more, down as the last that came", 2 + 17, 1);
        }
        Interface::Sysfs => panic!("nothing is kept there"),
    }
}

fn lines_live_on(board: &Board, interface: Interface, chip: &str, lines: [u32; 4]) {
    if let Some(mut guest) = shared(board) {
        lines_live(&mut guest, interface, chip, lines);
    }
}

#[test]
fn lines_of_linux_6_1_live() {
    lines_live_on(&PC, Interface::V2, "weihe-rig", [0, 16, 17, 18]);
}

#[test]
fn lines_of_the_newest_linux_live() {
    lines_live_on(&PC_NEWEST, Interface::V2, "sim", [0, 1, 2, 3]);
}

#[test]
fn lines_live_by_the_first_generation() {
    lines_live_on(&PC, Interface::V1, "weihe-rig", [1, 16, 17, 18]);
}

#[test]
fn lines_live_by_the_first_generation_as_linux_4_19_has_it() {
    lines_live_on(&PC, Interface::V1Of4_19, "weihe-rig", [2, 16, 17, 18]);
}

/// The power key of the emulated ARM board, a PL061's line 3, in the hands of a plugin.
fn the_power_key_has_edges(guest: &mut Guest, interface: Interface) {
    let key = "gpio/9030000.pl061/3";
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\ngpio.\"{key}\" = \"input\"\n"
    );
    guest.start_under(interface.words(), "gpio", &config, &PLUGINS[..1]);
    call(guest, &format!("console watch line={key}"));
    edges_come_in_order(guest, Guest::press_power_key);
    let open = guest.descriptors("gpio");
    assert!(open.contains(interface.descriptors()[1]), "{open}");
}

#[test]
fn the_power_key_of_the_arm_board_has_edges() {
    if let Some(mut guest) = shared(&VIRT) {
        the_power_key_has_edges(&mut guest, Interface::V2);
    }
}

#[test]
fn the_power_key_of_the_arm_board_has_edges_by_the_first_generation() {
    if let Some(mut guest) = shared(&VIRT) {
        the_power_key_has_edges(&mut guest, Interface::V1);
    }
}

/// As on a kernel without CONFIG_GPIO_CDEV: neither the device nor the bus with it is there.
#[test]
fn the_power_key_of_the_arm_board_has_edges_without_a_character_device() {
    let Some(mut guest) = shared(&VIRT) else {
        return;
    };
    guest.output("rm /dev/gpiochip0 && mount -t tmpfs none /sys/bus/gpio/devices");
    the_power_key_has_edges(&mut guest, Interface::Sysfs);
    guest.output(
        "umount /sys/bus/gpio/devices \
         && mknod /dev/gpiochip0 c $(tr : ' ' </sys/bus/gpio/devices/gpiochip0/dev)",
    );
}

#[test]
fn a_line_that_another_program_holds_is_taken_by_it() {
    let Some(mut guest) = shared(&PC) else { return };
    let line = "gpio/weihe-rig/20";
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\ngpio.\"{line}\" = \"input\"\n"
    );
    guest.start("gpio", &config, &PLUGINS[..1]);
    let base = guest.output("cat /sys/devices/platform/weihe-rig/gpio/gpiochip*/base");
    let number = base.trim().parse::<u32>().expect("a number") + 20;
    guest.output(&format!("echo {number} >/sys/class/gpio/export"));
    let read = format!("weihe -C /systems/gpio call console read-line line={line}");
    let refused = guest.run(&read);
    guest.output(&format!("echo {number} >/sys/class/gpio/unexport"));
    let said = format!("{}{}", refused.output, refused.errors);
    let holder = "is taken by a program that has exported it through /sys/class/gpio";
    assert!(refused.status != 0 && said.contains(holder), "{said}");
    // Once it is free, it is had.
    guest.output(&read);
}
