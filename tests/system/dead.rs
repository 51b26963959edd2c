//! Dead letters: kept over restarts, delivered again when the plugin is mended.

use serde_json::json;
use weihe_kernel::device::{Letter, LetterKind, LetterView};
use weihe_kernel::{DeadError, Letters};
use weihe_tests::{DEADLINE, Host, Rig};

const PATIENT: &str = r#"
[plugin]
raw = "weihe-guest-raw"

[device.patient]
plugin = "raw"
"#;

/// Letters of the patient, when there are so many. The database is written beside the bus.
async fn letters(rig: &Rig, count: usize) -> Vec<LetterView> {
    let listed = async || rig.kernel().dead_letters(Some("patient")).await.unwrap();
    let began = std::time::Instant::now();
    loop {
        let found = listed().await;
        if found.len() == count {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{found:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_poison_event_outlives_the_host_and_is_handled_once_when_the_plugin_is_mended() {
    let rig = Rig::start(PATIENT).await;
    rig.order("patient", "ail");
    let letter = letters(&rig, 1).await.remove(0);
    assert_eq!(letter.kind, LetterKind::Event);
    assert_eq!(letter.input["topic"], "plugin/patient/in");
    assert_eq!(letter.input["source"], "test");
    assert_eq!(letter.input["attempt"], 3);
    assert!(letter.reason.contains("trap"), "{}", letter.reason);

    let rig = rig.restart(PATIENT).await;
    let kept = letters(&rig, 1).await.remove(0);
    assert_eq!(kept, letter, "the same after a restart");

    // Not mended yet: it comes back as a new letter.
    let sorted = rig
        .kernel()
        .retry_dead("patient", Letters::All)
        .await
        .unwrap();
    assert_eq!(sorted.done, [letter.id]);
    let mut bus = rig.watch("plugin/patient/echo");
    let again = loop {
        let found = letters(&rig, 1).await.remove(0);
        if found.id != letter.id {
            break found;
        }
    };
    assert_eq!(again.input["sequence"], letter.input["sequence"]);
    assert_eq!(again.input["attempt"], 6);

    rig.ask("patient", "mend", json!({})).await;
    let ids = Letters::Ids(vec![again.id]);
    let sorted = rig.kernel().retry_dead("patient", ids).await.unwrap();
    assert_eq!((sorted.done, sorted.left), (vec![again.id], vec![]));
    bus.value("plugin/patient/echo", "ail 7").await;
    letters(&rig, 0).await;
    rig.order("patient", "well");
    // The next echo: it was handled once.
    assert_eq!(bus.next().await.value, "well 1");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_notice_stays_with_a_reason_and_can_be_dropped() {
    let rig = Rig::start(PATIENT).await;
    let notice = Letter::of_notice("field", "received", Some(&vec![1, 2].into()), "why", 7);
    rig.kernel()
        .letters()
        .keep("patient", notice)
        .await
        .unwrap();
    let id = letters(&rig, 1).await[0].id;
    let sorted = rig
        .kernel()
        .retry_dead("patient", Letters::All)
        .await
        .unwrap();
    assert!(sorted.done.is_empty());
    assert_eq!(sorted.left[0].id, id);
    let reason = &sorted.left[0].reason;
    assert!(
        reason.contains("`field`") && reason.contains("only be dropped"),
        "{reason}"
    );
    let dropped = rig
        .kernel()
        .drop_dead("patient", Letters::All)
        .await
        .unwrap();
    assert_eq!(dropped.done, [id]);
    letters(&rig, 0).await;

    let sorted = rig
        .kernel()
        .retry_dead("patient", Letters::Ids(vec![id]))
        .await
        .unwrap();
    assert!(
        sorted.left[0].reason.contains("no dead letter"),
        "{sorted:?}"
    );
    let unknown = rig
        .kernel()
        .retry_dead("patent", Letters::All)
        .await
        .unwrap_err();
    assert!(matches!(unknown, DeadError::Unknown { .. }));
    assert!(
        unknown.to_string().contains("did you mean `patient`?"),
        "{unknown}"
    );
    rig.shutdown().await;
}

#[test]
fn an_operator_lists_retries_and_drops_letters_from_the_command_line() {
    let config = "[plugin.raw]\n[device.patient]\nplugin = \"raw\"\n";
    let mut host = Host::new(config, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    host.ask(&["set", "plugin/patient/in", "ail"]).unwrap();
    let began = std::time::Instant::now();
    let id = loop {
        let listed = host.ask(&["dead", "list", "patient"]).unwrap();
        if let Some(id) = listed[0]["id"].as_u64() {
            break id.to_string();
        }
        assert!(began.elapsed() < DEADLINE, "{listed}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let shown = host.run(&["dead", "list"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("plugin/patient/in"), "{shown}");

    assert_eq!(
        host.run(&["dead", "drop", "patient", "99"]).status.code(),
        Some(1)
    );
    assert_eq!(
        host.run(&["dead", "retry", "patient"]).status.code(),
        Some(2)
    );
    host.ask(&["call", "patient", "mend"]).unwrap();
    assert_eq!(
        host.run(&["dead", "retry", "patient", &id]).status.code(),
        Some(0)
    );
    assert_eq!(host.ask(&["dead", "list"]), Some(json!([])));
    assert!(host.stop());
}
