#![allow(clippy::unwrap_used)]

use super::*;

fn grant(text: &str) -> Result<Grant, GrantError> {
    Grant::from_table(&toml::from_str(text).unwrap())
}

#[test]
fn things_are_granted_under_the_boards_name_or_another() {
    let grant = grant(
        r#"
        i2c = { "i2c/1" = [0x44, 0x76], display = { bus = "i2c/2", addresses = "all" } }
        spi = ["spi/0.0"]
        adc = { pressure = "adc/2" }
        pwm = { fan = { channel = "pwm/0", safe = "keep" } }
        [gpio]
        "gpio/A3" = "output"
        led = { line = "gpio/A4", mode = "output", active = "low", safe = "inactive" }
        "#,
    )
    .unwrap();
    let led = grant.line("led").unwrap();
    assert_eq!(led.line, "gpio/A4");
    assert_eq!((led.input, led.output), (false, true));
    assert_eq!(
        (led.active_low, led.safe),
        (Some(true), Some(Safe::Value(false)))
    );
    assert_eq!(grant.line("gpio/A3").unwrap().line, "gpio/A3");
    assert_eq!(grant.line("gpio/A4"), None);
    let bus = grant.bus("i2c/1").unwrap();
    assert_eq!(bus.addresses, Some(BTreeSet::from([0x44, 0x76])));
    assert_eq!(grant.bus("display").unwrap().addresses, None);
    assert_eq!(grant.other(Kind::Adc, "pressure").unwrap().name, "adc/2");
    assert_eq!(grant.other(Kind::Pwm, "fan").unwrap().keep, Some(true));
    assert_eq!(grant.aliases(Kind::Spi), ["spi/0.0"]);
    assert_eq!(grant.names().count(), 7);
}

#[test]
fn what_is_wrong_is_named() {
    let says = |text: &str, part: &str| {
        let error = grant(text).unwrap_err();
        assert!(error.message.contains(part), "{}", error.message);
    };
    says("gpoi = {}", "unknown key `gpoi`");
    says(
        "gpio = [\"gpio/A3\"]",
        "`gpio` must be a table, but is a list",
    );
    says(
        "gpio = { a = \"out\" }",
        "line `a` must be `input`, `output` or `both`, but is `out`",
    );
    says(
        "gpio = { a = { mode = \"input\", safe = \"active\" } }",
        "is granted as an input only",
    );
    says("gpio = { a = { line = \"x\" } }", "line `a` has no `mode`");
    says("gpio = { \"a+b\" = \"input\" }", "`a+b` is no name");
    says(
        "i2c = { \"i2c/1\" = [0x88] }",
        "0x88 on I2C bus `i2c/1` is no address",
    );
    says("i2c = { \"i2c/1\" = [] , x = 4 }", "I2C bus `x`");
    says("i2c = { a = { bus = \"i2c/1\" } }", "has no `addresses`");
    says("spi = 3", "`spi` must be a list of names, but is 3");
    says(
        "uart = { a = { channel = \"b\" } }",
        "serial port `a` must be a name, but is a table",
    );
    says("pwm = { a = { safe = \"on\" } }", "`off` or `keep`");
}
