//! Slaves that die, lines that lie. Whatever happens, no wrong value is ever published, and when it
//! is over the true ones come again by themselves.

use std::time::Duration;

use serde_json::json;
use weihe_kernel::event::Quality;
use weihe_tests::{Mischief, Python, Relay, Rig, Slave, Watch};

use crate::field::{MODBUS, TRUE, device, hold, tcp, truth, uart};

/// Waits until all mischief has happened, and then for the true value of a later poll.
async fn survive(rig: &Rig, line: &Relay, bus: &mut Watch, mischief: &[Mischief]) {
    line.plan(mischief.iter().copied());
    rig.until("the mischief to happen", |_| line.left() == 0)
        .await;
    let after = rig.kernel().clock().now();
    loop {
        truth(bus).await;
        let last = rig
            .kernel()
            .bus()
            .last("plugin/level/level")
            .expect("it was published");
        if last.time > after && last.quality == Quality::Good {
            return;
        }
    }
}

async fn spoilt_tcp(mischief: &[Mischief]) {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::start(&python);
    hold(&mut slave, 1, TRUE);
    let line = Relay::tcp(slave.port());
    let system = [
        MODBUS,
        &tcp("field", line.port()),
        &device("level", "field", ""),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let mut bus = rig.watch("plugin/level/level");
    truth(&mut bus).await;
    for mischief in mischief {
        survive(&rig, &line, &mut bus, &[*mischief]).await;
    }
    // Longer than the plugin's retries.
    for mischief in mischief {
        survive(&rig, &line, &mut bus, &[*mischief; 4]).await;
    }
    rig.shutdown().await;
}

async fn spoilt_serial(mischief: &[Mischief]) {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let mut slave = Slave::with(&python, &["--serial", &line.slave().display().to_string()]);
    hold(&mut slave, 1, TRUE);
    let system = [
        MODBUS,
        &uart("line", &line),
        &device("level", "line", "mode = \"rtu\""),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let mut bus = rig.watch("plugin/level/level");
    truth(&mut bus).await;
    for mischief in mischief {
        survive(&rig, &line, &mut bus, &[*mischief]).await;
    }
    for mischief in mischief {
        survive(&rig, &line, &mut bus, &[*mischief; 4]).await;
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn replies_of_others_over_tcp_are_not_taken_for_ours() {
    spoilt_tcp(&[
        Mischief::OtherTransaction,
        Mischief::OtherUnit,
        Mischief::OtherUnitFirst,
    ])
    .await;
}

#[tokio::test]
async fn half_frames_pieces_and_garbage_over_tcp_pass_by() {
    spoilt_tcp(&[
        Mischief::Pieces,
        Mischief::Half,
        Mischief::Garbage,
        Mischief::Silence,
    ])
    .await;
}

#[tokio::test]
async fn late_replies_and_broken_connections_over_tcp_pass_by() {
    spoilt_tcp(&[Mischief::Late(Duration::from_millis(450)), Mischief::Cut]).await;
}

#[tokio::test]
async fn replies_of_others_on_a_serial_line_are_not_taken_for_ours() {
    spoilt_serial(&[Mischief::OtherUnit, Mischief::OtherUnitFirst]).await;
}

#[tokio::test]
async fn noise_half_frames_and_wrong_sums_on_a_serial_line_pass_by() {
    spoilt_serial(&[
        Mischief::WrongCrc,
        Mischief::Half,
        Mischief::Garbage,
        Mischief::Pieces,
        Mischief::Silence,
    ])
    .await;
}

#[tokio::test]
async fn a_slave_that_is_killed_and_comes_back_is_noticed_and_polled_again() {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::start(&python);
    hold(&mut slave, 1, TRUE);
    let port = slave.port();
    let rig =
        Rig::start(&[MODBUS, &tcp("field", port), &device("level", "field", "")].concat()).await;
    let mut link = rig.watch("$link/field");
    let mut bus = rig.watch("plugin/level/+");
    link.value("$link/field", "up").await;
    bus.value("plugin/level/level", TRUE).await;
    bus.value("plugin/level/status", "ok").await;
    slave.kill();
    link.value("$link/field", "down").await;
    let bad = bus
        .until("a bad value", |event| {
            event.topic.ends_with("level") && event.value.is_null()
        })
        .await;
    assert_eq!(bad.quality, Quality::Bad);
    let refused = rig
        .call("level", "write", json!({ "point": "level", "value": 1 }))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("field") || refused.to_string().contains("link"),
        "{refused}"
    );
    let mut slave = Slave::with(&python, &["--port", &port.to_string()]);
    link.value("$link/field", "up").await;
    bus.value("plugin/level/level", 0).await;
    bus.value("plugin/level/status", "ok").await;
    hold(&mut slave, 1, TRUE);
    bus.value("plugin/level/level", TRUE).await;
    assert_eq!(rig.device("level").traps, 0);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_slave_on_a_serial_line_that_is_killed_and_comes_back_is_noticed_and_polled_again() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let port = line.slave().display().to_string();
    let mut slave = Slave::with(&python, &["--serial", &port]);
    hold(&mut slave, 1, TRUE);
    let level = device("level", "line", "mode = \"rtu\"");
    let rig = Rig::start(&[MODBUS, &uart("line", &line), &level].concat()).await;
    let mut bus = rig.watch("plugin/level/+");
    bus.value("plugin/level/level", TRUE).await;
    bus.value("plugin/level/status", "ok").await;
    slave.kill();
    let bad = bus
        .until("a bad value", |event| {
            event.topic.ends_with("level") && event.value.is_null()
        })
        .await;
    assert_eq!(bad.quality, Quality::Bad);
    let status = bus.topic("plugin/level/status").await.value.to_string();
    assert!(status.contains("no reply from unit 1"), "{status}");
    let unanswered = rig
        .call("level", "write", json!({ "point": "level", "value": 1 }))
        .await
        .unwrap_err();
    assert!(
        unanswered.to_string().contains("no reply from unit 1"),
        "{unanswered}"
    );
    let mut slave = Slave::with(&python, &["--serial", &port]);
    bus.value("plugin/level/level", 0).await;
    bus.value("plugin/level/status", "ok").await;
    hold(&mut slave, 1, TRUE);
    bus.value("plugin/level/level", TRUE).await;
    let device = rig.device("level");
    assert_eq!((device.traps, device.incarnations), (0, 1));
    rig.shutdown().await;
}

#[tokio::test]
async fn units_on_one_serial_line_take_turns_and_a_dead_one_does_not_hold_them_up() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let port = line.slave().display().to_string();
    let mut slave = Slave::with(&python, &["--serial", &port, "--units", "1,2"]);
    hold(&mut slave, 1, TRUE);
    hold(&mut slave, 2, 2222);
    let rtu = "mode = \"rtu\"\n";
    // These answer, however long that takes on a machine that has much to do.
    let patient =
        |name, unit| device(name, "line", &format!("{rtu}unit = {unit}")).replace("300 ms", "10 s");
    let system = [
        MODBUS,
        &uart("line", &line),
        &patient("one", 1),
        &patient("two", 2),
        &device("dead", "line", &format!("{rtu}unit = 3")),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let mut dead = rig.watch("plugin/dead/+");
    let (mut one, mut two) = (rig.watch("plugin/one/level"), rig.watch("plugin/two/level"));
    let status = dead
        .until("what is wrong", |event| {
            event.topic.ends_with("status") && event.value != "ok"
        })
        .await;
    assert!(
        status
            .value
            .as_str()
            .unwrap()
            .contains("no reply from unit 3"),
        "{status:?}"
    );
    for _ in 0..10 {
        one.value("plugin/one/level", TRUE).await;
        two.value("plugin/two/level", 2222).await;
    }
    // A write to one of them reaches that one, between the others' polls.
    rig.ask("two", "write", json!({ "point": "level", "value": 3333 }))
        .await;
    two.value("plugin/two/level", 3333).await;
    one.so_far();
    one.value("plugin/one/level", TRUE).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_unit_that_its_gateway_calls_silent_is_asked_once_a_period_and_the_others_go_on() {
    let Some(python) = Python::find() else { return };
    // Over TCP it answers for units that are not there, with exception 11, as a gateway does.
    let mut slave = Slave::start(&python);
    hold(&mut slave, 1, TRUE);
    let system = [
        MODBUS,
        &tcp("gateway", slave.port()),
        &device("one", "gateway", "unit = 1"),
        &device("dead", "gateway", "unit = 3"),
    ]
    .concat();
    let rig = Rig::start(&system).await;
    let mut dead = rig.watch("plugin/dead/status");
    let mut one = rig.watch("plugin/one/level");
    let status = dead.next().await.value.to_string();
    assert!(
        status.contains("exception 11 (gateway target device failed to respond)"),
        "{status}"
    );
    let counters = async || rig.ask("dead", "stats", json!({})).await["counters"].clone();
    let before = counters().await;
    let mut now = before.clone();
    while now["exceptions"].as_u64() < before["exceptions"].as_u64().map(|count| count + 5) {
        truth(&mut one).await;
        now = counters().await;
    }
    assert_eq!(now["retries"], before["retries"], "{now}");
    rig.shutdown().await;
}
