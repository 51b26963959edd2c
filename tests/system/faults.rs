//! Traps and errors of handlers, starts and commands: what becomes of the input, of what was published,
//! and of who waits for an answer.

use serde_json::json;
use weihe_kernel::device::{CallError, DeviceState};
use weihe_kernel::event::Value;
use weihe_tests::Rig;

use crate::neighbours::{NEIGHBOURS, neighbours};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[tokio::test]
async fn a_poison_event_is_buried_and_the_events_around_it_are_handled_once() {
    let rig = Rig::start(NEIGHBOURS).await;
    let (mut bus, mut half) = (rig.watch("plugin/bad/echo"), rig.watch("plugin/bad/half"));
    let mut dead = rig.watch("$dead/bad");
    rig.publish("plugin/bad/in", ["one", "trap", "two"].map(text));
    let letter = dead.next().await;
    assert_eq!(letter.value["device"], "bad");
    assert_eq!(letter.value["input"]["value"], "trap");
    assert_eq!(letter.value["input"]["source"], "test");
    assert_eq!(
        letter.value["input"]["attempt"], 3,
        "it was delivered three times"
    );
    bus.value("plugin/bad/echo", "one 2").await;
    let two = bus.value("plugin/bad/echo", "two 2").await;
    assert_eq!(two.cause.unwrap().0, "test");
    rig.order("bad", "three");
    bus.value("plugin/bad/echo", "three 1").await;
    let published: Vec<_> = half.so_far().into_iter().map(|event| event.value).collect();
    assert_eq!(
        published,
        ["one", "two", "three"],
        "what a trapped handler published was let out"
    );
    let device = rig.device("bad");
    assert_eq!(
        (device.state, device.traps, device.dead),
        (DeviceState::Running, 3, 1)
    );
    assert_eq!(dead.so_far(), [], "one letter for one event");
    rig.shutdown().await;
}

#[tokio::test]
async fn poison_events_on_end_do_not_end_a_device() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut dead = rig.watch("$dead/bad");
    let mut bus = rig.watch("plugin/bad/echo");
    for _ in 0..5 {
        rig.order("bad", "trap");
    }
    rig.order("bad", "well");
    // It may have come together with one of the others, and once more alone.
    bus.until("the good one", |event| {
        matches!(event.value.as_str(), Some("well 1" | "well 2"))
    })
    .await;
    for _ in 0..5 {
        assert_eq!(dead.next().await.value["input"]["value"], "trap");
    }
    assert_eq!(rig.device("bad").state, DeviceState::Running);
    rig.shutdown().await;
}

#[tokio::test]
async fn events_that_only_came_together_with_a_poison_event_are_not_buried_with_it() {
    let rig = Rig::start(&neighbours("attempts = 1")).await;
    let (mut bus, mut dead) = (rig.watch("plugin/bad/echo"), rig.watch("$dead/bad"));
    rig.publish("plugin/bad/in", ["one", "trap", "two"].map(text));
    bus.value("plugin/bad/echo", "one 2").await;
    bus.value("plugin/bad/echo", "two 2").await;
    let letters: Vec<_> = dead
        .so_far()
        .into_iter()
        .map(|letter| letter.value["input"]["value"].clone())
        .collect();
    assert_eq!(letters, ["trap"]);
    rig.shutdown().await;
}

#[tokio::test]
async fn an_event_whose_handler_trapped_is_delivered_again_to_a_fresh_instance() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut bus = rig.watch("plugin/bad/echo");
    rig.order("bad", "trap-once");
    bus.value("plugin/bad/echo", "trap-once 2").await;
    let device = rig.device("bad");
    assert_eq!(
        (
            device.traps,
            device.incarnations,
            device.retries,
            device.dead
        ),
        (1, 2, 1, 0)
    );
    let error = device.last_error.unwrap();
    assert!(
        error.message.contains("unreachable")
            && error.backtrace.contains("weihe_guest_raw::guest::trap"),
        "{error:?}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn an_event_that_the_plugin_cannot_handle_yet_comes_again_before_those_behind_it() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut bus = rig.watch("plugin/bad/echo");
    rig.order("bad", "retry");
    rig.until_device("bad", "waiting", |device| {
        device.state == DeviceState::Waiting
    })
    .await;
    rig.order("bad", "after");
    assert_eq!(bus.next().await.value, "retry 3");
    assert_eq!(bus.next().await.value, "after 1");
    let device = rig.device("bad");
    assert_eq!((device.traps, device.retries), (0, 2));
    rig.shutdown().await;
}

