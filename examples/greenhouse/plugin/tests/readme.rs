//! The README's device, polling the slave byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use greenhouse_slave::Slave;
use weihe_plugin_modbus::Modbus;
use weihe_sdk::prelude::*;

/// The tables of the README's code block that holds `needle`.
fn block(needle: &str) -> toml::Table {
    let readme = include_str!("../README.md");
    let blocks = readme.split("```toml\n").skip(1);
    let text = blocks
        .filter_map(|rest| rest.split("```").next())
        .find(|text| text.contains(needle))
        .unwrap();
    text.parse().unwrap()
}

/// Both plugins, and the wire between them.
struct Bench {
    master: FakeKernel<Modbus>,
    slave: FakeKernel<Slave>,
}

impl Bench {
    fn start() -> Bench {
        let slave = block("tcp-listen");
        let config = serde_json::to_string(&slave["device"]["greenhouse-slave"]["config"]).unwrap();
        let slave = FakeKernel::<Slave>::setup("greenhouse-slave").connection("slave");
        let slave = slave.start(&config).unwrap();
        let master = block("device.soil");
        let config = serde_json::to_string(&master["device"]["soil"]["config"]).unwrap();
        let setup = FakeKernel::<Modbus>::setup("soil").connection("field");
        let mut master: FakeKernel<Modbus> = setup.start(&config).unwrap();
        master.link("field", LinkState::Up, "").unwrap();
        let mut bench = Bench { master, slave };
        bench.carry();
        bench
    }

    /// Carries requests and replies until nobody has anything to say.
    fn carry(&mut self) {
        loop {
            let submitted = self.master.take_submitted();
            if submitted.is_empty() {
                return;
            }
            for exchange in submitted {
                let from = self.slave.sent().len();
                self.slave
                    .received("slave", Some(1), &exchange.request.bytes)
                    .unwrap();
                let reply = self.slave.sent()[from].bytes.clone();
                self.master.reply(exchange.ticket, Ok(&reply)).unwrap();
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.slave.advance(Duration::from_secs(seconds)).unwrap();
        self.master.advance(Duration::from_secs(seconds)).unwrap();
        self.carry();
    }

    fn last(&self, point: &str) -> ValueBuf {
        let topic = format!("greenhouse/{point}");
        self.master
            .last(&topic)
            .unwrap_or_else(|| panic!("nothing on {topic}"))
    }

    fn number(&self, point: &str) -> f64 {
        self.last(point).as_value().as_f64().unwrap()
    }
}

#[test]
fn every_point_of_the_readme_is_read() {
    let mut bench = Bench::start();
    bench.pass(5);
    assert_eq!(
        bench.master.last("plugin/soil/status"),
        Some(ValueBuf::Text("ok".into()))
    );
    let published = bench.master.published();
    assert!(
        published
            .iter()
            .all(|sample| sample.quality == Quality::Good)
    );
    let points = block("device.soil");
    for point in points["device"]["soil"]["config"]["points"]
        .as_array()
        .unwrap()
    {
        bench.last(point["name"].as_str().unwrap());
    }
    assert!((20.0..45.0).contains(&bench.number("moisture")));
    assert!((10.0..35.0).contains(&bench.number("air-temperature")));
    assert!((10.0..35.0).contains(&bench.number("soil-temperature")));
    assert!((250.0..=300.0).contains(&bench.number("tank")));
    assert_eq!(bench.number("hour"), 8.0);
    assert_eq!(bench.number("dry-below"), 30.0);
    assert_eq!(bench.number("crop-stage"), 2.0);
    assert_eq!(bench.last("identity"), ValueBuf::Text("GREENHSE".into()));
    assert_eq!(bench.last("label"), ValueBuf::Text("bed 1".into()));
    assert_eq!(bench.last("valve"), ValueBuf::Boolean(false));
}

#[test]
fn few_requests_read_them() {
    let mut bench = Bench::start();
    let stats = bench.master.call("stats", "{}").unwrap().unwrap();
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    let reads = stats["reads"].as_array().unwrap();
    assert!(reads.len() <= 10, "{reads:#?}");
}

#[test]
fn the_valve_is_opened_by_command_and_the_soil_gets_wet() {
    let mut bench = Bench::start();
    let before = bench.number("moisture");
    for (point, value) in [
        ("valve", "true"),
        ("crop-stage", "5"),
        ("label", "\"peppers\""),
    ] {
        let arguments = format!(r#"{{"point": "{point}", "value": {value}}}"#);
        assert_eq!(bench.master.call("write", &arguments).unwrap(), None);
        bench.carry();
        let answers = bench.master.answers();
        assert!(answers.last().unwrap().1.is_ok(), "{point}: {answers:?}");
    }
    bench.pass(5);
    assert!(bench.number("moisture") > before + 10.0);
    assert_eq!(bench.number("valve-openings"), 1.0);
    assert_eq!(bench.number("crop-stage"), 5.0);
    assert_eq!(bench.last("automatic"), ValueBuf::Boolean(false));
    assert_eq!(bench.last("label"), ValueBuf::Text("peppers".into()));
}
