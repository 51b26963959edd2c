//! Lines: levels, resistors, edges, contacts.

use super::*;
use crate::error::HalError;

#[test]
fn a_button_is_pressed_for_a_time_and_bounces() {
    let (board, clock) = board(
        r#"
        [line."gpio/A3"]
        alias = "start"
        kind = "button"
        bounces = 2
        bounce = "4ms"
        "#,
    );
    let (line, heard) = listen(&board, "gpio/A3", Bias::AsIs);
    assert!(line.read().unwrap(), "the resistor on the board");
    board.press("start", Some(50 * MILLISECOND)).unwrap();
    assert!(!line.read().unwrap());
    clock.advance(100 * MILLISECOND);
    assert!(line.read().unwrap());
    let times: Vec<u64> = heard
        .values()
        .iter()
        .map(|(time, _)| time / MILLISECOND)
        .collect();
    assert_eq!(times, [0, 1, 2, 3, 4, 50, 51, 52, 53, 54]);
}

#[test]
fn an_edge_has_the_time_at_which_it_was_due() {
    let (board, clock) = board("[line.b]\nkind = \"button\"");
    let (_line, heard) = listen(&board, "b", Bias::AsIs);
    board.press("b", Some(7 * MILLISECOND)).unwrap();
    // Nobody looks for a second.
    clock.advance(1_000 * MILLISECOND);
    board.catch_up();
    assert_eq!(heard.values(), [(0, false), (7 * MILLISECOND, true)]);
}

#[tokio::test]
async fn things_happen_by_themselves_where_there_is_a_runtime() {
    let (board, clock) = board("[line.b]\nkind = \"button\"");
    let (_line, heard) = listen(&board, "b", Bias::AsIs);
    board.press("b", Some(7 * MILLISECOND)).unwrap();
    clock.run(6 * MILLISECOND).await;
    assert_eq!(heard.values(), [(0, false)]);
    clock.run(MILLISECOND).await;
    assert_eq!(heard.values(), [(7 * MILLISECOND, true)]);
}

#[test]
fn resistors_are_respected_and_a_line_without_any_keeps_its_level() {
    let (board, _) = board(
        r#"
        lines = ["plain"]
        [line.up]
        pull = "up"
        [line.bare]
        kind = "button"
        pull = "none"
        "#,
    );
    let read = |name: &str, bias| {
        open(&board, name, &input(bias, Edges::None, 0))
            .read()
            .unwrap()
    };
    assert!(read("plain", Bias::PullUp));
    assert!(!read("plain", Bias::PullDown));
    assert!(read("up", Bias::Disabled));
    // A button to ground alone never comes back.
    assert!(read("bare", Bias::PullUp));
    open(&board, "bare", &input(Bias::Disabled, Edges::None, 0));
    board.press("bare", None).unwrap();
    board.release("bare").unwrap();
    assert!(!read("bare", Bias::Disabled), "it floats");
    let seen = board.look().lines;
    assert!(seen.iter().any(|line| line.name == "bare" && line.floating));
}

#[test]
fn what_a_line_cannot_do_is_said_with_what_to_do() {
    let (board, _) = board(
        r#"
        [line.poor]
        bias = false
        edges = false
        [line.lamp]
        kind = "led"
        [line.sense]
        direction = "input"
        "#,
    );
    let refused = |name: &str, config: &LineConfig| {
        let opened = board.line(name, config, Arc::new(|_| {}));
        match opened.err() {
            Some(HalError::Unsupported(text)) => text,
            other => panic!("{name}: {other:?}"),
        }
    };
    let text = refused("poor", &input(Bias::PullUp, Edges::None, 0));
    assert!(
        text.starts_with("poor: ") && text.contains("no pull resistors"),
        "{text}"
    );
    let text = refused("poor", &input(Bias::AsIs, Edges::Rising, 0));
    assert!(text.contains("no interrupts"), "{text}");
    let text = refused("lamp", &input(Bias::AsIs, Edges::None, 0));
    assert!(text.contains("led"), "{text}");
    refused("sense", &output(None));
    let unknown = board.line("lmp", &output(None), Arc::new(|_| {})).err();
    assert_eq!(
        unknown.unwrap().to_string(),
        "there is no line `lmp`; did you mean `lamp`?"
    );
}

#[test]
fn active_low_lines_and_open_drains_are_what_they_are_on_hardware() {
    let (board, _) = board("[line.relay]\nkind = \"relay\"\n[line.shared]\npull = \"up\"");
    let low = LineConfig {
        active_low: true,
        ..output(Some(true))
    };
    let relay = open(&board, "relay", &low);
    assert_eq!(board.level("relay"), Some(false));
    relay.write(false).unwrap();
    assert_eq!(board.level("relay"), Some(true));
    let drain = LineConfig {
        active_low: false,
        mode: Mode::Output {
            drive: Drive::OpenDrain,
            initial: Some(true),
        },
    };
    let shared = open(&board, "shared", &drain);
    assert!(shared.read().unwrap());
    board.drive("shared", false);
    assert!(!shared.read().unwrap(), "somebody else pulls it down");
    assert!(!board.look().lines.iter().any(|line| line.shorted));
    // A line that is released and opened again keeps what it was.
    drop(relay);
    let relay = open(&board, "relay", &output(None));
    assert!(relay.read().unwrap());
}