#[tokio::test]
async fn an_event_that_the_plugin_rejects_is_buried_at_once_and_its_instance_goes_on() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut dead = rig.watch("$dead/bad");
    let (mut bus, mut half) = (rig.watch("plugin/bad/echo"), rig.watch("plugin/bad/half"));
    rig.publish("plugin/bad/in", ["one", "reject", "two"].map(text));
    let letter = dead.next().await;
    assert_eq!(letter.value["input"]["value"], "reject");
    assert!(
        letter.value["error"]
            .as_str()
            .unwrap()
            .contains("told to reject"),
        "{letter:?}"
    );
    bus.value("plugin/bad/echo", "two 1").await;
    let published: Vec<_> = half.so_far().into_iter().map(|event| event.value).collect();
    assert_eq!(
        published,
        ["one", "two"],
        "what a failed handler published was let out"
    );
    assert_eq!(rig.device("bad").incarnations, 1);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_that_cannot_go_on_gets_a_fresh_instance() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "fatal");
    let letter = dead.next().await;
    assert!(
        letter.value["error"]
            .as_str()
            .unwrap()
            .contains("told to give up"),
        "{letter:?}"
    );
    let mut bus = rig.watch("plugin/bad/echo");
    rig.order("bad", "well");
    bus.value("plugin/bad/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_traps_in_its_start_leaves_nothing_behind() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut half = rig.watch("plugin/worse/half");
    let worse = "[device.worse]\nplugin = \"raw\"\nconfig.start = \"trap\"";
    let error = rig.try_add(worse).await.unwrap_err().to_string();
    assert!(
        error.contains("`worse`") && error.contains("trapped in its start"),
        "{error}"
    );
    assert!(
        rig.kernel()
            .status()
            .devices
            .iter()
            .all(|device| device.name != "worse")
    );
    assert!(
        rig.kernel()
            .status()
            .subscriptions
            .iter()
            .all(|subscription| subscription.owner != "worse")
    );
    assert_eq!(half.so_far(), [], "what it published is dropped with it");
    rig.add("[device.worse]\nplugin = \"raw\"").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_loops_in_its_start_is_refused() {
    let rig = Rig::start(NEIGHBOURS).await;
    let worse = "[device.worse]\nplugin = \"raw\"\nconfig.start = \"spin\"";
    let error = rig.try_add(worse).await.unwrap_err().to_string();
    assert!(
        error.contains("`worse`") && error.contains("cpu-time"),
        "{error}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_refuses_its_configuration_says_why_in_the_plugins_words() {
    let rig = Rig::start(NEIGHBOURS).await;
    let worse = "[device.worse]\nplugin = \"raw\"\nconfig.start = \"reject\"";
    let error = rig.try_add(worse).await.unwrap_err().to_string();
    assert!(
        error.contains("`worse`") && error.contains("it was told to refuse"),
        "{error}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_cannot_start_yet_is_tried_again_until_it_can() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut bus = rig.watch("plugin/later/started");
    rig.add("[device.later]\nplugin = \"raw\"\nconfig.start = \"retry\"")
        .await;
    bus.next().await;
    let device = rig
        .until_device("later", "running", |device| {
            device.state == DeviceState::Running
        })
        .await;
    assert_eq!(device.traps, 0);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_command_that_traps_is_answered_and_not_repeated() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut half = rig.watch("plugin/bad/half");
    let error = rig.call("bad", "trap", json!({})).await.unwrap_err();
    let CallError::Failed(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("`trap`") && text.contains("unreachable"),
        "{text}"
    );
    // The next call finds a fresh instance.
    assert_eq!(rig.ask("bad", "count", json!({})).await, 0);
    assert_eq!(rig.device("bad").traps, 1);
    assert_eq!(half.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_command_that_is_refused_takes_no_effect() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut half = rig.watch("plugin/bad/half");
    let error = rig.call("bad", "refuse", json!({})).await.unwrap_err();
    assert_eq!(
        error,
        CallError::InvalidArgument("nothing pleases it".into())
    );
    assert_eq!(half.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn calls_name_the_culprit() {
    let rig = Rig::start(NEIGHBOURS).await;
    let error = rig.call("godo", "count", json!({})).await.unwrap_err();
    let CallError::UnknownDevice(text) = error else {
        panic!("{error:?}")
    };
    assert!(text.contains("did you mean `good`?"), "{text}");
    let error = rig.call("good", "cuont", json!({})).await.unwrap_err();
    let CallError::UnknownCommand(text) = error else {
        panic!("{error:?}")
    };
    assert!(text.contains("did you mean `count`?"), "{text}");
    let patience = std::time::Duration::from_millis(50);
    let error = rig
        .kernel()
        .call("good", "never", "{}", "operator", patience)
        .await
        .unwrap_err();
    let CallError::Timeout(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("`good`") && text.contains("`never`"),
        "{text}"
    );
    let error = rig
        .kernel()
        .call("good", "count", "[1]", "operator", patience)
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::InvalidArgument(_)), "{error:?}");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_keeps_trapping_is_given_up_with_its_last_error_and_the_others_go_on() {
    let rig = Rig::start(&neighbours("attempts = 1")).await;
    let mut good = rig.watch("plugin/good/echo");
    // Nothing in between is handled; ten are the most.
    rig.publish("plugin/bad/in", ["trap"; 12].map(text));
    let failed = rig
        .until_device("bad", "given up", |device| {
            device.state == DeviceState::Failed
        })
        .await;
    let error = failed.last_error.unwrap().message;
    assert!(
        error.contains("given up after too many traps") && error.contains("unreachable"),
        "{error}"
    );
    let call = rig.call("bad", "count", json!({})).await.unwrap_err();
    assert!(matches!(call, CallError::Unavailable(_)), "{call:?}");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    rig.kernel()
        .remove_device("bad", "the test is over")
        .await
        .unwrap();
    rig.shutdown().await;
}
