//! What an operator sees of a running host: `weihe top` and `weihe ps DEVICE`.

use std::time::{Duration, Instant};

use serde_json::Value;
use weihe_tests::{DEADLINE, Host, Screen, weihe};

const CONFIG: &str = r#"
[plugin.raw]

[connection.absent]
type = "tcp"
address = "127.0.0.1:9"

[device.good]
plugin = "raw"
[device.good.config]
tick = "2000000"

[device.bad]
plugin = "raw"
[device.bad.limits]
attempts = 1
"#;

fn text(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The words of the line that begins with this one.
fn row<'t>(frame: &'t str, first: &str) -> Vec<&'t str> {
    let lines = frame.lines().map(|line| line.split_whitespace().collect());
    let found = lines
        .into_iter()
        .find(|words: &Vec<&str>| words.first() == Some(&first));
    found.unwrap_or_else(|| panic!("no line of {first} in\n{frame}"))
}

#[test]
fn a_frame_shows_the_running_system_and_a_device_in_full_its_last_error() {
    let mut host = Host::new(CONFIG, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    host.ask(&["set", "plugin/bad/in", "panic"]).unwrap();
    let began = Instant::now();
    let bad: Value = loop {
        let bad = host.ask(&["ps", "bad"]).unwrap();
        if bad["traps"] == 1 && bad["state"] == "running" {
            break bad;
        }
        assert!(began.elapsed() < DEADLINE, "{bad}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(bad["subscriptions"][0]["filter"], "plugin/bad/in");

    let frame = text(&host, &["top", "--once", "--interval", "300ms"]);
    assert!(frame.contains("MiB") && frame.contains("1 lane"), "{frame}");
    let good = row(&frame, "good");
    assert_eq!(good[1..3], ["running", "0.1.0"]);
    assert_ne!(good[3], "0", "it ticks: {frame}");
    assert!(
        good[7].parse::<u64>().is_ok(),
        "its share of the lane: {frame}"
    );
    assert!(good[8].ends_with('%') && good[8] != "0%", "{frame}");
    let bad = row(&frame, "bad");
    assert_eq!(bad[11], "1", "restarts: {frame}");
    assert!(frame.contains("panicked at "), "{frame}");
    assert_eq!(row(&frame, "absent")[0], "absent");
    assert!(frame.contains("refused"), "{frame}");
    assert!(!frame.contains('\u{1b}'), "no terminal, no orders to it");

    let full = text(&host, &["ps", "bad"]);
    assert!(full.contains("told to panic at plugin/bad/in"), "{full}");
    assert!(full.contains("unrest::stumble"), "{full}");
    assert_eq!(row(&full, "restarts")[1..], ["1", "-", "10"]);
    assert_eq!(row(&full, "memory")[5..], ["16.0", "MiB"]);

    let line = host.ask(&["top", "--once"]).unwrap();
    assert_eq!(line["devices"].as_array().unwrap().len(), 2);
    assert!(line["resident"].as_u64().unwrap() > 1 << 20);
    let no_terminal = host.run(&["top"]);
    assert_eq!(no_terminal.status.code(), Some(1));
    let said = String::from_utf8_lossy(&no_terminal.stderr).into_owned();
    assert!(
        said.contains("no terminal") && said.contains("--once"),
        "{said}"
    );
    let unknown = host.run(&["ps", "bat"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        said.contains("`bat`") && said.contains("good, bad"),
        "{said}"
    );
    assert!(host.stop());
}

#[test]
fn the_live_view_takes_keys_and_sizes_outlives_the_host_and_leaves_the_terminal_as_it_was() {
    let mut host = Host::new(CONFIG, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    let mut command = weihe();
    command
        .arg("-C")
        .arg(host.path(""))
        .args(["top", "--interval", "100ms"]);
    let mut screen = Screen::start(&mut command, 80, 24);
    screen.until("both devices", |frame| {
        frame.contains(">bad") && frame.contains(" good")
    });
    assert!(!screen.is_cooked(), "it reads keys one by one");
    screen.press("j");
    screen.until("the other one", |frame| frame.contains(">good"));
    screen.press("\r");
    screen.until("it in full", |frame| {
        frame.contains("restarts  ") && !frame.contains(">good")
    });
    screen.press("\r");
    screen.resize(130, 30);
    screen.until("a wider table", |frame| frame.contains("LAST ERROR"));
    screen.resize(20, 5);
    screen.until("a word about the size", |frame| frame.contains("too small"));
    screen.resize(80, 24);

    host.kill();
    screen.until("a word about the host", |frame| {
        frame.contains("the host is gone")
    });
    host.start();
    screen.until("the host again", |frame| {
        frame.contains(">good") && !frame.contains("gone")
    });
    screen.press("q");
    assert!(screen.has_ended_well());
    assert!(screen.is_cooked(), "the shell has its terminal back");
    let written = screen.written();
    let (entered, left) = (
        written.find("\u{1b}[?1049h"),
        written.rfind("\u{1b}[?1049l"),
    );
    assert!(
        entered.is_some() && entered < left,
        "its own screen is left"
    );
    assert!(written.ends_with("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"));
    assert!(host.stop());
}

#[test]
fn a_live_view_that_is_told_to_end_leaves_the_terminal_as_it_was() {
    let mut host = Host::new(CONFIG, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    let mut command = weihe();
    command.arg("-C").arg(host.path("")).arg("top");
    command.env("NO_COLOR", "1");
    let mut screen = Screen::start(&mut command, 80, 24);
    screen.until("a device", |frame| frame.contains(">bad"));
    assert!(!screen.written().contains("\u{1b}[3"), "no colours");
    screen.terminate();
    assert!(screen.has_ended_well());
    assert!(screen.is_cooked());
    assert!(host.stop());
}
