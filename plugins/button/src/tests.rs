//! The same natively and, with `--features sandbox`, as a component on a virtual board.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

/// Between its line and ground, with a resistor against it.
const BOARD: &str = "[line.button]\nkind = \"button\"";

fn start(setup: Setup<Button>) -> TestKernel<Button> {
    let setup = setup.device("door").board(BOARD).line("button");
    setup.start(r#"{ "active": "low", "pull": "up" }"#).unwrap()
}

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// Pressed for so long, and then nothing for so long.
fn press(kernel: &mut TestKernel<Button>, held: u64, after: u64) {
    kernel.board().press("button").unwrap();
    kernel.advance(ms(held)).unwrap();
    kernel.board().release("button").unwrap();
    kernel.advance(ms(after)).unwrap();
}

fn count(kernel: &TestKernel<Button>, topic: &str) -> i64 {
    match kernel.last(&format!("plugin/door/{topic}")) {
        Some(ValueBuf::Integer(count)) => count,
        None => 0,
        other => panic!("{topic}: {other:?}"),
    }
}

#[weihe_sdk::test(sandbox)]
fn clicks_double_clicks_and_long_presses_are_told_apart(setup: Setup<Button>) {
    let mut kernel = start(setup);
    assert_eq!(
        kernel.last("plugin/door/pressed"),
        Some(ValueBuf::Boolean(false))
    );
    press(&mut kernel, 100, 1_000);
    press(&mut kernel, 100, 100);
    press(&mut kernel, 100, 1_000);
    press(&mut kernel, 1_000, 1_000);
    let told = ["presses", "click", "double", "long"].map(|topic| count(&kernel, topic));
    assert_eq!(told, [4, 1, 1, 1]);
    assert_eq!(
        kernel.last("plugin/door/state"),
        Some(ValueBuf::Text("ready".into()))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_spike_is_no_press_and_a_held_button_says_so_while_it_is_held(setup: Setup<Button>) {
    let mut kernel = start(setup);
    press(&mut kernel, 3, 500);
    assert_eq!(count(&kernel, "presses"), 0);
    kernel.board().press("button").unwrap();
    kernel.advance(ms(700)).unwrap();
    assert_eq!((count(&kernel, "presses"), count(&kernel, "long")), (1, 0));
    kernel.advance(ms(200)).unwrap();
    assert_eq!(count(&kernel, "long"), 1);
}

#[weihe_sdk::test(sandbox)]
fn counts_survive_a_restart(setup: Setup<Button>) {
    let mut kernel = start(setup);
    press(&mut kernel, 100, 1_000);
    kernel
        .restart(r#"{ "active": "low", "pull": "up" }"#)
        .unwrap();
    press(&mut kernel, 100, 1_000);
    assert_eq!(count(&kernel, "click"), 2);
}
