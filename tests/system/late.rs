//! Slaves that take their time. One that answers in time is waited for, and nobody else with it; what
//! one answers too late is nobody's value.

use std::time::Duration;

use serde_json::{Value, json};
use weihe_kernel::event::{NamedEvent, Quality};
use weihe_tests::{Mischief, Python, Relay, Rig, Slave, Watch};

use crate::field::{MODBUS, tcp, uart};

/// Registers that are read one by one: replies to all of them have the same shape.
const REGISTERS: [u16; 3] = [7, 107, 207];

/// How long a serial line is held for a late reply here: far longer than one takes to be let go, or to
/// come by itself.
const SETTLE: &str = "settle = \"10 s\"\n";

/// A device with a point for each register, polled all the time.
fn device(name: &str, connection: &str, registers: &[u16], config: &str) -> String {
    let point = |register: &u16| format!("{{ name = \"r{register}\", address = {register} }},");
    let points: String = registers.iter().map(point).collect();
    format!(
        r#"
        [device.{name}]
        plugin = "modbus"
        connection = "{connection}"

        [device.{name}.config]
        period = "20 ms"
        points = [{points}]
        {config}
        "#
    )
}

/// What a unit's register holds all the time: each something else.
fn content(unit: u8, register: u16) -> u16 {
    u16::from(unit) << 12 | register
}

fn fill(slave: &mut Slave, units: &[u8]) {
    for unit in units {
        for register in REGISTERS {
            let values = [content(*unit, register)];
            slave.put(
                json!({ "unit": unit, "table": "holding", "address": register, "values": values }),
            );
        }
    }
}

/// Devices by name, and their units.
struct Honest<'a> {
    bus: Watch,
    units: &'a [(&'a str, u8)],
    points: usize,
}

impl Honest<'_> {
    /// Whether it is a good value; it must be the true one then.
    fn check(&self, event: &NamedEvent) -> bool {
        let (_, point) = event.topic.split_once('/').unwrap();
        let (device, point) = point.split_once('/').unwrap();
        let Some(register) = point.strip_prefix('r') else {
            return false;
        };
        if event.quality != Quality::Good {
            let found = (event.quality, &event.value);
            assert_eq!(found, (Quality::Bad, &Value::Null), "{event:?}");
            return false;
        }
        let (_, unit) = self.units.iter().find(|(name, _)| *name == device).unwrap();
        let truth = content(*unit, register.parse().unwrap());
        assert_eq!(event.value, truth, "a wrong value was published: {event:?}");
        true
    }

    /// Waits until every point has got its true value anew.
    async fn all(&mut self, rig: &Rig) {
        let after = rig.kernel().clock().now();
        let mut fresh = std::collections::BTreeSet::new();
        while fresh.len() < self.points {
            let event = self.bus.next().await;
            if self.check(&event) && event.time > after {
                fresh.insert(event.topic);
            }
        }
    }
}

fn timeouts(rig: &Rig) -> u64 {
    let connections = rig.kernel().status().connections;
    connections
        .iter()
        .map(|connection| connection.counters.timeouts)
        .sum()
}

#[tokio::test]
async fn a_late_reply_on_a_serial_line_is_nobody_elses() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let port = line.slave().display().to_string();
    let mut slave = Slave::with(&python, &["--serial", &port, "--units", "1,2"]);
    fill(&mut slave, &[1, 2]);
    let rtu = |unit| format!("mode = \"rtu\"\ntimeout = \"300 ms\"\n{SETTLE}unit = {unit}");
    let system = [
        MODBUS,
        &uart("line", &line),
        &device("one", "line", &REGISTERS[..2], &rtu(1)),
        // The same unit in a device of its own, as where two plugins share it.
        &device("twin", "line", &REGISTERS[2..], &rtu(1)),
        &device("two", "line", &REGISTERS, &rtu(2)),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let mut honest = Honest {
        bus: rig.watch("plugin/+/+"),
        units: &[("one", 1), ("twin", 1), ("two", 2)],
        points: 6,
    };
    honest.all(&rig).await;
    for late in [1, 1, 1, 1, 1, 1, 2, 3, 4] {
        line.plan(vec![Mischief::Held; late]);
        for left in (0..late).rev() {
            let before = timeouts(&rig);
            rig.until("a reply to be held", |_| line.left() == left)
                .await;
            rig.until("the time-out", |_| timeouts(&rig) > before).await;
            line.release();
        }
        honest.all(&rig).await;
    }
    rig.shutdown().await;
}

