//! Lines of kernels without character devices, over files like those of a board; what is the same for all lines along
//! with it.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, mpsc};

use super::super::fixture::Fixture;
use super::*;
use crate::error::HalError;
use crate::gpio::{Bias, Drive, Edge, EdgeSink, Edges, Line, LineConfig, Mode};

const CHIP: &str = "/sys/class/gpio/gpiochip480";
const LINE: &str = "/sys/class/gpio/gpio482";
const NAME: &str = "gpio/28004000.gpio/2";

/// A board with a chip of four lines, the third of which is exported.
fn board() -> Fixture {
    let fixture = Fixture::new();
    fixture.link(CHIP, "/sys/devices/platform/28004000.gpio/gpio/gpiochip480");
    for (file, value) in [("ngpio", "4"), ("base", "480"), ("label", "28004000.gpio")] {
        fixture.file(&format!("{CHIP}/{file}"), &format!("{value}\n"));
    }
    fixture.file("/sys/class/gpio/export", "");
    fixture.file("/sys/class/gpio/unexport", "");
    for (file, value) in [("direction", "in"), ("value", "0"), ("active_low", "1")] {
        fixture.file(&format!("{LINE}/{file}"), &format!("{value}\n"));
    }
    fixture
}

fn deaf() -> EdgeSink {
    Arc::new(|_| {})
}

fn ear() -> (EdgeSink, mpsc::Receiver<Edge>) {
    let (sender, heard) = mpsc::channel();
    let sink = move |edges: &[Edge]| {
        for edge in edges {
            // A test that has heard enough drops its end.
            let _ = sender.send(*edge);
        }
    };
    (Arc::new(sink), heard)
}

fn open(fixture: &Fixture, config: &LineConfig, sink: EdgeSink) -> Result<LinuxLine, HalError> {
    LinuxLine::open(fixture.places(), Arc::default(), NAME, config, sink)
}

fn input(active_low: bool, edges: Edges, debounce: u64) -> LineConfig {
    LineConfig {
        active_low,
        mode: Mode::Input {
            bias: Bias::AsIs,
            edges,
            debounce,
        },
    }
}

fn output(active_low: bool, initial: Option<bool>) -> LineConfig {
    LineConfig {
        active_low,
        mode: Mode::Output {
            drive: Drive::PushPull,
            initial,
        },
    }
}

#[test]
fn edges_are_found_by_looking_where_nobody_tells_of_them() {
    let fixture = board();
    let (sink, heard) = ear();
    let line = open(&fixture, &input(true, Edges::Both, 0), sink).unwrap();
    assert_eq!(fixture.read(&format!("{LINE}/direction")), "in");
    assert_eq!(
        fixture.read(&format!("{LINE}/active_low")),
        "0",
        "values are those of the wire"
    );
    assert_eq!(line.read(), Ok(true), "low is active");
    fixture.file(&format!("{LINE}/value"), "1\n");
    let edge = heard.recv().unwrap();
    assert_eq!((edge.active, edge.missed), (false, 0));
    fixture.file(&format!("{LINE}/value"), "0\n");
    let later = heard.recv().unwrap();
    assert!(later.active && later.time > edge.time);
    // From now on as an output: nobody hears that it is set.
    line.configure(&output(true, Some(false))).unwrap();
    assert_eq!(fixture.read(&format!("{LINE}/direction")), "high");
    line.write(true).unwrap();
    assert_eq!(fixture.read(&format!("{LINE}/value")), "0\n");
    // And only rising edges from here on. A look comes when it comes: each level stays until one has.
    line.configure(&input(true, Edges::Rising, 0)).unwrap();
    let mut rising = 0;
    while rising < 3 {
        for level in ["1\n", "0\n"] {
            fixture.file(&format!("{LINE}/value"), level);
            std::thread::sleep(super::look::PERIOD * 2);
        }
        for edge in heard.try_iter() {
            assert!(edge.active);
            rising += 1;
        }
    }
    drop(line);
    assert!(heard.recv().is_err(), "nobody looks any more");
}

#[test]
fn an_output_keeps_what_it_is_unless_it_is_told_otherwise() {
    let fixture = board();
    fixture.file(&format!("{LINE}/direction"), "out\n");
    fixture.file(&format!("{LINE}/value"), "1\n");
    let line = open(&fixture, &output(false, None), deaf()).unwrap();
    assert_eq!(
        fixture.read(&format!("{LINE}/direction")),
        "out\n",
        "not written"
    );
    assert_eq!(line.read(), Ok(true));
    line.write(false).unwrap();
    assert_eq!(line.read(), Ok(false));
    line.configure(&output(true, Some(true))).unwrap();
    assert_eq!(
        fixture.read(&format!("{LINE}/direction")),
        "low",
        "set with the direction, at once"
    );
    line.configure(&input(true, Edges::None, 0)).unwrap();
    let wrong = line.write(true).unwrap_err().to_string();
    assert!(
        wrong.starts_with(NAME) && wrong.contains("open it as an output"),
        "{wrong}"
    );
}

#[test]
fn the_guard_sets_a_line_by_its_descriptor_alone() {
    let fixture = board();
    let valve = open(&fixture, &output(true, Some(true)), deaf()).unwrap();
    let safe = valve.guarded(false).unwrap();
    drop(valve);
    crate::guarded::apply(&safe.descriptor, &safe.order).unwrap();
    assert_eq!(
        fixture.read(&format!("{LINE}/value")),
        "1\n",
        "inactive is high"
    );
    let key = open(&fixture, &input(false, Edges::None, 0), deaf()).unwrap();
    assert!(key.guarded(false).is_none(), "an input has no safe value");
}