#[test]
fn a_wire_carries_a_level_until_it_breaks() {
    let (board, _) = board("[line.out]\nwire = \"in\"\n[line.in]\npull = \"down\"");
    let out = open(&board, "out", &output(Some(true)));
    let (input, heard) = listen(&board, "in", Bias::AsIs);
    assert!(input.read().unwrap());
    out.write(false).unwrap();
    out.write(true).unwrap();
    let values: Vec<bool> = heard.take().iter().map(|edge| edge.active).collect();
    assert_eq!(values, [false, true]);
    board.fault("out", "broken".parse().unwrap()).unwrap();
    assert!(!input.read().unwrap(), "only the resistor is left");
    assert!(out.read().unwrap(), "the pin itself is still driven");
    board.mend("out").unwrap();
    assert!(input.read().unwrap());
}

#[test]
fn two_outputs_against_each_other_are_seen() {
    let (board, _) = board("[line.one]\nwire = \"other\"\n[line.other]");
    let _one = open(&board, "one", &output(Some(true)));
    let other = open(&board, "other", &output(Some(false)));
    assert!(board.look().lines.iter().all(|line| line.shorted));
    assert!(!other.read().unwrap());
}

#[test]
fn a_level_that_does_not_last_is_not_told_by_a_line_that_is_debounced() {
    let (board, clock) = board("[line.b]\nkind = \"button\"\nbounces = 3\nbounce = \"3ms\"");
    let heard = Heard::default();
    let config = input(Bias::AsIs, Edges::Both, 5 * MILLISECOND);
    let line = board.line("b", &config, heard.sink()).unwrap();
    board.press("b", Some(100 * MILLISECOND)).unwrap();
    assert!(line.read().unwrap(), "not steady yet");
    clock.advance(90 * MILLISECOND);
    assert!(!line.read().unwrap());
    clock.advance(90 * MILLISECOND);
    board.catch_up();
    assert_eq!(
        heard.values(),
        [(8 * MILLISECOND, false), (108 * MILLISECOND, true)]
    );
}

#[test]
fn a_queue_as_the_kernels_loses_the_oldest_and_counts_them() {
    let (board, _) = board("edge-queue = 16\nlines = [\"in\"]");
    let (line, heard) = listen(&board, "in", Bias::PullDown);
    // They come faster than anybody takes them.
    board.edges("in", 50, 20_000).unwrap();
    line.read().unwrap();
    let edges = heard.take();
    assert_eq!(edges.len(), 16);
    assert_eq!(edges[0].missed, 34);
    assert!(edges[1..].iter().all(|edge| edge.missed == 0));
    board.edges("in", 4, 20_000).unwrap();
    board.catch_up();
    let missed: u64 = heard.take().iter().map(|edge| edge.missed).sum();
    assert_eq!(missed, 0);
}

#[test]
fn no_edge_of_a_second_of_fifty_thousand_is_lost_without_one() {
    let (board, _) = board("lines = [\"in\"]");
    let (_line, heard) = listen(&board, "in", Bias::PullDown);
    board.edges("in", 50_000, 20_000).unwrap();
    let edges = heard.take();
    assert_eq!(edges.len(), 50_000);
    let in_order =
        |pair: &[Edge]| pair[1].time - pair[0].time == 20_000 && pair[0].active != pair[1].active;
    assert!(edges.windows(2).all(in_order));
}

#[test]
fn a_thousand_lines_are_held_at_once() {
    let (board, _) = board("lines = [\"gpio/L[0-999]\"]");
    let lines: Vec<_> = (0..1_000)
        .map(|number| open(&board, &format!("gpio/L{number}"), &output(Some(false))))
        .collect();
    for (number, line) in lines.iter().enumerate() {
        line.write(number % 3 == 0).unwrap();
    }
    let high = board
        .look()
        .lines
        .iter()
        .filter(|line| line.high == Some(true))
        .count();
    assert_eq!(high, 334);
}

#[test]
fn the_end_of_an_earlier_opening_takes_nothing_from_a_later_one() {
    let (board, _) = board("lines = [\"in\"]");
    let (first, _) = listen(&board, "in", Bias::PullDown);
    let (_second, heard) = listen(&board, "in", Bias::PullDown);
    drop(first);
    board.drive("in", true);
    assert_eq!(heard.take().len(), 1);
}
