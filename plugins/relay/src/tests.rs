//! The same natively and, with `--features sandbox`, as a component on a virtual board.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

/// The two directions of a shutter.
const BOARD: &str = "[line.up]\nkind = \"relay\"\n[line.down]\nkind = \"relay\"";

const CONFIG: &str = r#"{ "relays": ["up", "down"], "interlock": "500 ms" }"#;

fn start(setup: Setup<Relay>) -> TestKernel<Relay> {
    let setup = setup.device("shutter").board(BOARD);
    let mut kernel = setup.line("up").line("down").start(CONFIG).unwrap();
    // Nobody knows what was on before the start: that counts as a pause, too.
    pass(&mut kernel, 500);
    kernel
}

/// Whether each of the lines is active.
fn lines(kernel: &mut TestKernel<Relay>) -> [bool; 2] {
    ["up", "down"].map(|line| kernel.board().line(line).is_active())
}

fn pass(kernel: &mut TestKernel<Relay>, millis: u64) {
    kernel.advance(Duration::from_millis(millis)).unwrap();
}

#[weihe_sdk::test(sandbox)]
fn the_two_are_never_on_together_and_there_is_a_pause_between_them(setup: Setup<Relay>) {
    let mut kernel = start(setup);
    kernel.call("on", r#"{ "relay": "up" }"#).unwrap();
    assert_eq!(lines(&mut kernel), [true, false]);
    kernel.call("on", r#"{ "relay": "down" }"#).unwrap();
    assert_eq!(lines(&mut kernel), [false, false]);
    pass(&mut kernel, 400);
    assert_eq!(lines(&mut kernel), [false, false]);
    pass(&mut kernel, 200);
    assert_eq!(lines(&mut kernel), [false, true]);
    assert_eq!(
        kernel.last("plugin/shutter/down"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_pulse_ends_and_a_relay_that_there_is_not_is_named(setup: Setup<Relay>) {
    let mut kernel = start(setup);
    let pulse = r#"{ "relay": "up", "for": "2 s" }"#;
    kernel.call("pulse", pulse).unwrap();
    pass(&mut kernel, 1_900);
    assert_eq!(lines(&mut kernel), [true, false]);
    pass(&mut kernel, 200);
    assert_eq!(lines(&mut kernel), [false, false]);
    let refused = kernel.call("on", r#"{ "relay": "left" }"#).unwrap_err();
    assert!(refused.to_string().contains("`left`"), "{refused}");
}
