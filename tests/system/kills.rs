//! `kill -9` at random moments: while events flow, rows are committed and versions change. What was
//! acknowledged is there, once, and the next start needs nobody's hand.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weihe_tests::{Chance, DEADLINE, Host, Process, setting, version, weihe};

/// The seed, unless `WEIHE_TESTS_SEED` says another.
const SEED: u64 = 20_261_126;

/// Kills, unless `WEIHE_TESTS_KILLS` says more.
const KILLS: usize = 20;

/// The longest that a host may live in order to be killed, in milliseconds.
const LIFE: u64 = 500;

const SYSTEM: &str = r#"
[plugin.raw]
[plugin.ledger]
[plugin.versions]

[device.ledger]
plugin = "ledger"
config = { input = "plugin/ticker/echo", capacity = "60000" }

[device.ledger.grants]
subscribe = ["plugin/ticker/#"]
store.tables = ["ledger"]

[device.meter]
plugin = "versions"
config.input = "plugin/ticker/echo"
grants.subscribe = ["plugin/ticker/#"]

[device.ticker]
plugin = "raw"
config.tick = 2_000_000
"#;

/// Devices of the system.
const DEVICES: usize = 3;

/// How many bits of a sequence number count the events of one run of the host.
const RUN: u32 = weihe_kernel::bus::SEQUENCE_BITS;

/// Whether all devices run.
fn is_up(host: &Host) -> bool {
    let Some(ps) = host.ask(&["ps"]) else {
        return false;
    };
    let empty = Vec::new();
    let devices = ps["devices"].as_array().unwrap_or(&empty);
    let running = devices.iter().filter(|one| one["state"] == "running");
    ps["failed"].as_array().is_some_and(Vec::is_empty) && running.count() == DEVICES
}

fn until_up(host: &mut Host) {
    let began = Instant::now();
    while !is_up(host) {
        assert!(!host.has_ended(), "it does not start: {}", host.log());
        assert!(began.elapsed() < DEADLINE, "{}", host.log());
    }
}

/// Numbers of the rows, in the order in which they were written. What the host has left is looked at
/// in a copy, so that the host itself meets it as it is.
fn rows(host: &Host) -> Vec<u64> {
    let copy = tempfile::tempdir().unwrap();
    for name in ["weihe.db", "weihe.db-wal"] {
        let file = host.database().with_file_name(name);
        if file.exists() {
            fs::copy(file, copy.path().join(name)).unwrap();
        }
    }
    let database = rusqlite::Connection::open(copy.path().join("weihe.db")).unwrap();
    let integrity: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    let Ok(mut query) = database.prepare("SELECT text FROM ledger ORDER BY rowid") else {
        // Killed before its first start had made the table.
        return Vec::new();
    };
    let text = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let rows = query.query_map([], text).unwrap();
    rows.map(|text| text.unwrap().parse().unwrap()).collect()
}

/// Within each run of the host no number is missing, and none comes twice.
fn assert_unbroken(rows: &[u64]) {
    for pair in rows.windows(2) {
        let [first, second] = [pair[0], pair[1]];
        if first >> RUN == second >> RUN {
            assert_eq!(second, first + 1, "within what is committed");
        } else {
            assert!(second > first, "{second} after {first}");
        }
    }
}

/// Numbers that the ledger has spoken of: it does so when they are committed.
fn acknowledged(events: &mut Process) -> BTreeSet<u64> {
    let number = |line: String| {
        let event: serde_json::Value = serde_json::from_str(&line).ok()?;
        event["value"].as_str()?.parse().ok()
    };
    events.rest().into_iter().filter_map(number).collect()
}

/// Changes versions for as long as there is a host: good ones and one that is taken back.
fn swap_on(directory: &std::path::Path, over: &AtomicBool) {
    for next in ["2", "1", "trapping"].iter().cycle() {
        if over.load(Ordering::Acquire) {
            return;
        }
        let mut command = weihe();
        command.arg("-C").arg(directory);
        // Whether it can is for other tests; in the middle of it comes the end.
        let _ = command
            .args(["swap", "versions", "--lift"])
            .arg(version(next))
            .output();
    }
}

#[test]
fn whenever_the_host_is_killed_what_was_acknowledged_is_there_once_and_it_starts_again() {
    let seed = setting("WEIHE_TESTS_SEED", SEED);
    let kills = setting("WEIHE_TESTS_KILLS", KILLS);
    println!("seed {seed} (WEIHE_TESTS_SEED={seed})");
    let mut chance = Chance::new(seed);
    let plugins = [("raw", "weihe-guest-raw"), ("ledger", "weihe-guest-ledger")];
    let mut host = Host::new(SYSTEM, &plugins);
    fs::copy(version("1"), host.path("plugins/versions.wasm")).unwrap();
    let mut kept: Vec<u64> = Vec::new();
    let mut heard = 0;
    for kill in 1..=kills {
        host.start();
        // One in four does not live to see its devices start.
        let early = chance.below(4) == 0;
        let life = Duration::from_millis(chance.below(LIFE));
        println!(
            "kill {kill}: {life:?} into its {}",
            if early { "start" } else { "work" }
        );
        let over = AtomicBool::new(false);
        let events = std::thread::scope(|scope| {
            let mut events = None;
            if !early {
                until_up(&mut host);
                events = Some(host.follow("plugin/ledger/out"));
                let (directory, over) = (host.path("."), &over);
                scope.spawn(move || swap_on(&directory, over));
            }
            // The moment: nothing is waited for.
            std::thread::sleep(life);
            host.kill();
            over.store(true, Ordering::Release);
            events
        });
        let rows = rows(&host);
        assert_eq!(rows[..kept.len()], kept[..], "rows of earlier runs changed");
        assert_unbroken(&rows);
        if let Some(mut events) = events {
            let committed: BTreeSet<u64> = rows.iter().copied().collect();
            let acknowledged = acknowledged(&mut events);
            heard += acknowledged.len();
            let lost: Vec<u64> = acknowledged.difference(&committed).copied().collect();
            assert!(lost.is_empty(), "acknowledged, and not there: {lost:?}");
        }
        if let Ok(quarantine) = fs::read(host.path("data/quarantine.json")) {
            let read: Result<serde_json::Value, _> = serde_json::from_slice(&quarantine);
            assert!(read.is_ok_and(|entries| entries.is_array()));
        }
        kept = rows;
    }
    assert!(
        kept.len() >= heard && heard > 0,
        "{heard} of {}",
        kept.len()
    );
    // Nothing that is left of all this is in the way of a host that may live.
    host.start();
    until_up(&mut host);
    let mut events = host.follow("plugin/ledger/out");
    events.line();
    events.kill();
    assert!(host.stop(), "{}", host.log());
    assert!(rows(&host).len() > kept.len());
    assert!(!host.log().contains("panicked"), "{}", host.log());
}
