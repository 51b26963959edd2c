//! Plugins that never rest: they are slowed down or not listened to, and their neighbours go on.

use std::time::{Duration, Instant};

use weihe_tests::{DEADLINE, Host, Rig};

use crate::neighbours::neighbours;

#[tokio::test]
async fn a_storm_of_publications_is_slowed_to_its_rate_and_its_lane_goes_on_meanwhile() {
    let rig = Rig::start(&neighbours("publish-rate = 8_000\ncpu-time = \"5 s\"")).await;
    let began = std::time::Instant::now();
    let mut good = rig.watch("plugin/good/echo");
    rig.order("bad", "storm");
    let bad = rig
        .until_device("bad", "to be held", |bad| bad.held > 0)
        .await;
    assert_eq!(bad.traps, 0);
    for round in 0..20 {
        rig.order("good", &format!("well {round}"));
        good.value("plugin/good/echo", format!("well {round} 1").as_str())
            .await;
    }
    let bad = rig
        .until_device("bad", "to go on", |bad| bad.published > 20_000)
        .await;
    // Its slack, what its time was worth, and what one call went into debt.
    let most = 8_000.0 * (began.elapsed().as_secs_f64() + 1.0) + 4_000.0;
    assert!((bad.published as f64) < most, "{} of {most}", bad.published);
    rig.shutdown().await;
}

#[tokio::test]
async fn timers_without_rest_leave_their_lane_its_turns() {
    for order in ["restless", "tempest"] {
        let rig = Rig::start(&neighbours("cpu-time = \"5 s\"")).await;
        let mut good = rig.watch("plugin/good/echo");
        rig.order("bad", order);
        rig.until_device("bad", "to be called again and again", |bad| {
            bad.events > 1_000
        })
        .await;
        for round in 0..20 {
            rig.order("good", &format!("well {round}"));
            good.value("plugin/good/echo", format!("well {round} 1").as_str())
                .await;
        }
        let bad = rig.device("bad");
        assert_eq!((bad.traps, bad.dead), (0, 0), "{order}");
        rig.shutdown().await;
    }
}

#[test]
fn of_endless_talk_a_share_is_logged_and_the_rest_is_counted() {
    let config = "[plugin.raw]\n[device.bad]\nplugin = \"raw\"\n[device.bad.limits]\n\
                  log-rate = 50\ncpu-time = \"5 s\"\n";
    let mut host = Host::new(config, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty());
    host.ask(&["set", "plugin/bad/in", "chatter"]).unwrap();
    let began = Instant::now();
    while !host.log().contains("log records were left out") {
        assert!(began.elapsed() < DEADLINE, "{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(host.log().contains("limit `log-rate`"));
    let (logged, left_out) = loop {
        let ps = host.ask(&["ps"]).unwrap();
        let count = |key: &str| ps["devices"][0][key].as_u64().unwrap();
        let counted = (count("logged"), count("log_left_out"));
        if counted.0 + counted.1 == 10_000 {
            break counted;
        }
        assert!(began.elapsed() < DEADLINE, "{ps}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(logged >= 50 && left_out > 0, "{logged} and {left_out}");
    let lines = host.log().matches(" line ").count() as u64;
    assert_eq!(lines, logged, "what is counted is what is there");
    assert!(host.stop());
}

#[tokio::test]
async fn a_panic_is_told_with_its_place_its_words_and_the_names_of_functions() {
    let rig = Rig::start(&neighbours("attempts = 1")).await;
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "panic");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.starts_with("panicked at ")
            && error.contains("unrest.rs:")
            && error.contains("told to panic at plugin/bad/in"),
        "{error}"
    );
    let bad = rig
        .until_device("bad", "to have trapped", |bad| {
            let fault = bad.last_error.as_ref();
            fault.is_some_and(|fault| !fault.backtrace.is_empty())
        })
        .await;
    let backtrace = bad.last_error.unwrap().backtrace;
    assert!(
        backtrace.contains("weihe_guest_raw::guest::unrest::stumble"),
        "{backtrace}"
    );
    assert!(!backtrace.contains("panicking"), "{backtrace}");
    assert!(backtrace.contains("events@0.1.0#handle"), "{backtrace}");
    rig.order("bad", "recurse");
    dead.next().await;
    let bad = rig
        .until_device("bad", "to have recursed without an end", |bad| {
            // A trap is counted before it is told.
            let fault = bad.last_error.as_ref();
            fault.is_some_and(|fault| fault.backtrace.contains("::recurse"))
        })
        .await;
    let backtrace = bad.last_error.unwrap().backtrace;
    let recursion = backtrace.lines().find(|line| line.contains("::recurse"));
    assert!(recursion.unwrap().ends_with(" times"), "{backtrace}");
    rig.shutdown().await;
}
