//! Outputs in a field go to their safe values when nobody minds them any more, and at no other time.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use wasmtime::component::Linker;
use weihe_kernel::capability::{Attachment, Capability, CommitError, GrantError, Granted};
use weihe_kernel::device::DeviceState;
use weihe_kernel::failsafe::{GuardedLine, Outputs, SafeLine, SafeState, SafeStatus};
use weihe_kernel::{GuestState, Status};
use weihe_tests::{Coils, Rig, component};

use crate::field::tcp;

/// A valve and a fan, both off when nobody minds them.
fn soil(port: u16, more: &str) -> String {
    format!(
        r#"
        {}

        [device.soil]
        plugin = "modbus"
        connection = "field"

        [device.soil.config]
        period = "20 ms"
        timeout = "2 s"
        points = [
            {{ name = "valve", table = "coil", address = 3, safe = false }},
            {{ name = "fan", table = "coil", address = 1, safe = false }},
            {{ name = "lamp", table = "coil", address = 2 }},
        ]

        [device.soil.limits]
        memory = "2 MiB"
        host-call-data = "64 MiB"
        {more}
        "#,
        tcp("field", port)
    )
}

const OFF: [(u16, bool); 2] = [(3, false), (1, false)];

/// A device whose valve is open and whose fan runs, as the unit has been told.
async fn watering(coils: &Coils, more: &str) -> Rig {
    let rig = Rig::start(crate::field::MODBUS).await;
    rig.add(&soil(coils.port(), more)).await;
    open(&rig, coils).await;
    rig
}

async fn open(rig: &Rig, coils: &Coils) {
    // It refuses as long as it has not heard that the link is up.
    while rig
        .call("soil", "read", json!({ "point": "lamp" }))
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for point in ["valve", "fan", "lamp"] {
        let on = json!({ "point": point, "value": true });
        rig.ask("soil", "write", on).await;
    }
    assert_eq!(coils.writes(), [(3, true), (1, true), (2, true)]);
}

/// Hands it more than its memory holds: the instance traps.
async fn trap(rig: &Rig) {
    let values = vec![0; 1 << 20];
    let arguments = json!({ "function": 16, "address": 0, "values": values });
    rig.call("soil", "write-raw", arguments).await.unwrap_err();
}

fn outputs(status: &Status) -> Option<&SafeStatus> {
    let mut devices = status.fail_safe.devices.iter();
    devices.find(|device| device.device == "soil")
}

