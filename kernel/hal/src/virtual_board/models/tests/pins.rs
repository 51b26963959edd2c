//! Outputs: pins of expanders, and PWM.

use embedded_hal::delay::DelayNs as _;
use embedded_hal::i2c::I2c as _;

use super::adapter::device;
use crate::gpio::Bias;
use crate::hardware::Hardware as _;
use crate::virtual_board::tests::{listen, output};

const EXPANDER: &str = r#"
[line."mcp/B0"]
kind = "button"
pull = "none"
[line."mcp/A7"]
kind = "relay"
[line."gpio/1"]
[i2c."i2c/1"."0x20"]
model = "mcp23017"
pins = "mcp"
interrupt-b = "gpio/1"
"#;

#[test]
fn the_pins_of_an_expander_are_lines_of_the_board() {
    let (board, bus, _) = device(EXPANDER);
    let mut expander = port_expander::Mcp23x17::new_mcp23017(bus, false, false, false);
    let pins = expander.split();
    let mut relay = pins.gpa7.into_output().unwrap();
    relay.set_high().unwrap();
    assert_eq!(board.level("mcp/A7"), Some(true));
    relay.set_low().unwrap();
    assert_eq!(board.level("mcp/A7"), Some(false));
    let mut button = pins.gpb0;
    assert!(button.is_low().unwrap(), "it floats");
    button.enable_pull_up(true).unwrap();
    assert!(button.is_high().unwrap());
    board.press("mcp/B0", None).unwrap();
    assert!(button.is_low().unwrap());
    board.release("mcp/B0").unwrap();
    assert!(button.is_high().unwrap());
    let error = board
        .line("mcp/A7", &output(None), std::sync::Arc::new(|_| {}))
        .err();
    assert!(error.unwrap().to_string().contains("0x20 on i2c/1"));
}

#[test]
fn an_expander_interrupts_and_keeps_what_it_saw() {
    let (board, mut bus, _) = device(EXPANDER);
    let (_line, heard) = listen(&board, "gpio/1", Bias::AsIs);
    // Pull-up and interrupt on change for B0; interrupts are active low.
    bus.write(0x20, &[0x0d, 0x01]).unwrap();
    bus.write(0x20, &[0x05, 0x01]).unwrap();
    board.press("mcp/B0", None).unwrap();
    let told: Vec<bool> = heard.take().iter().map(|edge| edge.active).collect();
    assert_eq!(told, [false]);
    board.release("mcp/B0").unwrap();
    let mut registers = [0; 1];
    bus.write_read(0x20, &[0x0f], &mut registers).unwrap();
    assert_eq!(registers, [0x01], "which pin");
    bus.write_read(0x20, &[0x11], &mut registers).unwrap();
    assert_eq!(registers[0] & 1, 0, "as it was then");
    let told: Vec<bool> = heard.take().iter().map(|edge| edge.active).collect();
    assert_eq!(told, [true], "reading ends it");
    bus.write_read(0x20, &[0x13], &mut registers).unwrap();
    assert_eq!(registers[0] & 1, 1);
}

#[test]
fn pwm_channels_of_a_pca9685_have_the_widths_that_were_set() {
    use pwm_pca9685::{Address, Channel, Pca9685};
    let (board, bus, mut delay) = device("[i2c.\"i2c/1\".\"0x40\"]\nmodel = \"pca9685\"");
    let mut pwm = Pca9685::new(bus, Address::default()).unwrap();
    // 50 Hz, for a servo.
    pwm.set_prescale(121).unwrap();
    pwm.enable().unwrap();
    delay.delay_ms(1);
    pwm.set_channel_on_off(Channel::C3, 0, 307).unwrap();
    // Its own bit for off, which is set at first, goes before that for on.
    pwm.set_channel_full_on(Channel::C15, 0).unwrap();
    assert_eq!(board.value("i2c/1", 0x40, "channel 15"), None);
    pwm.set_channel_off(Channel::C15, 0).unwrap();
    let value = |name: &str| board.value("i2c/1", 0x40, name);
    assert_eq!(value("frequency").unwrap(), "50.0 Hz");
    assert_eq!(value("channel 3").unwrap(), "7.5 %, 1498 µs");
    assert!(value("channel 15").unwrap().starts_with("100.0 %"));
    assert_eq!(value("channel 4"), None);
    pwm.disable().unwrap();
    assert_eq!(value("channel 3"), None, "it sleeps");
}
