//! The file: what is wrong with it is said with its line.

use super::*;
use proptest::prelude::*;

fn faults(text: &str) -> String {
    match VirtualBoard::check(text) {
        Ok(()) => panic!("nothing is wrong with {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_fault_has_its_line_and_what_was_meant() {
    let text = r#"
nmae = "demo"
[world]
temperature = 21.5
[i2c."i2c/1"."0x44"]
model = "sth4x"
[i2c."i2c/1"."0x76"]
model = "bme280"
temperature = "temprature"
[line.start]
kind = "buton"
"#;
    let error = VirtualBoard::check(text).unwrap_err();
    let told: Vec<String> = error.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2: unknown key `nmae` in the board (did you mean `name`?)",
            "line 6: there is no model `sth4x` (did you mean `sht4x`?)",
            "line 9: there is no value `temprature` in the world (did you mean `temperature`?)",
            "line 11: `kind` of the line `start` cannot be \"buton\" (did you mean `button`?)",
        ]
    );
}

#[test]
fn what_cannot_be_is_refused() {
    for (text, expected) in [
        ("name = [", "line 1"),
        ("edge-queue = 0", "from 1 to 65536"),
        ("lines = [\"a\", \"a\"]", "two lines `a`"),
        ("lines = [\"a[3-1]\"]", "no range"),
        ("[line.a]\nalias = \"b\"\n[line.b]", "two lines `b`"),
        ("[line.a]\nwire = \"b\"", "no line `b`"),
        (
            "[i2c.i.\"0x03\"]\nmodel = \"sht4x\"",
            "0x03 on the bus `i` is reserved",
        ),
        (
            "[i2c.i.\"x\"]\nmodel = \"sht4x\"",
            "`x` on the bus `i` is no address",
        ),
        ("[i2c.i.\"0x44\"]", "no `model`"),
        (
            "[i2c.i.\"0x50\"]\nmodel = \"24c04\"\n[i2c.i.\"0x51\"]\nmodel = \"24c02\"",
            "share 0x51",
        ),
        (
            "[world]\na = { walk = { start = 5.0, step = 1.0, min = 9.0 } }",
            "not between its bounds",
        ),
        (
            "[world]\na = { points = [[\"2s\", 1], [\"1s\", 2]] }",
            "order of time",
        ),
        (
            "[world]\na = 1\nb = { sine = { mean = 1.0, amplitude = 1.0, period = \"0s\" } }",
            "line 3: `period` of the sine of `b` is 0s",
        ),
        ("[world]\na = { points = [] }", "has no points"),
        ("[world]\na = { }", "has no course"),
        ("[world]\na = inf", "must be a table"),
        ("[adc.a]\nvalue = 1.0\nmin = 2.0\nmax = 1.0", "not below"),
        (
            "[uart.a]\npty = true\ntcp = \"127.0.0.1:0\"",
            "two other ends",
        ),
        (
            "[uart.a]\ntcp = \"192.0.2.1:80\"",
            "no address of this machine",
        ),
        ("[uart.a]\nport = \"b\"", "no port `b`"),
        (
            "[[fault]]\non = \"x\"\nkind = \"nack\"",
            "no part of the board `x`",
        ),
        (
            "lines = [\"a\"]\n[[fault]]\non = \"a\"\nkind = \"nack\"",
            "cannot have the fault",
        ),
        (
            "lines = [\"a\"]\n[[fault]]\non = \"a\"\nkind = \"brokn\"",
            "no fault `brokn`",
        ),
        ("[echo.e]\ntrigger = \"t\"", "no line `t`"),
    ] {
        let told = faults(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn a_board_may_be_replaced_before_it_is_used() {
    let (board, _) = board("");
    assert!(board.rebuild("nonsense").is_err());
    board.rebuild("lines = [\"in\"]").unwrap();
    assert_eq!(board.level("in"), Some(false));
}

proptest! {
    #[test]
    fn no_text_upsets_the_reader(text in "\\PC{0,200}") {
        let _ = VirtualBoard::check(&text);
    }

    #[test]
    fn no_board_of_such_words_upsets_anybody(
        text in "(name|lines|line|world|i2c|spi|uart|pwm|adc|fault|echo|encoder|\\[|\\]|\\.|\"|a|0x44|=| |\n|1|model|sht4x|\\{|\\}|,){0,80}",
    ) {
        if VirtualBoard::check(&text).is_ok() {
            let (board, clock) = board(&text);
            clock.advance(1_000_000);
            let _ = board.look();
        }
    }
}
