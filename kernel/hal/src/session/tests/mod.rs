//! What a session does with hardware that takes its time: on which thread, and in which order.

mod bench;

use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::Poll;

use weihe_kernel::VirtualClock;
use weihe_kernel::bus::Bus;
use weihe_kernel::failsafe::Outputs;

use super::*;
use crate::gpio::{Bias, Drive, Edges, Mode};
use crate::grant::Safe;
use crate::i2c::I2cOperation;
use crate::serial::{FlowControl, Parity, PortSettings};
use crate::spi::{SpiConfig, SpiOperation};
use bench::{Bench, Board};

struct Rig {
    bench: Arc<Bench>,
    shared: Arc<Shared>,
    outputs: Arc<Outputs>,
}

impl Rig {
    /// The lane is this thread.
    fn new() -> Self {
        let bench = Bench::new();
        let bus = Bus::new(1);
        let source = bus.source("$kernel").unwrap();
        let clock = Arc::new(VirtualClock::new(0));
        Self {
            shared: Shared::new(Arc::new(Board(bench.clone()))),
            outputs: Outputs::new("pump".into(), source, bus, clock),
            bench,
        }
    }

    /// An instance of a version of the device.
    fn session(&self, version: &str) -> Session {
        let grant = toml::from_str(
            r#"
            gpio = { valve = "both", key = "input" }
            i2c = { "i2c/1" = "all" }
            spi = ["spi/0"]
            uart = ["uart/1"]
            pwm = ["pwm/0"]
            adc = ["adc/0"]
            "#,
        )
        .unwrap();
        let grant = Arc::new(Grant::from_table(&grant).unwrap());
        let leases = Arc::new(OnceLock::new());
        let mut session = Session::new(self.shared.clone(), leases, "pump", grant);
        session.belong(&self.outputs, version);
        session
    }
}

fn output(initial: Option<bool>) -> Mode {
    Mode::Output {
        drive: Drive::PushPull,
        initial,
    }
}

const INPUT: Mode = Mode::Input {
    bias: Bias::AsIs,
    edges: Edges::None,
    debounce: 0,
};

const OFF: Safe = Safe::Value(false);

const SPI: SpiConfig = SpiConfig {
    mode: 0,
    frequency: 1,
    lsb_first: false,
};

const UART: PortSettings = PortSettings {
    baud: 9_600,
    data_bits: 8,
    parity: Parity::None,
    stop_bits: 1,
    flow: FlowControl::None,
    rs485: None,
};

/// It is asked for, and not done yet.
async fn ask<F: Future>(future: &mut std::pin::Pin<Box<F>>) {
    let pending = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending()));
    assert!(pending.await);
}

#[tokio::test]
async fn nothing_that_a_guest_calls_is_done_on_its_lane() {
    let rig = Rig::new();
    for version in ["1", "1", "2"] {
        // The second time all of it is open already, and the third time for another version.
        let session = rig.session(version);
        let valve = session.open_line("valve", None, output(None), OFF);
        let valve = valve.await.unwrap();
        valve.write(true).await.unwrap();
        assert!(!valve.toggle().await.unwrap());
        valve.read().await.unwrap();
        let valve = session.open_line("valve", None, INPUT, Safe::Keep);
        valve.await.unwrap();
        let bus = session.open_bus("i2c/1").await.unwrap();
        let read = vec![I2cOperation::Read(vec![0])];
        bus.transaction(0x44, read).await.unwrap();
        let display = session.open_spi("spi/0", &SPI).await.unwrap();
        let write = vec![SpiOperation::Write(vec![0])];
        display.transaction(write).await.unwrap();
        let port = session.open_uart("uart/1", &UART).await.unwrap();
        port.discard_input().await.unwrap();
        let fan = session.open_pwm("pwm/0", None).await.unwrap();
        fan.set(2, 1).await.unwrap();
        fan.enable(true).await.unwrap();
        fan.period().await.unwrap();
        fan.width().await.unwrap();
        let level = session.open_adc("adc/0").await.unwrap();
        level.measure(|channel| channel.read()).await.unwrap();
        level.measure(|channel| channel.read_raw()).await.unwrap();
    }
}

#[tokio::test]
async fn a_line_granted_as_an_input_is_no_output_and_the_error_names_both() {
    let rig = Rig::new();
    let session = rig.session("1");
    let refused = session.open_line("key", None, output(None), OFF).await;
    assert_eq!(
        refused.err().unwrap().to_string(),
        "line `key` is granted to device `pump` as an input, not as an output"
    );
}

#[tokio::test]
async fn what_was_asked_for_before_the_safe_value_does_not_land_after_it() {
    let rig = Rig::new();
    let session = rig.session("1");
    let valve = session.open_line("valve", None, output(None), OFF);
    let valve = valve.await.unwrap();
    let (_begun, go) = rig.bench.stick("reading a line");
    let mut reading = Box::pin(valve.read());
    ask(&mut reading).await;
    let mut on = Box::pin(valve.write(true));
    ask(&mut on).await;
    rig.outputs.apply("it failed");
    rig.outputs.settled().await;
    assert_eq!(rig.bench.set(), [false]);
    go.send(()).unwrap();
    reading.await.unwrap();
    let late = on.await.unwrap_err().to_string();
    assert!(late.contains("set to something else"), "{late}");
    assert_eq!(rig.bench.set(), [false]);
    // What is asked for after it is done.
    valve.write(true).await.unwrap();
    assert_eq!(rig.bench.set(), [false, true]);
}

#[tokio::test]
async fn writes_that_nobody_waits_for_any_more_are_not_done() {
    let rig = Rig::new();
    let session = rig.session("1");
    let valve = session.open_line("valve", None, output(None), OFF);
    let valve = valve.await.unwrap();
    let (_begun, go) = rig.bench.stick("reading a line");
    let mut reading = Box::pin(valve.read());
    ask(&mut reading).await;
    let mut on = Box::pin(valve.write(true));
    ask(&mut on).await;
    drop(on);
    let mut off = Box::pin(valve.write(false));
    ask(&mut off).await;
    go.send(()).unwrap();
    off.await.unwrap();
    assert_eq!(rig.bench.set(), [false]);
}

#[tokio::test]
async fn an_output_that_comes_open_after_its_device_failed_is_safe_all_the_same() {
    let rig = Rig::new();
    let session = rig.session("1");
    let (begun, go) = rig.bench.stick("opening a line");
    let mut opening = Box::pin(session.open_line("valve", None, output(Some(true)), OFF));
    while begun.try_recv().is_err() {
        ask(&mut opening).await;
        tokio::task::yield_now().await;
    }
    // The plugin's time is over, and it fails for good.
    drop(opening);
    rig.outputs.apply("it failed");
    go.send(()).unwrap();
    while rig.bench.set() != [true, false] {
        tokio::task::yield_now().await;
    }
    rig.outputs.settled().await;
    let status = rig.outputs.status().unwrap();
    assert_eq!(status.outputs[0].state.as_str(), "applied");
}
