//! Versions of a plugin exchanged while events flow: none lost, none twice, none out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weihe_kernel::device::SwapRefused;
use weihe_kernel::event::Value;
use weihe_kernel::{LoadError, SwapError, VersionChange};
use weihe_tests::{Rig, Watch, version};

/// Two devices of one plugin.
const SYSTEM: &str = r#"
[device.meter]
plugin = "versions"

[device.valve]
plugin = "versions"
"#;

async fn start() -> Rig {
    let rig = Rig::bare();
    rig.load("versions", &version("1")).await;
    rig.add(SYSTEM).await;
    rig
}

fn send(rig: &Rig, device: &str, numbers: std::ops::Range<i64>) {
    let topic = format!("plugin/{device}/in");
    rig.publish(&topic, numbers.map(Value::Integer));
}

/// Version, count and number of the next event that was passed on.
async fn next(watch: &mut Watch) -> (String, i64, i64) {
    let event = watch.next().await;
    let text = event.value.as_str().unwrap().to_owned();
    let words: Vec<&str> = text.split(' ').collect();
    let [version, count, number] = words[..] else {
        panic!("{text}");
    };
    (
        version.to_owned(),
        count.parse().unwrap(),
        number.parse().unwrap(),
    )
}

fn versions(rig: &Rig) -> Vec<(String, bool)> {
    let devices = rig.kernel().status().devices;
    let version = |device: weihe_kernel::device::DeviceStatus| (device.version, device.probation);
    devices.into_iter().map(version).collect()
}

