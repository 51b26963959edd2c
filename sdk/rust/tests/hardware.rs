//! Hardware in native tests: what a plugin's author sees of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_hal::delay::DelayNs as _;
use embedded_hal::i2c::{Error as _, ErrorKind, I2c as _, NoAcknowledgeSource, Operation};
use embedded_hal::pwm::SetDutyCycle as _;
use embedded_hal::spi::SpiDevice as _;
use embedded_io::{Read as _, ReadReady as _, Write as _};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use weihe_sdk::hal::{
    Edge, Edges, HalError, Input, InputOptions, Output, OutputOptions, Quantity, SafeValue,
    UartSettings,
};
use weihe_sdk::prelude::*;
use weihe_sdk::testing::{Fault, I2cFault, I2cScript, Pulse};

/// A plugin made of closures, so that each test says what it does.
struct Scripted(Handler);

type Handler = Box<dyn FnMut(&mut Context, Event<'_>) -> Result<(), Error>>;
type Start = Box<dyn FnMut(&mut Context) -> Result<Handler, Error>>;

thread_local! {
    static START: RefCell<Option<Start>> = const { RefCell::new(None) };
}

impl Plugin for Scripted {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("scripted", "0.1.0", "Does what a test says")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        START.with_borrow_mut(|start| start.as_mut().unwrap()(ctx).map(Scripted))
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        (self.0)(ctx, event)
    }
}

/// A device that does this when it is started, and then this with each event.
fn setup<H>(
    mut start: impl FnMut(&mut Context) -> Result<H, Error> + 'static,
) -> weihe_sdk::testing::Setup<Scripted>
where
    H: FnMut(&mut Context, Event<'_>) -> Result<(), Error> + 'static,
{
    let start: Start = Box::new(move |ctx| start(ctx).map(|handler| Box::new(handler) as Handler));
    START.set(Some(start));
    FakeKernel::setup("bench")
}

/// One that does all of its work in its start.
fn once(
    mut work: impl FnMut(&mut Context) -> Result<(), Error> + 'static,
) -> weihe_sdk::testing::Setup<Scripted> {
    setup(move |ctx| {
        work(ctx)?;
        Ok(|_: &mut Context, _: Event<'_>| Ok(()))
    })
}

fn lm75(celsius: Rc<Cell<f64>>) -> impl FnMut(&[u8], &mut [u8]) -> Result<(), I2cFault> {
    move |written, read| match written {
        [0x00] => {
            let raw = ((celsius.get() * 2.0) as i16) << 7;
            read.copy_from_slice(&raw.to_be_bytes());
            Ok(())
        }
        _ => Err(I2cFault::DataNack),
    }
}

fn count(options: InputOptions) -> weihe_sdk::testing::Setup<Scripted> {
    setup(move |ctx| {
        let pulses: Input = ctx.input("pulses", options)?;
        let mut total = 0;
        Ok(move |ctx: &mut Context, event: Event<'_>| {
            if let Some(edge) = Edge::of(&event, &pulses) {
                total += 1 + edge.missed as i64;
                ctx.publish("plugin/bench/total", total)?;
            }
            Ok(())
        })
    })
    .line("pulses")
}

#[test]
fn edges_come_as_events_and_those_missed_are_counted() {
    let mut kernel = count(InputOptions::new().edges(Edges::Rising))
        .start("{}")
        .unwrap();
    kernel.board().pulses("pulses", 3).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(3))
    );
    kernel.board().miss("pulses", 4);
    kernel.board().pulses("pulses", 1).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(8))
    );
    // Something else.
    kernel.event("tank/level", true).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(8))
    );
}

#[test]
fn an_edge_that_is_delivered_once_more_is_no_gap() {
    let mut kernel = count(InputOptions::new().edges(Edges::Both))
        .start("{}")
        .unwrap();
    let mut again = kernel.make_event("$edge/bench/pulses", true);
    for (sequence, attempt) in [(1, 1), (2, 1), (1, 2), (2, 2), (3, 1)] {
        (again.id.sequence, again.attempt) = (sequence, attempt);
        kernel.feed(&again).unwrap();
    }
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(5)),
        "five deliveries, nothing missed"
    );
}

