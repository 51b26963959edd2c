#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;

use weihe_sdk::prelude::*;
use weihe_sdk::testing::FakeKernel;

use crate::{Ask, Command, Fault, Next, Pace, Reading, Readings, Sampling, Sensor};

thread_local! {
    /// What the next measurements say; the last one stays.
    static SCRIPT: RefCell<Vec<Result<f64, &'static str>>> = const { RefCell::new(Vec::new()) };
    /// How often it was made ready.
    static PREPARED: RefCell<u32> = const { RefCell::new(0) };
}

fn script(says: &[Result<f64, &'static str>]) {
    SCRIPT.with_borrow_mut(|script| *script = says.to_vec());
    PREPARED.set(0);
}

#[derive(serde::Deserialize)]
struct Config {
    #[serde(flatten)]
    pace: Pace,
}

struct Scripted;

impl Sensor for Scripted {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new("scripted", "0.1.0", "For tests")
    }

    fn pace(config: &Config) -> Pace {
        config.pace.clone()
    }

    fn topic(_: &Config) -> Option<&str> {
        None
    }

    fn readings(_: &Config) -> Vec<Reading> {
        vec![Reading::new("level").decimals(1).dead_band(1.0)]
    }

    fn open(_: &mut Context, _: Config, _: Option<NoState>) -> Result<Self, Error> {
        Ok(Scripted)
    }

    fn what(&self) -> String {
        "the chip".to_owned()
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        PREPARED.set(PREPARED.take() + 1);
        Ok(())
    }

    fn step(&mut self, _: &mut Context, step: u32, readings: &mut Readings) -> Result<Next, Fault> {
        if step == 0 {
            return Ok(Next::After(Duration::from_millis(20)));
        }
        let says = SCRIPT.with_borrow_mut(|script| match script.len() {
            1 => script[0],
            _ => script.remove(0),
        });
        readings.put(0, says.map_err(Fault::new)?);
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        command.into()
    }
}

type Kernel = FakeKernel<Sampling<Scripted>>;

fn start() -> Kernel {
    let config = r#"{"period": "10 s", "refresh": "1 min"}"#;
    FakeKernel::start("tank", config).unwrap()
}

fn pass(kernel: &mut Kernel, millis: u64) {
    kernel.advance(Duration::from_millis(millis)).unwrap();
}

/// What was published on a topic since the last time.
fn levels(kernel: &mut Kernel) -> Vec<(ValueBuf, Quality)> {
    let published = kernel.take_published();
    let levels = published
        .into_iter()
        .filter(|sample| sample.topic == "plugin/tank/level");
    levels
        .map(|sample| (sample.value, sample.quality))
        .collect()
}

fn state(kernel: &Kernel) -> String {
    match kernel.last("plugin/tank/state") {
        Some(ValueBuf::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_changes_by_its_dead_band_is_published_and_what_stays_from_time_to_time() {
    script(&[Ok(5.04), Ok(5.9), Ok(6.1), Ok(6.1)]);
    let mut kernel = start();
    pass(&mut kernel, 100);
    assert_eq!(levels(&mut kernel), [(ValueBuf::Float(5.0), Quality::Good)]);
    pass(&mut kernel, 10_000);
    assert_eq!(levels(&mut kernel), []);
    pass(&mut kernel, 10_000);
    assert_eq!(levels(&mut kernel), [(ValueBuf::Float(6.1), Quality::Good)]);
    pass(&mut kernel, 50_000);
    assert_eq!(levels(&mut kernel), []);
    pass(&mut kernel, 20_000);
    assert_eq!(levels(&mut kernel), [(ValueBuf::Float(6.1), Quality::Good)]);
}

#[test]
fn two_failures_are_passed_over_and_a_third_is_told_once() {
    script(&[Err("noise"), Err("noise"), Ok(1.0), Err("gone")]);
    let mut kernel = start();
    pass(&mut kernel, 1_000);
    assert_eq!(levels(&mut kernel), [(ValueBuf::Float(1.0), Quality::Good)]);
    assert_eq!(
        PREPARED.with_borrow(|count| *count),
        3,
        "made ready again after each failure"
    );
    pass(&mut kernel, 600_000);
    assert_eq!(state(&kernel), "gone");
    assert_eq!(
        levels(&mut kernel).first(),
        Some(&(ValueBuf::None, Quality::Bad))
    );
    let told = kernel.logs();
    let told = told.iter().filter(|log| log.message.contains("gone"));
    assert_eq!(told.count(), 1);
    script(&[Ok(2.0)]);
    pass(&mut kernel, 31_000);
    assert_eq!(state(&kernel), "ready");
    assert_eq!(
        levels(&mut kernel).first(),
        Some(&(ValueBuf::Float(2.0), Quality::Good))
    );
}

#[test]
fn a_period_of_nothing_is_refused_with_its_key() {
    let refused = Kernel::start("tank", r#"{"period": 0}"#).unwrap_err();
    assert!(refused.text().contains("`period`"), "{refused:?}");
}
