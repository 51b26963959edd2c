//! Plugins that do what no plugin should: they harm themselves, and nobody else.

use weihe_tests::Rig;

use crate::neighbours::neighbours;

#[tokio::test]
async fn an_endless_loop_is_ended_and_its_lane_goes_on_meanwhile() {
    let rig = Rig::start(&neighbours("cpu-time = \"2 s\"\nattempts = 1")).await;
    let mut good = rig.watch("plugin/good/echo");
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "spin");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    assert_eq!(
        rig.device("bad").traps,
        0,
        "the neighbour did not have to wait for the end of the loop"
    );
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.contains("2s") && error.contains("cpu-time"),
        "{error}"
    );
    let mut bad = rig.watch("plugin/bad/echo");
    rig.order("bad", "well");
    bad.value("plugin/bad/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_devices_limit() {
    let rig = Rig::start(&neighbours(
        "memory = \"4 MiB\"\nattempts = 1\ncpu-time = \"5 s\"",
    ))
    .await;
    let mut dead = rig.watch("$dead/bad");
    let mut good = rig.watch("plugin/good/echo");
    rig.order("bad", "grow");
    let letter = dead.next().await;
    assert_eq!(letter.value["input"]["value"], "grow");
    // What it could have at most, and was told so in time to go on.
    rig.order("bad", "hoard");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    let words: Vec<&str> = error.split(' ').collect();
    let unit = words.iter().position(|word| word.starts_with("KiB"));
    let taken: usize = words[unit.unwrap() - 1].parse().unwrap();
    assert!((1024..4096).contains(&taken), "{error}");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    let mut bad = rig.watch("plugin/bad/echo");
    rig.order("bad", "well");
    bad.value("plugin/bad/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn endless_recursion_ends_at_the_end_of_the_stack() {
    let rig = Rig::start(&neighbours("attempts = 1\ncpu-time = \"5 s\"")).await;
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "recurse");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("stack"), "{error}");
    rig.shutdown().await;
}

#[tokio::test]
async fn publishing_without_end_meets_the_outboxs_limit_and_nothing_of_it_leaves() {
    let rig = Rig::start(&neighbours("outbox-events = 100\ncpu-time = \"5 s\"")).await;
    let mut dead = rig.watch("$dead/bad");
    let mut flood = rig.watch("plugin/bad/flood");
    rig.order("bad", "flood");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.contains("100 events") && error.contains("outbox-events"),
        "{error}"
    );
    assert_eq!(flood.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_batch_whose_events_share_one_payload_counts_it_for_each_of_them() {
    let rig = Rig::start(
        r#"
        [plugin]
        packed = "weihe-guest-packed"

        [device.packed]
        plugin = "packed"

        [device.packed.limits]
        outbox-bytes = "1 MiB"
        "#,
    )
    .await;
    let mut refused = rig.watch("plugin/packed/refused");
    let mut out = rig.watch("plugin/packed/out");
    rig.order("packed", "overlap");
    let event = refused.next().await;
    let text = event.value.as_str().unwrap();
    assert!(
        text.contains("Limit") && text.contains("outbox-bytes"),
        "{text}"
    );
    assert_eq!(out.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_with_all_its_subscriptions_outlives_its_traps() {
    let rig = Rig::start(&neighbours("subscriptions = 1")).await;
    let mut bad = rig.watch("plugin/bad/echo");
    rig.order("bad", "trap-once");
    bad.value("plugin/bad/echo", "trap-once 2").await;
    rig.order("bad", "well");
    bad.value("plugin/bad/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn topics_and_names_of_timers_are_bounded_for_each_device_and_through_its_traps() {
    let rig = Rig::start(&neighbours("topics = 20\ncpu-time = \"5 s\"")).await;
    let mut dead = rig.watch("$dead/bad");
    let mut good = rig.watch("plugin/good/echo");
    let mut bad = rig.watch("plugin/bad/echo");
    rig.order("bad", "well");
    bad.value("plugin/bad/echo", "well 1").await;
    let topics = rig.kernel().status().topics;
    for what in ["topics", "timers"] {
        rig.order("bad", &format!("pile up {what}"));
        let letter = dead.next().await;
        let error = letter.value["error"].as_str().unwrap();
        assert!(
            error.contains("device `bad` may make 20 topics") && error.contains("limit `topics`"),
            "{error}"
        );
    }
    rig.order("bad", "trap-once");
    bad.value("plugin/bad/echo", "trap-once 2").await;
    rig.order("bad", "pile up timers");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("0 timers"), "{error}");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    let made = rig.kernel().status().topics - topics;
    assert!(made <= 25, "{made}");
    rig.shutdown().await;
}

/// A device that holds a listener to which nobody comes.
fn at_a_door(limits: &str) -> String {
    format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [connection.door]
        type = "tcp-listen"
        address = "127.0.0.1:0"

        [device.bad]
        plugin = "raw"
        connection = "door"

        [device.bad.limits]
        cpu-time = "5 s"
        attempts = 1
        {limits}
        "#
    )
}

#[tokio::test]
async fn whatever_a_handler_orders_without_end_meets_the_outboxs_limit() {
    let rig = Rig::start(&at_a_door("outbox-effects = 100")).await;
    rig.port("door").await;
    let mut dead = rig.watch("$dead/bad");
    for (what, said) in [
        ("sends", "100 sends: Failure::QueueFull"),
        ("one timer", "outbox-effects"),
        ("cancels", "outbox-effects"),
        ("disconnects", "outbox-effects"),
        ("answers", "outbox-effects"),
        ("unset timers", "outbox-effects"),
    ] {
        rig.order("bad", &format!("pile up {what}"));
        let letter = dead.next().await;
        let error = letter.value["error"].as_str().unwrap();
        assert!(error.contains(said), "{what}: {error}");
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn what_a_handler_sends_shares_the_outboxs_bytes() {
    let rig = Rig::start(&at_a_door("outbox-bytes = \"64 KiB\"")).await;
    rig.port("door").await;
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "pile up sends");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    // What it said before has its share.
    assert!(error.contains("63 sends: Failure::QueueFull"), "{error}");
    rig.shutdown().await;
}

#[tokio::test]
async fn bytes_for_a_peer_that_is_not_there_are_refused_at_once() {
    let rig = Rig::start(&at_a_door("")).await;
    rig.port("door").await;
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "pile up words to a stranger");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.contains("0 words") && error.contains("is gone"),
        "{error}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn questions_that_nobody_answers_count_until_they_are_finished() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let rig = Rig::start(&format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [connection.silent]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.bad]
        plugin = "raw"
        connection = "silent"

        [device.bad.limits]
        tickets = 2
        "#
    ))
    .await;
    let (_peer, _) = silent.accept().await.unwrap();
    let mut bad = rig.watch("plugin/bad/echo");
    let mut dead = rig.watch("$dead/bad");
    for _ in 0..2 {
        rig.order("bad", "submit");
        bad.value("plugin/bad/echo", "submit 1").await;
    }
    rig.order("bad", "submit");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("QueueFull"), "{error}");
    rig.shutdown().await;
}

