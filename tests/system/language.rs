//! What an operator sees whose locale is Chinese: the screens of a running host.

use std::process::Command;
use std::time::{Duration, Instant};

use weihe_tests::{DEADLINE, Host, Screen, weihe};

const CONFIG: &str = r#"
[host]
name = "cabinet"

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

/// A command of `weihe` at a desk in China.
fn chinese(host: &Host, arguments: &[&str]) -> Command {
    let mut command = weihe();
    for variable in ["WEIHE_LANG", "LC_ALL", "LC_MESSAGES"] {
        command.env_remove(variable);
    }
    command.env("LANG", "zh_CN.UTF-8");
    command.arg("-C").arg(host.path("")).args(arguments);
    command
}

/// What a command prints, and how it ends.
fn said(host: &Host, arguments: &[&str]) -> (String, Option<i32>) {
    let output = chinese(host, arguments).output().expect("weihe runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("text");
    (text, output.status.code())
}

fn line<'t>(text: &'t str, first: &str) -> &'t str {
    let mut lines = text.lines();
    let found = lines.find(|line| line.trim_start_matches('>').trim_start().starts_with(first));
    found.unwrap_or_else(|| panic!("no line of {first} in\n{text}"))
}

#[test]
fn every_screen_of_a_running_host_is_chinese() {
    let mut host = Host::new(CONFIG, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    host.ask(&["set", "plugin/bad/in", "panic"]).unwrap();
    let began = Instant::now();
    let ps = loop {
        let (ps, code) = said(&host, &["ps"]);
        assert_eq!(code, Some(0), "{ps}");
        if line(&ps, "bad").contains("前：") && line(&ps, "absent").contains("连接被拒绝") {
            break ps;
        }
        assert!(began.elapsed() < DEADLINE, "{ps}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ps.starts_with("cabinet  weihe 0.1.0，进程 "), "{ps}");
    assert!(
        ps.lines().next().unwrap().contains("第 1 次启动，已运行 "),
        "{ps}"
    );
    let heading: Vec<&str> = line(&ps, "设备").split_whitespace().collect();
    let columns = [
        "设备",
        "插件",
        "连接",
        "状态",
        "事件",
        "发布",
        "丢弃",
        "重启",
        "最近的错误",
    ];
    assert_eq!(heading, columns);
    assert!(line(&ps, "good").contains("运行"), "{ps}");
    assert!(line(&ps, "bad").contains("前：在 "), "{ps}");
    assert!(line(&ps, "bad").contains(" panic：told to panic"), "{ps}");
    assert!(line(&ps, "absent").contains("断"), "{ps}");

    let (events, code) = said(&host, &["events", "$link/+", "--retained", "-n", "1"]);
    // Topics and values are data: the same in each language.
    assert!(events.contains("$link/absent  down"), "{events}");
    assert_eq!(code, Some(0));
    let (top, _) = said(&host, &["top", "--once", "--interval", "300ms"]);
    assert!(top.contains("1 个执行通道"), "{top}");
    assert!(line(&top, "bad").contains("运行"), "{top}");
    let (full, _) = said(&host, &["ps", "bad"]);
    assert!(
        full.contains("最近的错误，") && full.contains("限额"),
        "{full}"
    );

    for (arguments, told) in [
        (
            &["call", "god", "x"] as &[_],
            "错误：没有设备 `god`；是不是 `good`？\n",
        ),
        (
            &["ps", "bat"],
            "错误：没有正在运行的设备 `bat`\n处置：正在运行的设备：good, bad\n",
        ),
        (
            &["get", "nothing/here"],
            "错误：`nothing/here` 上还没有发布过任何值\n处置：`weihe get '#'`",
        ),
        (
            &["dead", "retry", "bad", "999"],
            "已重新投递 0 条
999 仍保留：设备 `bad` 没有死信 999
",
        ),
        (
            &["swap", "nix", "plugins/raw.wasm"],
            "错误：plugins/raw.wasm：没有那个文件或目录",
        ),
        (
            &["rollback", "raw"],
            "错误：主机启动以来，插件 `raw` 没有更早的版本\n处置：`weihe swap raw FILE`",
        ),
        (&["top"], "错误：无法使用终端："),
    ] {
        let (text, code) = said(&host, arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {text}");
        assert!(text.starts_with(told), "{arguments:?}: {text}");
    }

    let mut screen = Screen::start(&mut chinese(&host, &["top", "--interval", "100ms"]), 80, 24);
    screen.until("devices and keys in Chinese", |frame| {
        frame.contains(">bad") && frame.contains("入/秒") && frame.contains("q 退出  ↑↓ 选择")
    });
    screen.press("\r");
    screen.until("the device in full", |frame| {
        frame.contains("执行通道 main") && frame.contains("Enter 返回")
    });
    host.kill();
    screen.until("a word about the host", |frame| {
        frame.contains("主机已退出，正在寻找它：")
    });
    screen.press("q");
    assert!(screen.has_ended_well());
    let (gone, code) = said(&host, &["ps"]);
    assert!(
        gone.contains("没有正在运行的主机\n处置：用 `weihe run "),
        "{gone}"
    );
    assert_eq!(code, Some(1));
}