#[test]
fn only_the_edges_that_were_asked_for_come() {
    let mut kernel = count(InputOptions::new().edges(Edges::Falling))
        .start("{}")
        .unwrap();
    kernel.board().press("pulses").unwrap();
    assert_eq!(kernel.last("plugin/bench/total"), None);
    kernel.board().release("pulses").unwrap();
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(1))
    );
}

#[test]
fn a_button_to_ground_is_active_when_the_voltage_is_low() {
    let mut kernel = count(
        InputOptions::new()
            .pull_up()
            .active_low()
            .edges(Edges::Rising),
    )
    .start("{}")
    .unwrap();
    let line = kernel.board().line("pulses");
    assert!(line.level() && !line.is_active(), "its resistor holds it");
    kernel.board().level("pulses", false).unwrap();
    let line = kernel.board().line("pulses");
    assert!(!line.level() && line.is_active());
    assert_eq!(
        kernel.last("plugin/bench/total"),
        Some(ValueBuf::Integer(1))
    );
}

#[test]
fn an_output_keeps_its_value_over_a_restart_and_is_safe_at_the_end() {
    let mut kernel = setup(|ctx| {
        let options = OutputOptions::new().active_low().initial(true);
        let relay: Output = ctx.output("relay", options)?;
        let options = OutputOptions::new().safe(SafeValue::Keep);
        let alarm = ctx.output("alarm", options)?;
        Ok(move |_: &mut Context, event: Event<'_>| {
            relay.set(event.value.as_bool().unwrap_or(false))?;
            alarm.toggle()?;
            Ok(())
        })
    })
    .line("relay")
    .line("alarm")
    .start("{}")
    .unwrap();
    let relay = kernel.board().line("relay");
    assert!(relay.is_active() && !relay.level() && relay.is_output());

    kernel.event("x", false).unwrap();
    kernel.restart("{}").unwrap();
    let relay = kernel.board().line("relay");
    assert!(
        !relay.is_active(),
        "the initial value is for the first time"
    );

    kernel.event("x", true).unwrap();
    let history = kernel.board().line("relay");
    let became: Vec<bool> = history
        .history()
        .iter()
        .map(|(_, active)| *active)
        .collect();
    assert_eq!(became, [true, false, true]);
    let error = kernel.board().press("relay").unwrap_err();
    assert!(error.text().contains("`relay` is an output"), "{error}");

    kernel.event("x", true).unwrap();
    kernel.stop();
    assert!(!kernel.board().line("relay").is_active());
    assert!(kernel.board().line("alarm").is_active(), "it is kept");
}

#[test]
fn what_is_not_on_the_board_is_named() {
    let error = once(|ctx| Ok(ctx.input("buton", InputOptions::new()).map(drop)?))
        .line("button")
        .start("{}")
        .unwrap_err();
    assert!(error.text().contains("no line `buton`"), "{error}");
    let error = once(|ctx| Ok(ctx.i2c("sensors").map(drop)?))
        .start("{}")
        .unwrap_err();
    assert!(error.text().contains("`Setup::i2c`"), "{error}");
}

