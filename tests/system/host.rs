//! The real host process: killed, starved of its disk, and stopped in order.

use std::time::{Duration, Instant};

use weihe_tests::{DEADLINE, Host};

const SYSTEM: &str = r#"
[plugin.raw]
[plugin.historian]

[device.history]
plugin = "historian"
config.topics = ["plugin/ticker/echo"]

[device.history.grants]
subscribe = ["plugin/ticker/#"]

[device.history.grants.store]
tables = ["readings"]

[device.ticker]
plugin = "raw"
config.tick = 5_000_000
"#;

fn host() -> Host {
    Host::new(
        SYSTEM,
        &[
            ("raw", "weihe-guest-raw"),
            ("historian", "weihe-plugin-historian"),
        ],
    )
}

/// Sequence and time of all rows that are committed now.
fn rows(host: &Host) -> Vec<(u64, u64)> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let read = || {
        let database = rusqlite::Connection::open_with_flags(host.database(), flags)?;
        database.busy_timeout(Duration::from_secs(1))?;
        let mut query =
            database.prepare("SELECT sequence, time FROM readings ORDER BY sequence")?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok((
                row.get::<_, i64>(0)?.cast_unsigned(),
                row.get::<_, i64>(1)?.cast_unsigned(),
            ))
        };
        let rows: rusqlite::Result<Vec<_>> = query.query_map([], row)?.collect();
        rows
    };
    // Before the first start there is no file, and no table.
    read().unwrap_or_default()
}

/// Asks again until it is so: another process tells no one when.
fn until(host: &Host, what: &str, mut wanted: impl FnMut() -> bool) {
    let began = Instant::now();
    while !wanted() {
        assert!(
            began.elapsed() < DEADLINE,
            "waited in vain for {what}; the host says:\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_unbroken(rows: &[(u64, u64)]) {
    for pair in rows.windows(2) {
        assert_eq!(pair[1].0, pair[0].0 + 1, "an event is lost");
        assert!(pair[1].1 > pair[0].1, "time goes back");
    }
}

#[test]
fn committed_rows_survive_kill_9_and_sequences_go_on_behind_them() {
    let mut host = host();
    let mut kept: Vec<(u64, u64)> = Vec::new();
    for round in 0..3 {
        host.start();
        until(&host, "new rows", || rows(&host).len() > kept.len() + 20);
        let seen = rows(&host);
        host.kill();
        let left = rows(&host);
        assert_eq!(
            left[..seen.len()],
            seen[..],
            "committed rows changed in round {round}"
        );
        let new = &left[kept.len()..];
        assert_eq!(
            left[..kept.len()],
            kept[..],
            "rows of earlier rounds changed"
        );
        assert_unbroken(new);
        if let (Some(last), Some(first)) = (kept.last(), new.first()) {
            assert!(
                first.0 > last.0 && first.1 > last.1,
                "a sequence number was used before"
            );
        }
        kept = left;
    }
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

#[test]
fn a_full_disk_stops_nothing_but_the_rows_and_they_follow_when_there_is_room() {
    let mut host = host();
    host.start();
    until(&host, "rows", || rows(&host).len() > 20);
    let log = host.database().with_extension("db-wal");
    let size = std::fs::metadata(&log).map_or(0, |log| log.len());
    host.limit_files(Some(size + 64 * 1024));
    let mut said = String::new();
    until(&host, "the host to say that there is no room", || {
        said = host
            .ask(&["ps"])
            .map_or(String::new(), |status| status.to_string());
        said.contains("waiting") && said.contains("weihe.db")
    });
    let before = rows(&host).len();
    let ticks = |host: &Host| {
        let status = host.ask(&["call", "ticker", "count"]);
        status.and_then(|said| {
            said.to_string()
                .trim_matches(|c: char| !c.is_ascii_digit())
                .parse::<u64>()
                .ok()
        })
    };
    let first = ticks(&host);
    until(&host, "the ticker to go on", || ticks(&host) > first);
    host.limit_files(None);
    until(&host, "the rows that waited", || {
        rows(&host).len() > before + 20
    });
    assert!(host.stop(), "it ends in order: {}", host.log());
    assert_unbroken(&rows(&host));
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

#[test]
fn a_host_that_is_told_to_stop_loses_nothing() {
    let mut host = host();
    host.start();
    until(&host, "rows", || rows(&host).len() > 20);
    assert!(host.stop(), "{}", host.log());
    let first = rows(&host);
    assert_unbroken(&first);
    host.start();
    until(&host, "new rows", || rows(&host).len() > first.len());
    assert!(host.stop(), "{}", host.log());
    assert_eq!(rows(&host)[..first.len()], first[..]);
}

/// A slave and its master in one host, over loopback, as in the greenhouse.
const LOOP: &str = r#"
[plugin.greenhouse-slave]
[plugin.modbus]

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:PORT"

[device.slave]
plugin = "greenhouse-slave"
connection = "slave"

[connection.field]
type = "tcp"
address = "127.0.0.1:PORT"
reconnect-min = "20 ms"

[device.soil]
plugin = "modbus"
connection = "field"
[device.soil.config]
period = "50 ms"
points = [{ name = "tank", table = "input", address = 5, type = "f32", word-order = "little" }]
"#;

#[test]
fn an_orderly_stop_warns_of_nothing() {
    // A port that is free now; the host's own two ends have to know it beforehand.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let plugins = [
        ("greenhouse-slave", "greenhouse-slave"),
        ("modbus", "weihe-plugin-modbus"),
    ];
    let mut host = Host::new(&LOOP.replace("PORT", &port.to_string()), &plugins);
    host.start();
    until(&host, "a reading", || {
        let tank = host.ask(&["get", "plugin/soil/tank"]);
        tank.is_some_and(|tank| tank["quality"] == "good")
    });
    assert!(host.stop(), "{}", host.log());
    let log = host.log();
    let (_, stop) = log.split_once("SIGTERM: stopping").expect("a stop");
    assert!(stop.contains("stopped"), "{log}");
    assert!(!stop.contains("WARN") && !stop.contains("ERROR"), "{log}");
}
