//! Frames of a fixed status.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::columns::{connection_columns, device_columns};
use super::frame::{Canvas, Trouble, draw};
use super::reading::Reading;
use super::view::{Key, Sort, View};
use crate::language::{Language, speaking};
use crate::output::{Style, width};
use crate::system::Ps;

const SECOND: u64 = 1_000_000_000;

fn latency(p50: u64, p99: u64) -> Value {
    json!({ "count": 100, "last": p50, "p50": p50, "p99": p99, "longest": p99 })
}

fn device(name: &str, state: &str, events: u64) -> Value {
    json!({
        "name": name, "plugin": "modbus", "connection": "field", "lane": "main", "state": state,
        "version": "0.2.0", "probation": false, "commands": [], "events": events, "batches": 1,
        "published": 2 * events, "calls": 0, "notices": 0, "traps": 0, "retries": 0, "dead": 0,
        "busy": 0, "incarnations": 1, "dropped": 0, "last_error": null,
        "usage": {
            "running": events * 1_000_000,
            "rates": { "events": 7.0, "published": 14.0, "logged": 0.0 },
            "handling": latency(40_000, 90_000),
            "latency": latency(50_000, 2_000_000),
            "budgets": [
                { "limit": "memory", "unit": "bytes", "now": 1 << 20, "peak": 1 << 20, "most": 16 << 20 },
                { "limit": "queue", "unit": "count", "now": 128, "peak": 500, "most": 512 },
            ],
        },
    })
}

fn connection(name: &str, state: &str, replies: u64) -> Value {
    json!({
        "connection": name, "endpoint": "127.0.0.1:502", "state": state, "since": 0,
        "reason": if state == "up" { "" } else { "connection refused" },
        "requests": replies, "replies": replies, "timeouts": 3, "expired": 0, "cancelled": 0,
        "link-down": 0, "framing": 0, "refused": 0, "skipped-bytes": 0, "unasked-bytes": 0,
        "dropped-bytes": 0, "queued": 2, "bytes-in": 0, "bytes-out": 0, "opened": 1, "failures": 0,
        "refused-peers": 0, "wait": latency(1, 2), "round-trip": latency(300_000, 4_000_000),
        "devices": [], "peers": [],
    })
}

fn status(uptime: u64, devices: &[Value], connections: &[Value]) -> Ps {
    let status = json!({
        "host": { "name": "greenhouse", "version": "0.1.0", "protocol": 1, "pid": 17, "boot": 4 },
        "resident": 16 << 20, "uptime": uptime, "topics": 40, "plugins": [],
        "connections": connections, "devices": devices, "subscriptions": [], "failed": [],
    });
    serde_json::from_value(status).unwrap()
}

/// Two looks, two seconds apart, at three devices and two connections.
fn reading() -> Reading {
    let failing = |events| {
        let mut shaky = device("shaky", "failed", events);
        shaky["dropped"] = json!(12_345);
        shaky["incarnations"] = json!(11);
        shaky["usage"]["budgets"][1]["now"] = json!(500);
        shaky["last_error"] = json!({
            "time": 1_700_000_000 * SECOND,
            "message": "panicked at src/rule.rs:41:9: no\u{1b}[2J sense",
            "backtrace": "   7: rule::Rule::on_event\n",
        });
        shaky
    };
    let mut trial = device("trial", "running", 10);
    trial["probation"] = json!(true);
    let first = status(
        10 * SECOND,
        &[device("soil", "running", 100), failing(5), trial.clone()],
        &[connection("field", "up", 0), connection("spare", "down", 0)],
    );
    let second = status(
        12 * SECOND,
        &[device("soil", "running", 500), failing(5), trial],
        &[
            connection("field", "up", 30),
            connection("spare", "down", 0),
        ],
    );
    Reading::first(first).next(second)
}

fn canvas(width: usize, height: Option<usize>) -> Canvas {
    Canvas {
        width,
        height,
        style: Style::PLAIN,
    }
}

fn frame(reading: &Reading, view: &View, width: usize, height: usize) -> Vec<String> {
    draw(reading, view, Trouble::None, &canvas(width, Some(height)))
}

/// The words of the line that begins with this one.
fn line<'l>(lines: &'l [String], first: &str) -> Vec<&'l str> {
    let words = |line: &'l String| line.trim_start_matches('>').split_whitespace().collect();
    let found = lines
        .iter()
        .map(words)
        .find(|words: &Vec<&str>| words.first() == Some(&first));
    found.unwrap_or_else(|| panic!("no line of {first} in\n{}", lines.join("\n")))
}