#[test]
fn an_unmodified_driver_measures_through_a_bus_that_two_share() {
    // The worked frame: 0x6666 is 25 °C, 0x8000 is 56.5 %.
    let answer = [0x66, 0x66, 0x93, 0x80, 0x00, 0xa2];
    let scripted = I2cScript::new().write(&[0xfd]).read(&answer);
    let celsius = Rc::new(Cell::new(21.5));
    let mut kernel = once(|ctx| {
        let mut bus = ctx.i2c("sensors")?;
        let mut sensor = sht4x::Sht4x::new(bus.clone());
        let began = ctx.now();
        let measured = sensor
            .measure(sht4x::Precision::High, &mut ctx.delay())
            .map_err(|error| Error::retry(format!("{error:?}")))?;
        assert!(
            ctx.now() >= began + Duration::from_millis(8),
            "the sensor needs its time"
        );
        ctx.publish(
            "plugin/bench/air",
            measured.temperature_celsius().to_num::<f64>(),
        )?;
        let mut raw = [0; 2];
        bus.write_read(0x48, &[0x00], &mut raw)?;
        ctx.publish(
            "plugin/bench/board",
            f64::from(i16::from_be_bytes(raw)) / 256.0,
        )?;
        Ok(())
    })
    .i2c("sensors", 0x44, scripted)
    .i2c("sensors", 0x48, lm75(celsius))
    .start("{}")
    .unwrap();
    let air = kernel.last("plugin/bench/air").unwrap();
    assert!((air.as_value().as_f64().unwrap() - 25.0).abs() < 0.01);
    assert_eq!(
        kernel.last("plugin/bench/board"),
        Some(ValueBuf::Float(21.5))
    );
    kernel.stop();
}

#[test]
fn a_transaction_of_many_parts_is_split_where_it_was_joined() {
    once(|ctx| {
        let (mut first, mut second) = ([0; 1], [0; 2]);
        ctx.i2c("sensors")?.transaction(
            0x50,
            &mut [
                Operation::Write(&[0x10]),
                Operation::Write(&[0x20]),
                Operation::Read(&mut first),
                Operation::Read(&mut second),
                Operation::Write(&[0x30]),
            ],
        )?;
        assert_eq!((first, second), ([1], [2, 3]));
        Ok(())
    })
    .i2c(
        "sensors",
        0x50,
        I2cScript::new()
            .write_read(&[0x10, 0x20], &[1, 2, 3])
            .write(&[0x30]),
    )
    .start("{}")
    .unwrap();
}

#[test]
fn faults_on_a_bus_say_what_and_where() {
    let mut kernel = setup(|ctx| {
        let bus = ctx.i2c("sensors")?;
        Ok(move |ctx: &mut Context, _: Event<'_>| {
            let mut raw = [0; 2];
            match bus.clone().write_read(0x48, &[0], &mut raw) {
                Ok(()) => ctx.publish("plugin/bench/ok", true)?,
                Err(error) => {
                    let absent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
                    assert_eq!(error.kind(), absent);
                    Err(error)?;
                }
            }
            Ok(())
        })
    })
    .i2c("sensors", 0x48, lm75(Rc::new(Cell::new(0.0))))
    .start("{}")
    .unwrap();
    kernel.inject(
        Fault::i2c(I2cFault::AddressNack)
            .on("sensors@0x48")
            .times(1),
    );
    kernel.inject(Fault::i2c(I2cFault::Bus).on("sensors@0x49"));
    let error = kernel.event("x", 1).unwrap_err();
    assert!(
        matches!(&error, Error::Retry(text) if text == "address 0x48 on sensors does not acknowledge"),
        "{error:?}"
    );
    kernel.event("x", 1).unwrap();
    kernel.board().unplug("sensors", 0x48);
    kernel.event("x", 1).unwrap_err();
    kernel
        .board()
        .plug("sensors", 0x48, lm75(Rc::new(Cell::new(0.0))));
    kernel.event("x", 1).unwrap();
}

