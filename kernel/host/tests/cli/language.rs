//! The screens of both languages, through the environment that asks for them.

use super::*;

/// A command in the language that the locale asks for.
fn spoken(directory: &Path, locale: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = weihe(directory);
    for variable in ["WEIHE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(variable);
    }
    command.envs(locale.iter().copied()).args(arguments);
    command.output().unwrap()
}

const CHINESE: &[(&str, &str)] = &[("LANG", "zh_CN.UTF-8")];

const FAULTY: &str = "[plugin.modbus]\nfile = \"m.wasm\"\n\n[device.soil]\nplugin = \"modbus\"\nconection = \"field\"\n";

#[test]
fn a_fault_of_the_file_is_shown_in_chinese_with_its_line_underlined() {
    let system = system(FAULTY);
    let output = spoken(system.path(), CHINESE, &["ps"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert_eq!(
        shown,
        "  × 设备 `soil` 中没有键 `conection`
   ╭─[weihe.toml:6:1]
 5 │ plugin = \"modbus\"
 6 │ conection = \"field\"
   · ────┬────
   ·     ╰── 没有这个键
   ╰────
  处置：是不是 `connection`？
错误：weihe.toml 有 1 个错误
"
    );
}

#[test]
fn the_same_is_english_without_a_locale_in_c_and_in_other_languages() {
    let system = system(FAULTY);
    let plain = spoken(system.path(), &[], &["ps"]);
    let shown = text(&plain.stderr);
    assert!(
        shown.contains("unknown key `conection` in device `soil`"),
        "{shown}"
    );
    assert!(
        shown.contains("help: did you mean `connection`?"),
        "{shown}"
    );
    assert!(
        shown.ends_with("error: weihe.toml has 1 fault\n"),
        "{shown}"
    );
    for locale in [
        &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")] as &[_],
        &[("LANG", "C.UTF-8")],
        &[("LANG", "de_DE.UTF-8")],
        &[("LANG", "zh_CN.GB18030")],
        &[("WEIHE_LANG", "en"), ("LC_ALL", "zh_CN.UTF-8")],
    ] {
        let other = spoken(system.path(), locale, &["ps"]);
        assert_eq!(text(&other.stderr), shown, "{locale:?}");
    }
}

#[test]
fn what_machines_read_is_english_and_the_exit_codes_are_the_same() {
    let system = system(FAULTY);
    for arguments in [
        &["--json", "ps"] as &[_],
        &["--json", "check", "."],
        &["--json", "get", "a"],
        &["--json", "decode", "nix.wasm", "0g"],
        &["--json", "doctor"],
        &["--json", "inspect", "weihe.toml"],
    ] {
        let chinese = spoken(system.path(), CHINESE, arguments);
        let english = spoken(system.path(), &[], arguments);
        assert_eq!(
            chinese.status.code(),
            english.status.code(),
            "{arguments:?}"
        );
        // Free memory differs from one look to the next.
        if !arguments.contains(&"doctor") {
            assert_eq!(
                text(&chinese.stdout),
                text(&english.stdout),
                "{arguments:?}"
            );
        }
        let shown = text(&chinese.stdout);
        let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(!shown.contains(han), "{shown}");
        assert!(!chinese.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_is_chinese_down_to_its_frame() {
    let system = system("");
    let help = |arguments: &[&str]| {
        let output = spoken(system.path(), CHINESE, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        text(&output.stdout)
    };
    assert_eq!(
        help(&["ps", "-h"]).replace(&std::env::var("WEIHE_DIR").unwrap_or_default(), ""),
        "显示运行中主机的插件、连接和设备

用法：weihe ps [OPTIONS] [DEVICE]

参数：
  [DEVICE]  完整显示这个设备：限额的使用、延迟、最近的错误

选项：
      --history              显示每个插件各版本的去向和原因
      --json                 输出 JSON，供程序读取
  -C, --dir <DIR>            系统目录，内有 weihe.toml [默认：向上最近的一个] [环境变量：WEIHE_DIR=]
      --connect <HOST:PORT>  通过 TLS 与这个地址的主机通话，而不是本机某个目录的主机
      --color <WHEN>         使用颜色：auto（终端支持时）、always（总是）或 never（从不） [默认：auto]
  -h, --help                 显示帮助（`--help` 更详细）
  -V, --version              显示版本

示例：
  weihe -C examples/greenhouse ps
  weihe ps soil
  weihe ps --history
"
    );
    assert!(help(&["--help"]).starts_with("微核 Weihe："));
    assert!(help(&["help", "dead", "retry"]).contains("把事件重新投给设备"));
    assert!(help(&["plan", "--help"]).contains("主机会自行跟随 weihe.toml"));
    assert!(help(&["new", "--help"]).contains("- rule:   观察事件"));
}

#[test]
fn wrong_calls_and_failures_say_in_chinese_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let plain = system("");
    for (directory, arguments, code, told) in [
        (
            &plain,
            &["event"] as &[_],
            2,
            "错误：没有命令“event”\n\n  提示：有一个相近的命令：“events”\n\n用法：weihe [OPTIONS] <COMMAND>\n",
        ),
        (&plain, &["call"], 2, "错误：缺少必需的参数：\n  <DEVICE>\n"),
        (
            &plain,
            &["call", "a", "b", "c"],
            2,
            "错误：`c` 不是“键=值”的形式\n处置：写成 JSON 对象",
        ),
        (&plain, &["set", "$a", "1"], 2, "错误：不能在 `$a` 上发布："),
        (
            &plain,
            &["events"],
            1,
            "错误：. 没有正在运行的主机\n处置：用 `weihe run .` 启动它\n",
        ),
        (
            &plain,
            &["decode", "nix.wasm", "0g"],
            2,
            "错误：`0g` 不是十六进制：`g` 不是数字\n",
        ),
        (
            &plain,
            &["inspect", "nix.wasm"],
            1,
            "错误：无法读取 nix.wasm：没有那个文件或目录（os error 2）\n处置：检查路径和它的权限\n",
        ),
        (&plain, &["audit"], 1, "错误：./data/audit 里没有审计记录\n"),
        (&plain, &["grants", "soil"], 1, "错误：没有设备 `soil`\n"),
        (&empty, &["ps"], 1, "错误："),
    ] {
        let output = spoken(directory.path(), CHINESE, arguments);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
        assert!(shown.starts_with(told), "{arguments:?}: {shown}");
    }
}

#[test]
fn manual_pages_and_completions_speak_chinese_too() {
    let system = system("");
    let made = spoken(system.path(), CHINESE, &["man", "man1"]);
    let told = text(&made.stdout);
    assert!(told.starts_with("man1 里有 "), "{told}");
    let page = fs::read_to_string(system.path().join("man1/weihe-top.1")).unwrap();
    for words in [
        ".SH \"名称\"\nweihe\\-top \\- 实时查看运行中主机的设备和连接",
        ".SH 概要",
        ".SH 选项",
        "[默认：1s]",
        ".SH \"按键\"",
        ".SH \"示例\"\n.nf\nweihe top\n",
        ".SH \"退出码\"",
        "没有给出 \\-\\-dir 时，以它代替。",
    ] {
        assert!(page.contains(words), "{words} in\n{page}");
    }
    for english in ["SYNOPSIS", "OPTIONS", "EXAMPLES", "NOTES", "default"] {
        assert!(!page.contains(english), "{english} in\n{page}");
    }
    let page = fs::read_to_string(system.path().join("man1/weihe-new.1")).unwrap();
    assert!(page.contains("\n.br\n\\- rule:   观察事件"), "{page}");
    assert!(page.contains("\n显示帮助\n"), "{page}");
    let words = spoken(system.path(), CHINESE, &["complete-words", "--", "rol"]);
    assert_eq!(text(&words.stdout), "rollback\t回到插件之前运行的版本\n");
}

#[test]
fn help_in_chinese_has_colours_where_they_are_asked_for() {
    let system = system("");
    for (when, coloured) in [("always", true), ("never", false), ("auto", false)] {
        let output = spoken(system.path(), CHINESE, &["--color", when, "ps", "--help"]);
        let help = text(&output.stdout);
        assert!(help.contains("使用颜色：auto"), "{help}");
        assert_eq!(help.contains('\u{1b}'), coloured, "{when}: {help}");
    }
}

#[test]
fn grants_that_lead_nowhere_are_shown_in_chinese() {
    let system = system(
        "[plugin.p]\nfile = \"p.wasm\"\n[device.soil]\nplugin = \"p\"\n[device.rule]\nplugin = \"p\"\n\
         [device.rule.grants]\nsubscribe = [\"plugin/sol/moisture\"]\n",
    );
    let output = spoken(system.path(), CHINESE, &["check"]);
    let shown = text(&output.stderr);
    for words in [
        "  ⚠ 设备 `rule` 可以订阅 `plugin/sol/moisture`，而这里没有设备可以在它上面发布",
        "处置：设备在 `plugin/DEVICE/#` 和 `publish` 授权的主题上发布；",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}