#[test]
fn eighty_columns_show_states_rates_latencies_budgets_drops_and_links() {
    let lines = frame(&reading(), &View::default(), 80, 24);
    assert_eq!(lines.len(), 24);
    assert_eq!(
        lines[0],
        "greenhouse  weihe 0.1.0  up 12.0s  16.0 MiB  1 lane  40 topics"
    );
    assert_eq!(
        line(&lines, "soil"),
        [
            "soil", "running", "200", "400", "50µs", "2ms", "20", "6%", "!25%", "0", "0"
        ]
    );
    assert_eq!(
        line(&lines, "shaky"),
        [
            "shaky", "failed", "0", "0", "50µs", "2ms", "0", "6%", "!97%", "12k", "10"
        ]
    );
    assert_eq!(line(&lines, "trial")[1], "probation");
    assert_eq!(
        line(&lines, "field"),
        ["field", "up", "15", "3", "300µs", "4ms", "2"]
    );
    assert_eq!(line(&lines, "spare")[7..], ["connection", "refused"]);
    assert!(lines[23].starts_with("q quit"), "{}", lines[23]);
}

#[test]
fn a_wide_terminal_has_versions_and_last_errors_too() {
    let lines = frame(&reading(), &View::default(), 140, 40);
    assert_eq!(line(&lines, "trial")[1..3], ["probation", "0.2.0?"]);
    assert!(line(&lines, "shaky").ends_with(&["no", "[2J", "sense"]));
}