#[test]
fn a_length_that_no_host_takes_is_refused() {
    once(|ctx| {
        let mut bus = ctx.i2c("sensors")?;
        let error = bus.read(0x48, &mut [0; 8193]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(error.to_string().contains("8193"), "{error}");
        Ok(())
    })
    .i2c("sensors", 0x48, lm75(Rc::new(Cell::new(0.0))))
    .start("{}")
    .unwrap();
}

#[test]
fn hardware_fails_by_a_rule() {
    let mut kernel = setup(|ctx| {
        let lamp = ctx.output("lamp", OutputOptions::new())?;
        Ok(move |_: &mut Context, _: Event<'_>| Ok(lamp.set(true)?))
    })
    .line("lamp")
    .start("{}")
    .unwrap();
    let gone = HalError::Gone("chip of lamp: unplugged".to_owned());
    kernel.inject(Fault::hardware(gone).on("lamp").times(1));
    let error = kernel.event("x", 1).unwrap_err();
    assert_eq!(error, Error::retry("chip of lamp: unplugged"));
    assert!(!kernel.board().line("lamp").is_active());
    kernel.event("x", 1).unwrap();
    assert!(kernel.board().line("lamp").is_active());
}

#[test]
fn spi_gets_what_comes_back_while_it_sends() {
    use embedded_hal::spi::Operation;
    once(|ctx| {
        let mut converter = ctx.spi("converter", Default::default())?;
        let mut bytes = [1, 0x80, 0];
        converter.transfer_in_place(&mut bytes)?;
        assert_eq!(u16::from(bytes[1] & 3) << 8 | u16::from(bytes[2]), 0x2ff);
        // Longer in one direction than in the other.
        let (mut long, mut short, mut last) = ([0xee; 3], [0xee; 1], [0; 2]);
        converter.transaction(&mut [
            Operation::Transfer(&mut long, &[1]),
            Operation::Write(&[9]),
            Operation::Transfer(&mut short, &[1, 2]),
            Operation::DelayNs(500),
            Operation::Read(&mut last),
        ])?;
        assert_eq!(
            (long, short, last),
            ([0xfe, 0xff, 0xff], [0xfe], [0xff, 0xff])
        );
        Ok(())
    })
    .spi("converter", |out: &[u8], back: &mut [u8]| {
        match out {
            [1, 0x80, 0] => back.copy_from_slice(&[0, 2, 0xff]),
            out => back
                .iter_mut()
                .zip(out)
                .for_each(|(back, out)| *back = !out),
        }
        Ok(())
    })
    .start("{}")
    .unwrap();
}

#[test]
fn a_serial_port_answers_in_frames_and_times_out() {
    let mut kernel = setup(|ctx| {
        let mut scale = ctx.uart("scale", UartSettings::new(2400))?;
        Ok(move |ctx: &mut Context, _: Event<'_>| {
            scale.write_all(b"W\r\n")?;
            let (timeout, gap) = (Duration::from_millis(500), Duration::from_millis(10));
            let frame = scale.read_frame(64, timeout, gap)?;
            ctx.publish(
                "plugin/bench/weight",
                String::from_utf8_lossy(&frame).as_ref(),
            )?;
            Ok(())
        })
    })
    .uart("scale", |written| match written {
        b"W\r\n" => b"12.5 kg\r\n".to_vec(),
        _ => Vec::new(),
    })
    .start("{}")
    .unwrap();
    kernel.event("x", 1).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/weight"),
        Some(ValueBuf::Text("12.5 kg\r\n".to_owned()))
    );
    assert_eq!(kernel.board().written("scale"), b"W\r\n");
    assert_eq!(
        kernel.board().settings("scale"),
        Some(UartSettings::new(2400))
    );
}

#[test]
fn bytes_that_come_unasked_are_read_to_the_silence() {
    once(|ctx| {
        let port = ctx.uart("gps", UartSettings::default())?;
        let error = port
            .read_frame(64, Duration::from_millis(500), Duration::ZERO)
            .unwrap_err();
        assert!(matches!(error, HalError::Timeout(_)), "{error}");
        Ok(())
    })
    .uart("gps", |_| Vec::new())
    .start("{}")
    .unwrap();

    let mut kernel = setup(|ctx| {
        let mut port = ctx.uart("gps", UartSettings::default())?;
        Ok(move |ctx: &mut Context, _: Event<'_>| {
            if !port.read_ready()? {
                return Ok(());
            }
            // What was looked at is not lost.
            let mut first = [0; 2];
            assert_eq!(port.read(&mut first)?, 2);
            let rest = port.read_frame(64, Duration::from_secs(1), Duration::from_millis(5))?;
            let text = [&first[..], &rest].concat();
            ctx.publish(
                "plugin/bench/frame",
                String::from_utf8_lossy(&text).as_ref(),
            )?;
            Ok(())
        })
    })
    .uart("gps", |_| Vec::new())
    .start("{}")
    .unwrap();
    kernel.event("x", 1).unwrap();
    assert_eq!(kernel.last("plugin/bench/frame"), None);
    kernel.board().feed("gps", b"$GPGGA");
    kernel.event("x", 1).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/frame"),
        Some(ValueBuf::Text("$GPGGA".to_owned()))
    );
}

