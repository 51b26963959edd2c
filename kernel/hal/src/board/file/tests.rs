#![allow(clippy::unwrap_used, clippy::panic)]

use super::embedded::TEXTS;
use super::find::alike;
use super::*;
use crate::board::machine::{Cpu, Dmi, Machine};

fn faults(text: &str) -> Vec<FileFault> {
    BoardFile::parse("test", text).err().unwrap_or_default()
}

#[test]
fn each_embedded_file_is_read_and_none_in_the_folder_is_forgotten() {
    for (name, text) in TEXTS {
        let faults = faults(text);
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    assert_eq!(embedded().len(), TEXTS.len());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../boards");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".toml").map(str::to_owned)
        })
        .collect();
    found.sort();
    let embedded: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, embedded);
}

#[test]
fn each_fact_of_an_embedded_file_names_its_source_or_says_that_it_has_none() {
    for file in embedded() {
        assert!(file.soc.is_some(), "{}", file.name);
        assert!(!file.matches.is_empty(), "{}", file.name);
        let parts = [&file.i2c, &file.spi, &file.uart, &file.pwm, &file.adc];
        let parts = parts.into_iter().flatten().map(|part| &part.origin);
        let banks = file.banks.iter().map(|bank| &bank.origin);
        let matches = file.matches.iter().map(|found| &found.origin);
        let lines = file.lines.iter().map(|line| &line.origin);
        for origin in parts.chain(banks).chain(matches).chain(lines) {
            let text = origin.text.as_deref().unwrap_or_default();
            assert!(text.len() > 10, "{}: {origin:?}", file.name);
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_to_do() {
    let cases = [
        (
            "sco = \"x\"\n",
            "no key `sco`",
            "did you mean `soc`?",
            "sco",
        ),
        (
            "[[gpio]]\nbank = \"A\"\nat = { acpy = \"X\" }\nlines = 8\n",
            "no key `acpy`",
            "`acpi`",
            "acpy",
        ),
        (
            "[[gpio]]\nbnak = \"A\"\nat = { acpi = \"X\" }\nlines = 8\n",
            "no key `bnak`",
            "`bank`",
            "bnak",
        ),
        (
            "[[gpio]]\nbank = \"A\"\nat = { acpi = \"X\" }\nlines = 0\n",
            "a bank of 0 lines",
            "1 to 1024",
            "0",
        ),
        (
            "[[gpio]]\nbank = \"A\"\nat = { acpi = \"X\" }\nlines = \"8\"\n",
            "this must be a whole number, but is string",
            "",
            "\"8\"",
        ),
        (
            "[[uart]]\nname = \"uart/1\"\nat = { port = 0x3f8 }\n",
            "`uart/1` cannot be a name",
            "are put before them",
            "\"uart/1\"",
        ),
        (
            "[[uart]]\nname = \"1\"\nat = {}\n",
            "`at` does not say where",
            "what does not change",
            "{}",
        ),
        (
            "[[uart]]\nname = \"1\"\nat = { port = 1 }\n[[uart]]\nname = \"1\"\nat = { port = 2 }\n",
            "two `[[uart]]` are named `1`",
            "another name",
            "\"1\"",
        ),
        (
            "[sources]\ndts = \"x y\"\n[[uart]]\nname = \"1\"\nat = { port = 1 }\nsource = \"dst\"\n",
            "`[sources]` has no `dst`",
            "`dts`",
            "\"dst\"",
        ),
        (
            "extends = \"phytium-d200\"\n",
            "no board file `phytium-d200`",
            "`phytium-d2000`",
            "\"phytium-d200\"",
        ),
        (
            "[[match]]\ncount = 4\n",
            "fits every machine",
            "`compatible`",
            "[[match]]",
        ),
        ("[[uart]]\nname = \"1\"\n", "has no `at`", "", "[[uart]]"),
        ("soc = \n", "this is no board file", "", ""),
        ("soc = 5\n", "this must be a string", "", "5"),
    ];
    for (text, message, help, place) in cases {
        let faults = faults(text);
        let [fault] = faults.as_slice() else {
            panic!("{text}: {faults:?}");
        };
        assert!(fault.message.contains(message), "{text}: {fault:?}");
        let said = fault.help.clone().unwrap_or_default();
        assert!(said.contains(help), "{text}: {fault:?}");
        let at = text.get(fault.span.clone()).unwrap();
        assert!(at.contains(place), "{text}: {at:?} of {fault:?}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = "[[uart]]\nname = \"a b\"\nat = {}\n[[i2c]]\nname = \"\"\nat = []\n";
    let faults = faults(text);
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.is_sorted_by_key(|fault| fault.span.start));
}

#[test]
fn the_examples_of_the_documentation_are_board_files() {
    for name in ["boards.md", "boards.zh-CN.md"] {
        let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let blocks = text.split("```toml\n").skip(1);
        let blocks = blocks.map(|block| block.split("```").next().unwrap());
        let files: Vec<&str> = blocks.filter(|block| block.contains("[[")).collect();
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(faults(file), [], "{file}");
        }
    }
}

#[test]
fn all_that_a_match_names_must_hold_and_what_says_more_comes_first() {
    let file = |text: &str| BoardFile::parse("test", text).unwrap().matches.remove(0);
    let machine = Machine {
        cpu: Cpu {
            vendor: Some("GenuineIntel".to_owned()),
            family: Some(6),
            count: 4,
            ..Cpu::default()
        },
        dmi: Some(Dmi {
            board: Some("IPC-3000 rev. B".to_owned()),
            ..Dmi::default()
        }),
        ..Machine::default()
    };
    let by_board = file("[[match]]\ndmi = [\"ipc-3000*\"]\n");
    let by_cpu = file("[[match]]\nvendor = [\"GenuineIntel\"]\nfamily = [6]\ncount = [2, 8]\n");
    let (board, named) = by_board.fits(&machine).unwrap();
    let (cpu, _) = by_cpu.fits(&machine).unwrap();
    assert_eq!(named, "DMI `IPC-3000 rev. B`");
    assert!(board > cpu);
    for other in [
        "family = [7]",
        "count = 8",
        "dmi = [\"x\"]",
        "compatible = [\"x\"]",
    ] {
        let text = format!("[[match]]\nvendor = [\"GenuineIntel\"]\n{other}\n");
        assert_eq!(file(&text).fits(&machine), None, "{other}");
    }
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, text) in [
        ("*/gpio@28004000", "/soc/gpio@28004000"),
        ("Phytium,D2000/*", "phytium,d2000/8 E8C"),
        ("*KX-6*", "ZHAOXIN KaiXian KX-6640MA@2.2+GHz"),
        ("*", ""),
        ("a", "A"),
        ("a*b*c", "a-b-b-c"),
    ] {
        assert!(alike(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("a", "ab"),
        ("a*b", "a"),
        ("a*a", "a"),
        ("", "x"),
        ("*b*", "a"),
    ] {
        assert!(!alike(pattern, text), "{pattern} {text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_upsets_the_reader(text in "\\PC{0,120}|([a-z\\[\\]={}\"'.#*\n 0-9@,温-]){0,120}") {
        for fault in faults(&text) {
            proptest::prop_assert!(!fault.message.is_empty());
            proptest::prop_assert!(text.get(fault.span.clone()).is_some(), "{fault:?}");
        }
    }

    #[test]
    fn a_file_with_a_slip_is_refused_or_read(
        which in 0..TEXTS.len(), at in 0..2_000usize, with in "\\PC{0,3}",
    ) {
        let text = TEXTS[which].1;
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let text = format!("{}{with}{}", &text[..at], &text[at..]);
        let _ = BoardFile::parse("slip", &text);
    }
}