#[test]
fn nothing_that_a_plugin_says_reaches_the_terminal_as_an_order() {
    let view = View {
        selected: Some("shaky".into()),
        ..View::default()
    };
    let full = View {
        details: Some(0),
        ..view.clone()
    };
    for view in [view, full] {
        for line in frame(&reading(), &view, 100, 60) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn every_terminal_gets_what_fits() {
    let reading = reading();
    for details in [None, Some(0), Some(1_000)] {
        let view = View {
            details,
            ..View::default()
        };
        for width_ in 1..150 {
            for height in 1..40 {
                let lines = frame(&reading, &view, width_, height);
                assert!(lines.len() <= height, "{width_} by {height}");
                for line in &lines {
                    assert!(width(line) <= width_, "{width_} by {height}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn of_many_devices_the_selected_one_is_always_in_sight_and_keys_move_it() {
    let many: Vec<Value> = (0..100)
        .map(|index| device(&format!("meter-{index:02}"), "running", index))
        .collect();
    let links: Vec<Value> = (0..30)
        .map(|index| connection(&format!("line-{index:02}"), "up", 0))
        .collect();
    let reading = Reading::first(status(SECOND, &many, &links));
    let mut view = View::default();
    for place in 0..130 {
        let lines = frame(&reading, &view, 80, 24);
        let selected = lines.iter().find(|line| line.starts_with('>')).unwrap();
        let expected = format!(">meter-{:02}", place.min(99));
        assert!(selected.starts_with(&expected), "{selected}");
        assert!(lines.iter().any(|line| line.contains("line-00")));
        assert!(lines.iter().any(|line| line.contains("more")));
        assert!(view.press(Key::Down, &reading, 10));
    }
    view.press(Key::PageUp, &reading, 10);
    assert_eq!(view.selected.as_deref(), Some("meter-89"));
    assert!(!view.press(Key::Quit, &reading, 10));
}

#[test]
fn enter_shows_the_budgets_and_the_backtrace_of_the_selected_device() {
    let reading = reading();
    let mut view = View::default();
    view.press(Key::Enter, &reading, 10);
    let text = frame(&reading, &view, 100, 60).join("\n");
    assert!(
        text.contains("shaky") && text.contains("! near its limit"),
        "{text}"
    );
    assert!(text.contains("last error, 2023-11-14 22:13:20Z"), "{text}");
    assert!(text.contains("rule::Rule::on_event"), "{text}");
    // What does not fit is reached by scrolling, and its end is the end.
    view.press(Key::Down, &reading, 10);
    view.press(Key::PageDown, &reading, 1_000);
    let small = frame(&reading, &view, 100, 12).join("\n");
    assert!(small.contains("rule::Rule::on_event"), "{small}");
    view.press(Key::Back, &reading, 10);
    assert_eq!(view.selected.as_deref(), Some("shaky"));
    assert!(line(&frame(&reading, &view, 80, 24), "soil").len() > 3);
}

#[test]
fn devices_are_sorted_by_what_is_asked_for_and_the_selected_one_stays_selected() {
    let reading = reading();
    let mut view = View::default();
    view.press(Key::Down, &reading, 10);
    assert_eq!(view.selected.as_deref(), Some("soil"));
    let mut sorts = Vec::new();
    for _ in 0..8 {
        view.press(Key::Sort, &reading, 10);
        let first = view.ordered(&reading)[0].name.clone();
        sorts.push((view.sort, first));
        let lines = frame(&reading, &view, 80, 24);
        assert!(lines.iter().any(|line| line.starts_with(">soil")));
        assert!(
            lines[2].contains(&format!("{}▾", view.sort.heading())),
            "{}",
            lines[2]
        );
    }
    assert!(sorts.contains(&(Sort::Events, "soil".into())), "{sorts:?}");
    assert!(sorts.contains(&(Sort::Drops, "shaky".into())), "{sorts:?}");
    assert!(
        sorts.contains(&(Sort::Restarts, "shaky".into())),
        "{sorts:?}"
    );
    assert_eq!(view.sort, Sort::Name, "round");
}

#[test]
fn a_host_that_is_gone_a_pause_and_parts_that_failed_are_said() {
    let view = View {
        paused: true,
        ..View::default()
    };
    let canvas = canvas(80, Some(24));
    let lines = draw(
        &reading(),
        &view,
        Trouble::Gone("no host is running"),
        &canvas,
    );
    assert!(lines[0].contains("PAUSED"), "{}", lines[0]);
    assert!(
        lines[1].contains("gone") && lines[1].contains("no host is running"),
        "{}",
        lines[1]
    );
    let mut ps = serde_json::to_value(reading().ps).unwrap();
    ps["failed"] =
        json!([{ "part": "device", "name": "valve", "message": "no", "place": "weihe.toml:3:1" }]);
    let reading = Reading::first(serde_json::from_value(ps).unwrap());
    let lines = frame(&reading, &View::default(), 80, 24);
    assert!(lines[1].contains("see `weihe ps`: valve"), "{}", lines[1]);
}

#[test]
fn another_start_of_the_host_is_not_taken_for_a_storm_or_a_standstill() {
    let reading = reading();
    let mut ps = serde_json::to_value(&reading.ps).unwrap();
    ps["host"]["boot"] = json!(5);
    ps["uptime"] = json!(SECOND);
    let reading = reading.next(serde_json::from_value(ps).unwrap());
    let lines = frame(&reading, &View::default(), 80, 24);
    assert_eq!(
        line(&lines, "soil")[2..4],
        ["7.0", "14"],
        "the host's own rates"
    );
}

#[test]
fn no_heading_is_cut_in_any_language() {
    for language in [Language::English, Language::Chinese] {
        speaking(language, || {
            for columns in [80, 140] {
                let all = device_columns(columns).into_iter();
                for column in all.chain(connection_columns(columns)) {
                    assert!(width(&column.head) <= column.width, "{}", column.head);
                }
            }
        });
    }
}

#[test]
fn a_frame_in_chinese_fits_and_its_columns_stand_below_their_headings() {
    let reading = reading();
    let view = View::default();
    speaking(Language::Chinese, || {
        let lines = frame(&reading, &view, 80, 24);
        assert_eq!(
            lines[0],
            "greenhouse  weihe 0.1.0  已运行 12.0s  16.0 MiB  1 个执行通道  40 个主题"
        );
        assert_eq!(
            lines[2],
            " 设备▾        状态        入/秒  出/秒    P50    P99 CPU% 内存  队列  丢弃 重启"
        );
        assert_eq!(line(&lines, "shaky")[1], "失效");
        assert_eq!(line(&lines, "soil")[1], "运行");
        assert_eq!(line(&lines, "trial")[1], "试运行");
        assert_eq!(line(&lines, "field")[1], "通");
        assert_eq!(line(&lines, "spare")[1], "断");
        assert!(lines[23].starts_with("q 退出"), "{}", lines[23]);
        // Numbers end where their headings end, however wide the characters are.
        let end = |line: &str, word: &str| width(&line[..line.find(word).unwrap() + word.len()]);
        let soil = lines.iter().find(|line| line.contains("soil")).unwrap();
        assert_eq!(end(&lines[2], "入/秒"), end(soil, "200"));
        assert_eq!(end(&lines[2], "出/秒"), end(soil, "400"));
        assert_eq!(end(&lines[2], "内存"), end(soil, " 6%"));
        assert_eq!(width(&lines[2]), width(soil));
    });
    for columns in 1..150 {
        let lines = speaking(Language::Chinese, || frame(&reading, &view, columns, 24));
        assert!(lines.iter().all(|line| width(line) <= columns), "{columns}");
    }
}