#[test]
fn what_this_kernel_cannot_do_is_refused_before_anything_is_changed() {
    let fixture = board();
    let pulled = LineConfig {
        active_low: false,
        mode: Mode::Input {
            bias: Bias::PullUp,
            edges: Edges::None,
            debounce: 0,
        },
    };
    let drained = LineConfig {
        active_low: false,
        mode: Mode::Output {
            drive: Drive::OpenDrain,
            initial: None,
        },
    };
    for config in [pulled, drained, input(false, Edges::None, 5_000_000)] {
        let refused = open(&fixture, &config, deaf()).err().unwrap();
        assert!(matches!(refused, HalError::Unsupported(_)), "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains(NAME) && text.contains("CONFIG_GPIO_CDEV"),
            "{text}"
        );
    }
    assert_eq!(fixture.read(&format!("{LINE}/active_low")), "1\n");
    let line = open(&fixture, &input(false, Edges::None, 0), deaf()).unwrap();
    assert!(line.configure(&pulled).is_err());
    assert_eq!(line.read(), Ok(false), "as it was");
}

#[test]
fn a_line_whose_chip_has_vanished_is_taken_again_as_it_was() {
    let fixture = board();
    let valve = open(&fixture, &output(false, None), deaf()).unwrap();
    valve.write(true).unwrap();
    // Meanwhile the board is without it.
    let chip = fixture.at("/sys/devices/platform/28004000.gpio");
    let away = fixture.at("/away");
    std::fs::rename(&chip, &away).unwrap();
    valve.vanish();
    let gone = valve.write(false).unwrap_err();
    assert!(matches!(gone, HalError::Gone(_)), "{gone}");
    assert!(gone.to_string().starts_with(NAME), "{gone}");
    assert!(
        matches!(valve.revive(), Err(HalError::Gone(_))),
        "opening it says so, too"
    );
    assert!(valve.guarded(false).is_none());
    std::fs::rename(&away, &chip).unwrap();
    fixture.file(&format!("{LINE}/direction"), "in\n");
    valve.revive().unwrap();
    assert_eq!(
        fixture.read(&format!("{LINE}/direction")),
        "high",
        "what it was set to last"
    );
}

#[test]
fn edges_go_on_by_themselves_when_the_chip_is_back() {
    let fixture = board();
    let (sink, heard) = ear();
    let key = open(&fixture, &input(false, Edges::Both, 0), sink).unwrap();
    key.vanish();
    // Nobody reads it or opens it again.
    fixture.file(&format!("{LINE}/direction"), "out\n");
    while fixture.read(&format!("{LINE}/direction")) != "in" {
        std::thread::sleep(super::look::PERIOD);
    }
    // Taken again; it is read for the first time before it is looked at.
    assert_eq!(key.read(), Ok(false));
    fixture.file(&format!("{LINE}/value"), "1\n");
    assert!(heard.recv().unwrap().active);
}

#[test]
fn a_line_without_any_way_to_it_says_what_to_do() {
    let fixture = Fixture::new();
    let device = "/sys/devices/platform/28004000.gpio/gpiochip0";
    fixture.link("/sys/bus/gpio/devices/gpiochip0", device);
    fixture.file(&format!("{device}/ngpio"), "4\n");
    fixture.file(&format!("{device}/label"), "28004000.gpio\n");
    let config = input(false, Edges::None, 0);
    let missing = open(&fixture, &config, deaf()).err().unwrap();
    assert!(matches!(missing, HalError::Gone(_)), "{missing}");
    assert!(
        missing.to_string().contains("/dev/gpiochip0 is not there"),
        "{missing}"
    );
    // A file that is no chip.
    fixture.file("/dev/gpiochip0", "");
    let wrong = open(&fixture, &config, deaf()).err().unwrap();
    assert!(matches!(wrong, HalError::Unsupported(_)), "{wrong}");
    let text = wrong.to_string();
    assert!(
        text.starts_with(NAME) && text.contains("is no GPIO chip"),
        "{text}"
    );
}

#[test]
fn a_slow_chip_that_hangs_keeps_nobody_elses_edges() {
    let fixture = board();
    // An expander on an I2C bus, which cannot raise edges either.
    let expander = "/sys/devices/platform/f0.i2c/i2c-1/1-0020/gpio/gpiochip500";
    fixture.link("/sys/class/gpio/gpiochip500", expander);
    for (file, value) in [("ngpio", "8"), ("base", "500"), ("label", "1-0020")] {
        fixture.file(
            &format!("/sys/class/gpio/gpiochip500/{file}"),
            &format!("{value}\n"),
        );
    }
    for (file, value) in [("direction", "in"), ("value", "0"), ("active_low", "0")] {
        fixture.file(
            &format!("/sys/class/gpio/gpio503/{file}"),
            &format!("{value}\n"),
        );
    }
    let threads: Arc<Threads> = Arc::default();
    let on = |name: &str, sink| {
        let config = input(false, Edges::Both, 0);
        LinuxLine::open(fixture.places(), threads.clone(), name, &config, sink).unwrap()
    };
    let float = on("gpio/1-0020/3", deaf());
    assert!(float.blocks(), "it is behind a bus");
    // The bus hangs while its line is looked at.
    let (go, gate) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    float.hang(move || {
        begun.send(()).unwrap();
        // Until the end of the test.
        let _ = gate.recv();
    });
    has_begun.recv().unwrap();
    let (sink, heard) = ear();
    let _key = on(NAME, sink);
    fixture.file(&format!("{LINE}/value"), "1\n");
    assert!(heard.recv_timeout(PATIENCE).unwrap().active);
    drop(go);
}

/// A test that fails ends after this; one that passes never waits for it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