async fn until_safe(rig: &Rig, state: SafeState) -> SafeStatus {
    let mut found = None;
    rig.until("the outputs to be so", |status| {
        found = outputs(status).filter(|soil| soil.state == state).cloned();
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// The same plugin as another file.
fn another(directory: &Path) -> PathBuf {
    let mut bytes = std::fs::read(component("weihe-plugin-modbus")).unwrap();
    // A custom section: id, size, length of the name, the name.
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    let file = directory.join("another.wasm");
    std::fs::write(&file, bytes).unwrap();
    file
}

/// Waits until an instance works again.
async fn running(rig: &Rig, incarnations: u64) {
    rig.until_device("soil", "running again", |device| {
        device.state == DeviceState::Running && device.incarnations >= incarnations
    })
    .await;
}

#[tokio::test]
async fn outputs_do_not_move_in_a_restart_a_swap_or_a_rollback_and_are_set_when_it_fails() {
    let coils = Coils::start();
    let rig = watering(&coils, "").await;
    let armed = until_safe(&rig, SafeState::Armed).await;
    assert_eq!(armed.outputs[0].what, "valve = false");
    assert_eq!(armed.outputs[0].on, "field");
    trap(&rig).await;
    running(&rig, 2).await;
    let file = another(rig.file("").as_path());
    let swapped = rig.kernel().swap_plugin("modbus", &file).await.unwrap();
    assert_eq!(swapped[0].problem, None);
    assert!(rig.device("soil").probation);
    // On probation the version before comes back.
    trap(&rig).await;
    running(&rig, 4).await;
    rig.ask("soil", "read", json!({ "point": "valve" })).await;
    assert_eq!(coils.writes(), [], "nothing moved");
    let mut told = rig.watch("$safe/soil");
    while rig.device("soil").state != DeviceState::Failed {
        trap(&rig).await;
    }
    assert_eq!(coils.wait_for_writes(2), OFF);
    let applied = told
        .until("safe values", |event| event.value["state"] == "applied")
        .await;
    let cause = applied.value["cause"].as_str().unwrap();
    assert!(cause.contains("it has failed"), "{cause}");
    assert_eq!(outputs(&rig.kernel().status()).unwrap().applied, 2);
    rig.shutdown().await;
    assert_eq!(coils.writes(), [], "once is enough");
}

#[tokio::test]
async fn outputs_are_set_when_a_device_is_removed_and_when_the_kernel_stops() {
    let coils = Coils::start();
    let rig = watering(&coils, "").await;
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    assert_eq!(coils.writes(), OFF, "before the removal returns");
    let gone = until_safe(&rig, SafeState::Applied).await;
    assert_eq!(gone.cause, "it was stopped");
    rig.shutdown().await;

    let rig = watering(&coils, "").await;
    rig.shutdown().await;
    assert_eq!(coils.writes(), OFF);
}

#[tokio::test]
async fn a_link_that_is_down_gets_the_frames_when_it_is_up_again() {
    let coils = Coils::start();
    let rig = watering(&coils, "").await;
    coils.unplug();
    rig.until("the link to be down", |status| {
        status
            .connections
            .iter()
            .any(|link| !link.reason.is_empty())
    })
    .await;
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    let pending = until_safe(&rig, SafeState::Pending).await;
    assert!(!pending.outputs[0].error.is_empty(), "{pending:?}");
    coils.plug_in();
    assert_eq!(coils.wait_for_writes(2), OFF);
    until_safe(&rig, SafeState::Applied).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_takes_over_is_not_disturbed_by_what_its_predecessor_left() {
    let coils = Coils::start();
    let rig = watering(&coils, "").await;
    coils.unplug();
    rig.until("the link to be down", |status| {
        status
            .connections
            .iter()
            .any(|link| !link.reason.is_empty())
    })
    .await;
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    until_safe(&rig, SafeState::Pending).await;
    let system = soil(coils.port(), "");
    let device = &system[system.find("[device.soil]").unwrap()..];
    rig.add(device).await;
    coils.plug_in();
    open(&rig, &coils).await;
    until_safe(&rig, SafeState::Armed).await;
    rig.shutdown().await;
    assert_eq!(coils.writes(), OFF);
}

#[tokio::test]
async fn a_frame_that_the_unit_refuses_is_reported_with_its_words() {
    let coils = Coils::start();
    let rig = watering(&coils, "").await;
    coils.refuse(true);
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    let refused = until_safe(&rig, SafeState::Pending).await;
    let error = &refused.outputs[0].error;
    // Unit 1, function 5 with the exception bit, exception 2.
    assert!(error.ends_with("01 85 02"), "{error}");
    assert!(refused.failures >= 2);
    coils.refuse(false);
    assert_eq!(coils.wait_for_writes(2), OFF);
    until_safe(&rig, SafeState::Applied).await;
    rig.shutdown().await;
}

/// A capability that hands out one line, a pipe: `0` is its safe value.
struct Lines(Arc<std::io::PipeWriter>);

impl Capability for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        // It serves nothing of its own; whoever talks over connections gets a line.
        &["weihe:connection/connections@0.1.0"]
    }

    fn link(&self, _: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn configure(&self, _: &str, _: &toml::Table) -> Result<Box<dyn Granted>, GrantError> {
        Ok(Box::new(Lines(self.0.clone())))
    }
}

impl Granted for Lines {
    fn attach(&self, _: &str) -> Box<dyn Attachment> {
        Box::new(Leases(Arc::new(Pipe(self.0.clone()))))
    }
}

struct Leases(Arc<Pipe>);

#[async_trait::async_trait]
impl Attachment for Leases {
    fn hold(&mut self, outputs: &Arc<Outputs>, _: &str) {
        outputs.declare(self.0.clone());
    }

    fn is_dirty(&self) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        Ok(())
    }

    async fn rollback(&mut self) {}
}

struct Pipe(Arc<std::io::PipeWriter>);

impl SafeLine for Pipe {
    fn name(&self) -> &str {
        "pipe/0"
    }

    fn describe(&self) -> String {
        "pump = off".into()
    }

    fn apply(&self) -> Result<(), String> {
        use std::io::Write;
        let written = (&*self.0).write_all(b"0");
        written.map_err(|error| error.to_string())
    }

    fn guarded(&self) -> Option<GuardedLine> {
        let descriptor = self.0.try_clone().ok()?;
        Some(GuardedLine {
            descriptor: Arc::new(descriptor.into()),
            by: "lines",
            order: Bytes::from_static(b"0"),
        })
    }
}

#[tokio::test]
async fn a_line_that_a_capability_handed_out_survives_a_trap_and_is_set_before_frames() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let coils = Coils::start();
    let rig = Rig::with_capability(Arc::new(Lines(Arc::new(writer))));
    rig.add(crate::field::MODBUS).await;
    let grants = "[device.soil.grants.lines]";
    rig.add(&soil(coils.port(), grants)).await;
    open(&rig, &coils).await;
    trap(&rig).await;
    running(&rig, 2).await;
    let armed = until_safe(&rig, SafeState::Armed).await;
    let what: Vec<&str> = armed.outputs.iter().map(|output| &*output.what).collect();
    assert_eq!(what.len(), 3, "{what:?}");
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    let set = until_safe(&rig, SafeState::Applied).await;
    let line = set.outputs.iter().find(|output| output.on == "pipe/0");
    let line = line.unwrap();
    assert!(set.outputs.iter().all(|output| line.since <= output.since));
    let mut level = [b'1'];
    reader.read_exact(&mut level).unwrap();
    assert_eq!(level, *b"0");
    assert_eq!(coils.writes(), OFF);
    rig.shutdown().await;
}

#[tokio::test]
async fn more_safe_values_than_there_may_be_and_those_of_a_listener_are_refused_at_the_start() {
    let rig = Rig::start(crate::field::MODBUS).await;
    let points: String = (0..129)
        .map(|at| {
            format!("{{ name = \"p{at}\", table = \"coil\", address = {at}, safe = false }},")
        })
        .collect();
    rig.add(&tcp("field", 1)).await;
    let device = |connection: &str, points: &str| {
        format!(
            "[device.soil]\nplugin = \"modbus\"\nconnection = \"{connection}\"\n\
             [device.soil.config]\npoints = [{points}]"
        )
    };
    let refused = rig.try_add(&device("field", &points)).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("129 are more than the 128"), "{text}");
    rig.add("[connection.door]\ntype = \"tcp-listen\"\naddress = \"127.0.0.1:0\"")
        .await;
    let valve = "{ name = \"valve\", table = \"coil\", address = 0, safe = false }";
    let refused = rig.try_add(&device("door", valve)).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("`door` is a listener"), "{text}");
    assert_eq!(outputs(&rig.kernel().status()), None, "nothing of it stays");
    rig.shutdown().await;
}
