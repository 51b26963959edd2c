//! `weihe board`: a virtual board of a running host, seen and moved by an operator.

use std::fs;

use serde_json::Value;
use weihe_tests::Host;

const CONFIG: &str = "[board]\nvirtual = \"board.toml\"\n";

const BOARD: &str = r#"
name = "bench"
[world]
temperature = 21.5
[line."gpio/A3"]
alias = "start"
kind = "button"
[line."gpio/A4"]
alias = "door"
kind = "switch"
[i2c."i2c/1"."0x44"]
name = "air"
model = "sht4x"
[uart."uart/1"]
pty = true
"#;

fn running() -> Host {
    let mut host = Host::new(CONFIG, &[]);
    fs::write(host.path("board.toml"), BOARD).expect("a board");
    host.start();
    assert!(host.failed().is_empty());
    host
}

fn line(board: &Value, name: &str) -> Value {
    let lines = board["lines"].as_array().unwrap();
    lines
        .iter()
        .find(|line| line["name"] == name)
        .unwrap()
        .clone()
}

#[test]
fn an_operator_presses_sets_breaks_and_mends() {
    let host = running();
    let look = || host.ask(&["board"]).unwrap();
    let board = look();
    assert_eq!(
        (&board["name"], &board["is_virtual"]),
        (&"bench".into(), &true.into())
    );
    assert_eq!(line(&board, "gpio/A3")["high"], true);
    host.ask(&["board", "press", "start"]).unwrap();
    assert_eq!(line(&look(), "gpio/A3")["high"], false);
    host.ask(&["board", "release", "gpio/A3"]).unwrap();
    assert_eq!(line(&look(), "gpio/A3")["high"], true);
    host.ask(&["board", "set", "door", "on"]).unwrap();
    assert_eq!(line(&look(), "gpio/A4")["state"], true);
    host.ask(&["board", "set", "temperature", "-3.5"]).unwrap();
    assert_eq!(look()["world"][0]["value"], -3.5);
    host.ask(&["board", "fault", "air", "nack", "--times", "2"])
        .unwrap();
    let faults = look()["faults"].clone();
    assert_eq!(
        (&faults[0]["on"], &faults[0]["left"]),
        (&"air".into(), &2.into())
    );
    host.ask(&["board", "mend"]).unwrap();
    assert_eq!(look()["faults"], serde_json::json!([]));
    // A button that is pressed for a time is released by the host itself.
    host.ask(&["board", "press", "start", "--for", "10ms"])
        .unwrap();
    let deadline = std::time::Instant::now() + weihe_tests::DEADLINE;
    while line(&look(), "gpio/A3")["changes"] != 4 {
        assert!(
            std::time::Instant::now() < deadline,
            "it was never released"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let port = look()["ports"][0]["other_end"].as_str().unwrap().to_owned();
    assert!(fs::metadata(&port).is_ok(), "{port}");
    let frame = host.run(&["board", "--once"]);
    let frame = String::from_utf8(frame.stdout).unwrap();
    assert!(
        frame.contains("virtual board bench") && frame.contains("gpio/A3 (start)"),
        "{frame}"
    );
}

#[test]
fn what_cannot_be_done_is_said_and_recorded() {
    let host = running();
    let refused = |arguments: &[&str]| {
        let output = host.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let text = refused(&["board", "press", "strat"]);
    assert!(text.contains("did you mean `start`?"), "{text}");
    let text = refused(&["board", "press", "door"]);
    assert!(text.contains("only buttons"), "{text}");
    let text = refused(&["board", "fault", "air", "broken"]);
    assert!(text.contains("cannot have the fault"), "{text}");
    let trail = host.run(&["audit"]);
    let trail = String::from_utf8(trail.stdout).unwrap();
    assert!(
        trail.contains("board-do") && trail.contains("board/strat"),
        "{trail}"
    );
}

#[test]
fn real_hardware_is_not_pressed() {
    let mut host = Host::new("", &[]);
    host.start();
    assert!(host.failed().is_empty());
    assert_eq!(host.ask(&["board"]).unwrap()["is_virtual"], false);
    let output = host.run(&["board", "press", "start"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("real hardware") && text.contains("[board] virtual"),
        "{text}"
    );
}

#[test]
fn a_wrong_board_is_refused_with_its_file_and_line() {
    let host = Host::new(CONFIG, &[]);
    fs::write(host.path("board.toml"), "lines = []\nnmae = \"x\"").expect("a board");
    let output = host.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    // Lines are broken where the terminal ends.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("unknown key `nmae`") && text.contains("`name`"),
        "{text}"
    );
}