#[tokio::test]
async fn calls_that_nobody_answers_count_until_they_are_answered() {
    let limits = "calls = 2\n[device.bad.grants]\ncall = [\"good\"]";
    let rig = Rig::start(&neighbours(limits)).await;
    let mut bad = rig.watch("plugin/bad/echo");
    let mut dead = rig.watch("$dead/bad");
    for _ in 0..2 {
        rig.order("bad", "call");
        bad.value("plugin/bad/echo", "call 1").await;
    }
    rig.order("bad", "call");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.contains("2 calls") && error.contains("limit `calls`"),
        "{error}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn publishing_for_ever_in_spite_of_the_limit_is_ended_as_a_loop() {
    let rig = Rig::start(&neighbours(
        "outbox-bytes = \"64 KiB\"\nattempts = 1\ncpu-time = \"200 ms\"",
    ))
    .await;
    let mut dead = rig.watch("$dead/bad");
    let mut flood = rig.watch("plugin/bad/flood");
    rig.order("bad", "deluge");
    let letter = dead.next().await;
    assert!(
        letter.value["error"].as_str().unwrap().contains("cpu-time"),
        "{letter:?}"
    );
    assert_eq!(flood.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_that_sleeps_is_woken_by_its_limit_and_its_lane_goes_on_meanwhile() {
    let rig = Rig::start(&neighbours("call-time = \"2 s\"\nattempts = 1")).await;
    let mut good = rig.watch("plugin/good/echo");
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "sleep");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    assert_eq!(
        rig.device("bad").traps,
        0,
        "the neighbour did not have to wait for the sleeper"
    );
    let letter = dead.next().await;
    assert!(
        letter.value["error"]
            .as_str()
            .unwrap()
            .contains("call-time"),
        "{letter:?}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_that_waits_too_long_for_a_reply_is_ended_by_its_limit() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let rig = Rig::start(&format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [connection.silent]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.bad]
        plugin = "raw"
        connection = "silent"

        [device.bad.limits]
        call-time = "300 ms"
        attempts = 2
        "#
    ))
    .await;
    let (_peer, _) = silent.accept().await.unwrap();
    let mut dead = rig.watch("$dead/bad");
    rig.order("bad", "transact");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(
        error.contains("300ms") && error.contains("call-time"),
        "{error}"
    );
    rig.shutdown().await;
}
