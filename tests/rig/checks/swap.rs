//! A line that stays what it is while the plugin that set it is replaced.

use serde_json::json;

use super::edges::Raising;
use crate::{Guest, PC, shared};

fn call(guest: &mut Guest, command: &str) -> serde_json::Value {
    let answer = guest.ask("swap", &format!("call valve {command}"));
    answer.unwrap_or_else(|| panic!("{command}: {}", guest.log("swap")))
}

/// The far end of the wire is watched by the kernel: between what is set and what the guard sets there is no edge, though
/// the plugin was replaced, rolled back, and opened the line anew each time.
fn a_swap_leaves_the_wire_alone(words: &str) {
    let Some(mut guest) = shared(&PC) else { return };
    let far = Raising::begin(&mut guest, "weihe-rig", "weihe-rig", 8);
    let config = r#"
        [device.valve]
        plugin = "outputs"
        config = { start-1 = "out gpio/weihe-rig/0 inactive", start-2 = "out gpio/weihe-rig/0 inactive" }
        grants.hal.gpio."gpio/weihe-rig/0" = { mode = "output", safe = "inactive" }
    "#;
    guest.start_under(words, "swap", config, &[("outputs", "outputs-1")]);
    let closed = far.count(&mut guest);
    assert!(!guest.level(8));
    call(&mut guest, "do words='set gpio/weihe-rig/0 1'");
    assert!(guest.level(8));
    assert_eq!(far.count(&mut guest), closed + 1);

    guest.swap("swap", "outputs", "outputs-2");
    assert_eq!(call(&mut guest, "version"), json!("2.0.0"));
    // It has the line, and is not the one that has set it.
    call(&mut guest, "do words='set gpio/weihe-rig/0 1'");
    guest.output("weihe -C /systems/swap rollback outputs");
    assert_eq!(call(&mut guest, "version"), json!("1.0.0"));
    assert!(guest.level(8));
    assert_eq!(far.count(&mut guest), closed + 1, "the wire moved");

    // The guard has what was swapped, too.
    guest.kill("swap");
    guest.until("the guard has set what is safe", |guest| {
        (!guest.level(8)).then_some(())
    });
    assert_eq!(far.count(&mut guest), closed + 2);
    far.end(&mut guest);
}

#[test]
fn a_swap_and_a_rollback_leave_the_wire_alone() {
    a_swap_leaves_the_wire_alone("");
}

#[test]
fn a_swap_and_a_rollback_leave_the_wire_alone_on_linux_4_19() {
    a_swap_leaves_the_wire_alone("older v1-4.19");
}
