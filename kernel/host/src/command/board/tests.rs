//! Frames and keys.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use weihe_hal::virtual_board::{Act, BoardView, Setting};

use super::frame::{Canvas, draw};
use super::rows::rows;
use super::view::{Key, Next, View, read_keys};
use super::{parts, setting};
use crate::language::{Language, speaking};
use crate::output::{Style, width};

fn board() -> BoardView {
    serde_json::from_value(json!({
        "name": "bench",
        "is_virtual": true,
        "world": [{ "name": "temperature", "value": 21.5, "course": "sine" }],
        "lines": [
            { "name": "gpio/A3", "aliases": ["start"], "kind": "button", "high": true, "state": false },
            { "name": "gpio/A4", "kind": "relay", "high": true, "state": true, "holder": "pump",
              "direction": "output", "active": true, "changes": 7 },
            { "name": "gpio/A5", "kind": "switch", "high": true, "state": false },
        ],
        "devices": [{
            "bus": "i2c/1", "address": 0x44, "part": "sht4x", "failed": 2,
            "values": [{ "name": "temperature", "value": "21.50 °C" }],
        }],
        "faults": [{ "on": "gpio/A3", "fault": "broken" }],
    }))
    .unwrap()
}

fn canvas(width: usize, height: Option<usize>) -> Canvas {
    Canvas {
        width,
        height,
        style: Style::PLAIN,
    }
}

#[test]
fn a_frame_shows_the_world_lines_devices_and_faults() {
    let text = draw(&board(), &View::default(), "", &canvas(120, None)).join("\n");
    for expected in [
        "virtual board bench",
        "temperature              21.500",
        "gpio/A3 (start)",
        "on",
        "pump",
        "7 changes",
        "i2c/1@0x44",
        "temperature 21.50 °C",
        "2 failed",
        "gpio/A3: broken",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let nothing = draw(
        &BoardView::default(),
        &View::default(),
        "",
        &canvas(80, None),
    );
    assert!(nothing[0].contains("real hardware"), "{nothing:?}");
}

#[test]
fn every_terminal_gets_what_fits_in_each_language() {
    for language in [Language::English, Language::Chinese] {
        for columns in 1..140 {
            for height in 1..20 {
                let lines = speaking(language, || {
                    draw(
                        &board(),
                        &View::default(),
                        "q",
                        &canvas(columns, Some(height)),
                    )
                });
                assert!(lines.len() <= height, "{columns} by {height}");
                assert!(lines.iter().all(|line| width(line) <= columns), "{columns}");
            }
        }
    }
}

#[test]
fn keys_do_what_they_can_with_what_is_selected() {
    let rows = rows(&board());
    let mut view = View::default();
    let mut press = |text: &str| {
        let keys = read_keys(text.as_bytes());
        keys.into_iter()
            .map(|key| view.press(key, &rows))
            .last()
            .unwrap()
    };
    let name = || "temperature".to_owned();
    assert_eq!(
        press("+"),
        Next::Do(Act::Set {
            name: name(),
            value: Setting::Number(22.0)
        })
    );
    assert_eq!(
        press("=-12.5\r"),
        Next::Do(Act::Set {
            name: name(),
            value: Setting::Number(-12.5)
        })
    );
    assert_eq!(press("=12q"), Next::Draw, "it only ends the number");
    let press_button = Act::Press {
        name: "gpio/A3".into(),
        for_ms: Some(150),
    };
    assert_eq!(press("j "), Next::Do(press_button));
    assert!(matches!(press("b"), Next::Do(Act::Fault { fault, .. }) if fault == "broken"));
    assert_eq!(
        press("m"),
        Next::Do(Act::Mend {
            name: Some("gpio/A3".into())
        })
    );
    let flip = Act::Set {
        name: "gpio/A5".into(),
        value: Setting::Boolean(true),
    };
    assert_eq!(press("\x1b[B\x1b[B "), Next::Do(flip));
    assert!(matches!(press("jb"), Next::Do(Act::Fault { fault, .. }) if fault == "unplugged"));
    assert_eq!(press("\x03"), Next::End);
    assert_eq!(read_keys(b"\x1b[15~k"), [Key::Up], "F5 means nothing");
}

#[test]
fn values_are_read_as_they_are_typed() {
    assert_eq!(setting("21.5"), Setting::Number(21.5));
    assert_eq!(setting("-3"), Setting::Number(-3.0));
    assert_eq!(setting("true"), Setting::Boolean(true));
    assert_eq!(setting("open"), Setting::Text("open".into()));
    let names: Vec<String> = parts(&board()).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"start".to_owned()) && names.contains(&"i2c/1@0x44".to_owned()));
}
