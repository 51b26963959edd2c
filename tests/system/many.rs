//! A device with ten thousand points, in a kernel that lets a handler call publish 4,096.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weihe_tests::{Python, Rig, Slave, Watch};

use crate::field::{MODBUS, tcp};

/// Bits of registers that are read whole.
const POINTS: u16 = 10_000;

/// A device with all points. Reading so long a configuration takes more than the usual time.
fn system(port: u16) -> String {
    let point = |n: u16| {
        let (address, bit) = (n / 16, n % 16);
        format!("{{ name = \"p{n}\", address = {address}, bit = {bit} }},\n")
    };
    let points: String = (0..POINTS).map(point).collect();
    let meter = format!(
        "[device.meter]\nplugin = \"modbus\"\nconnection = \"field\"\n\n\
         [device.meter.limits]\ncpu-time = \"5s\"\n\n\
         [device.meter.config]\non-change = true\npoints = [\n{points}]\n"
    );
    [MODBUS, &tcp("field", port), &meter].concat()
}

fn fill(slave: &mut Slave) {
    let registers = u16::div_ceil(POINTS, 16);
    let values = vec![0xffff; registers.into()];
    slave.put(json!({ "table": "holding", "address": 0, "values": values }));
}

/// Waits until every point has this value.
async fn every(bus: &mut Watch, wanted: Value) {
    let mut found = BTreeMap::new();
    let mut right = 0;
    bus.until(&format!("ten thousand times {wanted}"), |event| {
        if event.topic.ends_with("status") {
            return false;
        }
        let is_right = event.value == wanted;
        let was_right = found.insert(event.topic.clone(), is_right);
        right += usize::from(is_right);
        right -= usize::from(was_right.unwrap_or(false));
        right == usize::from(POINTS)
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_points_go_bad_when_the_link_breaks_and_good_when_it_is_back() {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::start(&python);
    fill(&mut slave);
    let port = slave.port();
    let rig = Rig::start(&system(port)).await;
    let mut bus = rig.watch("plugin/meter/+");
    every(&mut bus, json!(true)).await;
    slave.kill();
    every(&mut bus, Value::Null).await;
    let mut slave = Slave::with(&python, &["--port", &port.to_string()]);
    fill(&mut slave);
    every(&mut bus, json!(true)).await;
    let device = rig.device("meter");
    assert_eq!(
        (device.traps, device.retries, device.dead),
        (0, 0, 0),
        "{device:?}"
    );
    rig.shutdown().await;
}