#[test]
fn pulses_are_set_as_a_share_of_their_period() {
    let mut kernel = setup(|ctx| {
        let mut heater = ctx.pwm("heater", None)?;
        let early = heater.set_duty_cycle_percent(50).unwrap_err();
        assert!(matches!(early, HalError::Invalid(_)), "{early}");
        heater.set(Duration::from_millis(20), Duration::ZERO)?;
        heater.enable(true)?;
        heater.set_duty_cycle_fully_on()?;
        heater.set_duty_cycle_fraction(1, 4)?;
        Ok(|_: &mut Context, _: Event<'_>| Ok(()))
    })
    .pwm("heater")
    .start("{}")
    .unwrap();
    let pulse = kernel.board().pulse("heater");
    assert_eq!(pulse.period, Duration::from_millis(20));
    assert!(pulse.enabled);
    let error = pulse.width.as_nanos().abs_diff(5_000_000);
    assert!(error < 1_000, "a quarter, as near as 16 bits can say");
    let fully_on = Pulse {
        width: pulse.period,
        ..pulse
    };
    let history = kernel.board().pulse_history("heater");
    assert!(history.iter().any(|(_, pulse)| *pulse == fully_on));
    kernel.stop();
    assert!(!kernel.board().pulse("heater").enabled, "off at the end");
}

#[test]
fn an_analogue_input_has_a_quantity() {
    let mut kernel = setup(|ctx| {
        let battery = ctx.adc("battery")?;
        assert_eq!(battery.quantity(), Quantity::Voltage);
        Ok(move |ctx: &mut Context, _: Event<'_>| {
            Ok(ctx.publish("plugin/bench/volts", battery.read()?)?)
        })
    })
    .adc("battery", Quantity::Voltage, 12.6)
    .start("{}")
    .unwrap();
    kernel.board().measure("battery", 10.8);
    kernel.event("x", 1).unwrap();
    assert_eq!(
        kernel.last("plugin/bench/volts"),
        Some(ValueBuf::Float(10.8))
    );
}

#[test]
fn a_wait_moves_the_clock_on_and_never_back() {
    let mut kernel = setup(|ctx| {
        let mut delay = ctx.delay();
        Ok(move |_: &mut Context, _: Event<'_>| {
            delay.delay_ms(20);
            delay.delay_us(5);
            Ok(())
        })
    })
    .start("{}")
    .unwrap();
    let began = kernel.now();
    kernel.event("x", 1).unwrap();
    let after = began + Duration::from_nanos(20_005_000);
    assert_eq!(kernel.now(), after);
    kernel.advance(Duration::from_millis(1)).unwrap();
    assert_eq!(kernel.now(), after + Duration::from_millis(1));
}

#[test]
fn a_driver_for_async_runs_to_its_end_in_one_call() {
    async fn temperature<B: embedded_hal_async::i2c::I2c>(mut bus: B) -> Result<f64, B::Error> {
        let mut raw = [0; 2];
        bus.write_read(0x48, &[0x00], &mut raw).await?;
        Ok(f64::from(i16::from_be_bytes(raw)) / 256.0)
    }
    once(|ctx| {
        let celsius = weihe_sdk::hal::block_on(temperature(ctx.i2c("sensors")?))?;
        assert_eq!(celsius, -5.5);
        Ok(())
    })
    .i2c("sensors", 0x48, lm75(Rc::new(Cell::new(-5.5))))
    .start("{}")
    .unwrap();
}
