//! Frames and keys.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use weihe_hal::virtual_board::{Act, BoardView, Setting};

use super::frame::{Canvas, draw};
use super::rows::rows;
use super::view::{Key, Next, View, read_keys};
use super::{parts, setting};
use crate::language::{Language, say, speaking};
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
        "temperature     21.500",
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

/// A board whose screen shows a frame around it, or nothing.
fn with_screen(lit: bool) -> BoardView {
    let inside = |y: usize| match (lit, y) {
        (false, _) => " ".repeat(128),
        (true, 0 | 31) => "█".repeat(128),
        (true, _) => format!("█{}█", " ".repeat(126)),
    };
    let screen: Vec<String> = (0..32).map(inside).collect();
    let mut board = board();
    board.devices[0].screen = screen;
    board
}

#[test]
fn a_dark_screen_is_one_line_and_a_lit_one_is_as_large_as_there_is_room() {
    let draw = |board: &BoardView, view: &View, columns, lines| {
        draw(board, view, "", &canvas(columns, Some(lines)))
    };
    let dark = draw(&with_screen(false), &View::default(), 80, 24);
    assert!(
        dark.iter().any(|line| line == "  the screen is dark"),
        "{dark:?}"
    );
    assert!(
        dark.iter().any(|line| line.contains("gpio/A3: broken")),
        "{dark:?}"
    );
    let view = View {
        selected: Some("i2c/1@0x44".into()),
        typed: None,
    };
    // Half as wide as its points: the whole frame stands below the device, and the faults below that.
    let small = draw(&with_screen(true), &view, 80, 24);
    let first = small
        .iter()
        .position(|line| line.starts_with("  ⡟"))
        .unwrap();
    assert!(small[first - 1].starts_with(">i2c/1@0x44"), "{small:?}");
    assert_eq!(width(&small[first]), 2 + 64);
    assert!(small[first + 15].starts_with("  ⣧"), "{small:?}");
    assert!(small[first + 17].contains("gpio/A3: broken"), "{small:?}");
    let large = draw(&with_screen(true), &view, 140, 70);
    let first = large
        .iter()
        .position(|line| line.starts_with("  █"))
        .unwrap();
    assert_eq!(width(&large[first]), 2 + 128);
    assert!(large[first + 31].starts_with("  █"), "{large:?}");
}

#[test]
fn lines_are_in_the_order_in_which_people_count_those_of_chips_last() {
    let line = |name: &str, is_pin: bool| json!({ "name": name, "kind": "", "is_pin": is_pin });
    let board: BoardView = serde_json::from_value(json!({
        "name": "", "is_virtual": true,
        "lines": [
            line("expander/0", true), line("gpio/A10", false), line("gpio/B0", false), line("gpio/A9", false),
            line("start", false),
        ],
    }))
    .unwrap();
    let lines = draw(&board, &View::default(), "", &canvas(80, None));
    let names: Vec<_> = lines
        .iter()
        .filter_map(|line| line.get(1..)?.split(' ').next())
        .collect();
    assert_eq!(
        names[2..7],
        ["gpio/A9", "gpio/A10", "gpio/B0", "start", "expander/0"]
    );
}

#[test]
fn on_eighty_columns_the_holder_and_the_changes_of_a_line_are_to_be_read() {
    let lines = draw(&board(), &View::default(), "", &canvas(80, Some(24)));
    let pump = lines.iter().find(|line| line.contains("gpio/A4")).unwrap();
    assert!(
        pump.contains("relay output on") && pump.contains("pump"),
        "{pump}"
    );
    assert!(pump.ends_with("7 changes"), "{pump}");
    for language in [Language::English, Language::Chinese] {
        let keys = speaking(language, || say::board_keys().to_string());
        assert!(width(&keys) <= 80, "{keys}");
    }
}

#[test]
fn every_terminal_gets_what_fits_in_each_language() {
    for language in [Language::English, Language::Chinese] {
        for columns in 1..140 {
            for height in 1..20 {
                let lines = speaking(language, || {
                    draw(
                        &with_screen(true),
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