fn history(rig: &Rig) -> Vec<(VersionChange, String, String)> {
    let plugins = rig.kernel().status().plugins;
    let records = plugins.into_iter().flat_map(|plugin| plugin.history);
    records
        .map(|record| (record.change, record.version, record.reason))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_a_stream_of_events_lose_repeat_and_reorder_nothing() {
    let rig = Arc::new(start().await);
    let mut out = rig.watch("plugin/meter/out");
    let done = Arc::new(AtomicBool::new(false));
    let stream = {
        let (rig, done) = (rig.clone(), done.clone());
        tokio::spawn(async move {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                send(&rig, "meter", sent..sent + 50);
                sent += 50;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            sent
        })
    };
    let mut handled = 0;
    let mut last = String::new();
    for round in 0..10 {
        let wanted = if round % 2 == 0 { "2" } else { "1" };
        let file = version(wanted);
        let swapped = rig.kernel().swap_plugin("versions", &file).await.unwrap();
        assert_eq!(swapped.len(), 2);
        let wanted = format!("{wanted}.0.0");
        // Until the stream has gone through the new one.
        let mut through = 0;
        while through < 100 {
            let (version, count, number) = next(&mut out).await;
            assert_eq!((count, number), (handled + 1, handled));
            handled += 1;
            through = if version == wanted { through + 1 } else { 0 };
            last = version;
        }
    }
    done.store(true, Ordering::Relaxed);
    let sent = stream.await.unwrap();
    while handled < sent {
        let (version, count, number) = next(&mut out).await;
        assert_eq!((count, number, &version), (handled + 1, handled, &last));
        handled += 1;
    }
    assert_eq!(rig.device("meter").dropped, 0);
    Arc::into_inner(rig).unwrap().shutdown().await;
}

#[tokio::test]
async fn a_version_that_traps_is_taken_back_by_itself_in_all_devices() {
    let rig = start().await;
    let mut out = rig.watch("plugin/meter/out");
    send(&rig, "meter", 0..100);
    for number in 0..100 {
        assert_eq!(next(&mut out).await, ("1.0.0".into(), number + 1, number));
    }
    let swapped = rig
        .kernel()
        .swap_plugin("versions", &version("trapping"))
        .await
        .unwrap();
    assert!(swapped.iter().all(|device| device.problem.is_none()));
    assert_eq!(
        versions(&rig),
        [("2.1.0".into(), true), ("2.1.0".into(), true)]
    );
    send(&rig, "meter", 100..500);
    for number in 100..500 {
        let (_, _, passed) = next(&mut out).await;
        assert_eq!(passed, number, "once, in order");
    }
    rig.until("both devices to go back", |_| {
        versions(&rig) == [("1.0.0".into(), false), ("1.0.0".into(), false)]
            && rig.device("valve").incarnations == 3
    })
    .await;
    let (change, back, reason) = history(&rig).pop().unwrap();
    assert_eq!((change, back.as_str()), (VersionChange::Returned, "1.0.0"));
    assert!(
        reason.starts_with("device `meter`: the new version trapped on probation: "),
        "{reason}"
    );
    let again = rig
        .kernel()
        .swap_plugin("versions", &version("trapping"))
        .await;
    assert!(
        matches!(again, Err(SwapError::Load(LoadError::Quarantined { .. }))),
        "{again:?}"
    );
    // When this is answered, the way back has come to its end.
    let none = rig.kernel().rollback_plugin("versions", "").await;
    assert!(matches!(none, Err(SwapError::NoVersionBefore(_))));
    // Also after a restart, until it is lifted.
    let rig = rig.restart("").await;
    let load = rig
        .kernel()
        .load_plugin("versions", &version("trapping"))
        .await;
    let Err(LoadError::Quarantined { reason, .. }) = load else {
        panic!("{load:?}");
    };
    assert!(reason.contains("trapped on probation"), "{reason}");
    let refused = rig.kernel().status().quarantined.pop().unwrap();
    assert!(rig.kernel().lift_quarantine(&refused.sha256).unwrap());
    rig.load("versions", &version("trapping")).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_version_that_one_device_refuses_runs_in_none() {
    let rig = start().await;
    // The meter has handled nothing, and takes it; the valve has, and does not.
    let mut out = rig.watch("plugin/valve/out");
    send(&rig, "valve", 0..3);
    for _ in 0..3 {
        next(&mut out).await;
    }
    let error = rig
        .kernel()
        .swap_plugin("versions", &version("refusing"))
        .await
        .unwrap_err();
    let SwapError::Refused {
        device,
        reason,
        returned,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(device, "valve");
    assert_eq!(returned.len(), 1);
    assert_eq!(
        (returned[0].device.as_str(), &returned[0].problem),
        ("meter", &None)
    );
    assert!(matches!(reason, SwapRefused::State { .. }), "{reason}");
    assert!(versions(&rig).iter().all(|(version, _)| version == "1.0.0"));
    send(&rig, "valve", 3..4);
    assert_eq!(next(&mut out).await, ("1.0.0".into(), 4, 3));
    let mut out = rig.watch("plugin/meter/out");
    send(&rig, "meter", 0..1);
    assert_eq!(next(&mut out).await, ("1.0.0".into(), 1, 0));
    let changes: Vec<VersionChange> = history(&rig).iter().map(|(change, ..)| *change).collect();
    assert_eq!(changes, [VersionChange::Loaded, VersionChange::Refused]);
    rig.shutdown().await;
}

#[tokio::test]
async fn an_operator_goes_back_and_the_state_comes_along() {
    let rig = start().await;
    let none = rig.kernel().rollback_plugin("versions", "no use").await;
    assert!(
        matches!(none, Err(SwapError::NoVersionBefore(_))),
        "{none:?}"
    );
    let mut out = rig.watch("plugin/meter/out");
    rig.kernel()
        .swap_plugin("versions", &version("2"))
        .await
        .unwrap();
    let same = rig
        .kernel()
        .swap_plugin("versions", &version("2"))
        .await
        .unwrap_err();
    assert!(
        same.to_string().contains("runs this version already"),
        "{same}"
    );
    send(&rig, "meter", 0..2);
    let back = rig
        .kernel()
        .rollback_plugin("versions", "the operator said so")
        .await
        .unwrap();
    assert_eq!(back.len(), 2);
    send(&rig, "meter", 2..4);
    for number in 0..4 {
        let (_, count, passed) = next(&mut out).await;
        assert_eq!((count, passed), (number + 1, number));
    }
    assert!(versions(&rig).iter().all(|(version, _)| version == "1.0.0"));
    let last = history(&rig).pop().unwrap();
    assert_eq!(last.2, "the operator said so");
    rig.shutdown().await;
}
