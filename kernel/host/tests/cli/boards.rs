//! Boards as they look from their files: copies of /proc, /sys, /dev and /etc in `tests/boards`, each with what the
//! doctor says of it. Nothing of them was taken from silicon; docs/boards.md says what they rest on.

use std::path::PathBuf;

use super::*;

/// Set to 1, it makes the reports anew.
const RENEW: &str = "WEIHE_TESTS_RENEW";

/// Those that the project promises to recognise, in combinations that are in use.
const BOARDS: [(&str, &str); 14] = [
    ("hygon-c86-uos-server", "Hygon C86"),
    ("kunpeng-920-openeuler", "Kunpeng 920"),
    ("loongson-2k0300-debian", "Loongson 2K0300"),
    ("loongson-2k1000la-loongnix", "Loongson 2K1000LA"),
    ("loongson-3a5000-loongnix", "Loongson 3A5000"),
    ("loongson-3a6000-uos-desktop", "Loongson 3A6000"),
    ("pc-debian", "PC"),
    ("phytium-d2000-kylin-server", "Phytium D2000"),
    ("phytium-e2000-debian", "Phytium E2000"),
    ("phytium-ft2000-4-kylin-desktop", "Phytium FT-2000/4"),
    ("phytium-s2500-kylin-server", "Phytium S2500"),
    ("raspberry-pi-4-raspberry-pi-os", "Raspberry Pi"),
    ("zhaoxin-kx6000-nfs-china", "Zhaoxin KX-6000"),
    ("zhaoxin-kx7000-kylin-desktop", "Zhaoxin KX-7000"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/boards")
}

fn report(root: &Path, language: &str, more: &[&str]) -> String {
    let here = tempfile::tempdir().unwrap();
    let mut command = weihe(here.path());
    command.env("WEIHE_LANG", language).arg("doctor");
    let output = command.arg("--root").arg(root).args(more).output().unwrap();
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

#[test]
fn each_board_is_reported_as_written_down() {
    let renew = std::env::var(RENEW).is_ok_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (board, _) in BOARDS {
        let root = folder().join(board);
        let whole: Value = serde_json::from_str(&report(&root, "en", &["--json"])).unwrap();
        let reports = [
            ("txt", report(&root, "en", &[])),
            ("zh.txt", report(&root, "zh", &[])),
            ("json", format!("{whole:#}\n")),
        ];
        for (end, found) in reports {
            let golden = folder().join(format!("{board}.{end}"));
            if renew {
                fs::write(&golden, &found).unwrap();
            } else if fs::read_to_string(&golden).unwrap_or_default() != found {
                wrong.push(format!("{}:\n{found}", golden.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "read these; if they are right, make them anew: {RENEW}=1 cargo test -p weihe --test cli boards\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_board_is_recognised_and_every_copy_is_one_of_them() {
    for (board, soc) in BOARDS {
        let root = folder().join(board);
        let answer: Value = serde_json::from_str(&report(&root, "en", &["--json"])).unwrap();
        assert_eq!(answer["board"]["machine"]["soc"], soc, "{board}");
        assert!(answer["board"]["os"]["family"].is_string(), "{board}");
    }
    let mut copies: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    copies.sort();
    assert_eq!(copies, BOARDS.map(|(board, _)| board));
}

#[test]
fn a_board_file_of_ones_own_names_lines_over_those_of_the_soc() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("cabinet.toml");
    fs::write(
        &file,
        "[[line]]\nname = \"pump\"\nis = \"A3\"\nsource = \"drawing 17 of the cabinet\"\n\
         [[line]]\nname = \"gone\"\nis = \"A99\"\n\
         [[uart]]\nname = \"rs485\"\nat = { memory = 0x28001000 }\n",
    )
    .unwrap();
    let root = folder().join("phytium-d2000-kylin-server");
    let file = file.to_str().unwrap();
    let answer = report(&root, "en", &["--json", "--board", file]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let lines = answer["board"]["gpio"].as_array().unwrap();
    let line = lines.iter().find(|line| line["name"] == "gpio/A3").unwrap();
    let aliases = line["aliases"].as_array().unwrap();
    assert!(aliases.contains(&"pump".into()), "{line}");
    assert!(aliases.contains(&"GPIO0_A3".into()), "{line}");
    let port = &answer["board"]["uart"][1];
    assert_eq!(
        (&port["name"], &port["path"]),
        (&"uart/rs485".into(), &"/dev/ttyAMA1".into())
    );
    assert!(
        port["aliases"].as_array().unwrap().contains(&"1".into()),
        "{port}"
    );
    let shown = report(&root, "en", &["--board", file]);
    assert!(
        shown.contains("`gone` of the board file names nothing"),
        "{shown}"
    );
    assert!(
        shown.contains("unverified: the board file names no source"),
        "{shown}"
    );
}

#[test]
fn a_wrong_board_file_is_shown_with_its_line() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("mine.toml");
    fs::write(&file, "soc = \"Mine\"\n\n[[gpio]]\nbnak = \"A\"\n").unwrap();
    for (language, said) in [("en", "did you mean `bank`?"), ("zh", "`bank`")] {
        let mut command = weihe(here.path());
        command.env("WEIHE_LANG", language);
        let output = command
            .args(["doctor", "--board", "mine.toml"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let shown = text(&output.stderr);
        assert!(shown.contains("mine.toml:4:1"), "{shown}");
        assert!(shown.contains(said), "{shown}");
    }
    let gone = run(here.path(), &["doctor", "--board", "gone.toml"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("gone.toml"));
    let nowhere = run(here.path(), &["doctor", "--root", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("there is no directory nowhere"));
}

#[test]
fn the_configuration_names_a_board_file_and_says_what_is_wrong_in_it() {
    let system = system("[board]\nfile = \"mine.toml\"\n");
    let missing = run(system.path(), &["check"]);
    assert_eq!(missing.status.code(), Some(1));
    let shown = text(&missing.stderr);
    assert!(
        shown.contains("weihe.toml:2:8") && shown.contains("cannot be read"),
        "{shown}"
    );
    let file = system.path().join("mine.toml");
    fs::write(&file, "[[uart]]\nname = \"a b\"\nat = { port = 0x3f8 }\n").unwrap();
    let wrong = run(system.path(), &["check"]);
    assert_eq!(wrong.status.code(), Some(1));
    let shown = text(&wrong.stderr);
    assert!(
        shown.contains("mine.toml:2:8") && shown.contains("`a b`"),
        "{shown}"
    );
    fs::write(&file, "[[uart]]\nname = \"a-b\"\nat = { port = 0x3f8 }\n").unwrap();
    let right = run(system.path(), &["check"]);
    assert_eq!(right.status.code(), Some(0), "{}", text(&right.stderr));
    fs::write(
        system.path().join("weihe.toml"),
        "[board]\nfiel = \"mine.toml\"\n",
    )
    .unwrap();
    let misspelt = run(system.path(), &["check"]);
    assert!(text(&misspelt.stderr).contains("did you mean `file`?"));
}

#[test]
fn what_is_wrong_with_a_virtual_board_is_shown_in_its_own_file_in_each_language() {
    let system = tempfile::tempdir().unwrap();
    let board = "name = \"bench\"\n[line.\"gpio/A3\"]\nkind = \"rely\"\n";
    fs::write(system.path().join("board.toml"), board).unwrap();
    let config = "[board]\nvirtual = \"board.toml\"\n";
    fs::write(system.path().join("weihe.toml"), config).unwrap();
    for (language, message, help) in [
        (
            "en",
            "`kind` of the line `gpio/A3` cannot be \"rely\"",
            "did you mean `relay`?",
        ),
        (
            "zh",
            "引脚 `gpio/A3` 的 `kind` 不能是 \"rely\"",
            "是不是 `relay`？",
        ),
    ] {
        let mut command = weihe(system.path());
        let output = command.env("WEIHE_LANG", language).arg("check").output();
        let told = text(&output.unwrap().stderr);
        assert!(told.contains("board.toml:3:8"), "{told}");
        assert!(told.contains(message) && told.contains(help), "{told}");
    }
}