/// A slave and a device that polls it, over TCP and on a serial line.
async fn each(config: &str, test: impl AsyncFn(&Rig, &mut Slave, &mut Honest<'_>)) {
    let Some(python) = Python::find() else { return };
    for serial in [false, true] {
        let line = Relay::serial();
        let port = line.slave().display().to_string();
        let mut slave = Slave::with(&python, &["--serial", &port]);
        fill(&mut slave, &[1]);
        let connection = match serial {
            true => uart("field", &line),
            false => tcp("field", slave.port()),
        };
        let mode = match serial {
            true => format!("mode = \"rtu\"\n{SETTLE}"),
            false => String::new(),
        };
        let config = format!("{config}\n{mode}");
        let meter = device("meter", "field", &REGISTERS, &config);
        let rig = Rig::start(&[MODBUS, &connection, &meter].concat()).await;
        let mut honest = Honest {
            bus: rig.watch("plugin/+/+"),
            units: &[("meter", 1)],
            points: REGISTERS.len(),
        };
        honest.all(&rig).await;
        test(&rig, &mut slave, &mut honest).await;
        rig.shutdown().await;
    }
}

#[tokio::test]
async fn a_slow_slave_that_answers_in_time_is_waited_for() {
    each("timeout = \"1 min\"", async |rig, slave, honest| {
        let delay = Duration::from_millis(300);
        slave.slow(delay);
        honest.bus.so_far();
        honest.all(rig).await;
        honest.all(rig).await;
        let stats = rig.ask("meter", "stats", json!({})).await;
        for counter in ["timeouts", "retries", "wrong-replies", "line-failures"] {
            assert_eq!(stats["counters"][counter], 0, "{counter}: {stats}");
        }
        let trip = stats["counters"]["round-trip-ms"]["last"].as_f64().unwrap();
        assert!(
            trip > delay.as_secs_f64() * 500.0,
            "it was slow, but the reply took {trip} ms"
        );
        assert_eq!(stats["status"], "ok");
    })
    .await;
}

#[tokio::test]
async fn a_slave_that_is_too_slow_goes_bad_and_comes_back_by_itself_without_a_wrong_value() {
    each("timeout = \"300 ms\"", async |rig, slave, honest| {
        slave.slow(Duration::from_millis(700));
        let mut bad = std::collections::BTreeSet::new();
        while bad.len() < REGISTERS.len() {
            let event = honest.bus.next().await;
            if !honest.check(&event) && event.value.is_null() {
                bad.insert(event.topic);
            }
        }
        let status = rig.ask("meter", "stats", json!({})).await["status"].to_string();
        // Over TCP also of the link, which is opened anew after some time-outs.
        assert!(status.contains("no reply"), "{status}");
        slave.slow(Duration::ZERO);
        honest.all(rig).await;
        honest.all(rig).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_waits_for_a_slow_slave_keeps_nobody_else_waiting() {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::start(&python);
    fill(&mut slave, &[1]);
    let (slow, quick) = (Relay::tcp(slave.port()), Relay::tcp(slave.port()));
    let patient = "timeout = \"1 h\"";
    let system = [
        MODBUS,
        &tcp("slow", slow.port()),
        &tcp("quick", quick.port()),
        &device("slow", "slow", &REGISTERS, patient),
        &device("quick", "quick", &REGISTERS, patient),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let honest = |name| Honest {
        bus: rig.watch(&format!("plugin/{name}/+")),
        units: &[("slow", 1), ("quick", 1)],
        points: REGISTERS.len(),
    };
    let (mut waiting, mut served) = (honest("slow"), honest("quick"));
    waiting.all(&rig).await;
    served.all(&rig).await;
    slow.plan([Mischief::Held]);
    rig.until("the reply to be held", |_| slow.left() == 0)
        .await;
    waiting.bus.so_far();
    for _ in 0..5 {
        served.all(&rig).await;
    }
    // The one is still waiting: its reply comes only now.
    assert_eq!(waiting.bus.so_far(), []);
    slow.release();
    waiting.all(&rig).await;
    rig.shutdown().await;
}
