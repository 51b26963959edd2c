//! The recipes of the book: what each page shows passes `weihe check`, and does its thing in a real kernel.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::{SystemClock, event};
use weihe_tests::{Host, Rig, Watch, component, workspace};

/// The simulated greenhouse, for recipes that need a Modbus module behind them.
const SLAVE: &str = r#"
[plugin]
greenhouse-slave = "greenhouse-slave"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"

[device.slave]
plugin = "greenhouse-slave"
connection = "slave"
"#;

/// The names of all recipes, as their folders say.
fn recipes() -> Vec<String> {
    let folder = std::fs::read_dir(workspace().join("examples/cookbook")).unwrap();
    let folders = folder
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn page(language: &str, name: &str) -> String {
    let file = format!("docs/book/{language}/src/cookbook/{name}.md");
    std::fs::read_to_string(workspace().join(&file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The `weihe.toml` that a page shows: a file beside the code, so that it can be run as it is.
fn shown(name: &str) -> String {
    let file = format!("examples/cookbook/{name}/weihe.toml");
    let include = format!("```toml\n{{{{#include ../../../../../{file}}}}}\n```");
    for language in ["en", "zh"] {
        assert!(
            page(language, name).contains(&include),
            "{language}: {name} does not show {file}"
        );
    }
    std::fs::read_to_string(workspace().join(file)).unwrap()
}

/// The package of a plugin that a recipe names.
fn package(plugin: &str) -> String {
    match plugin {
        "modbus" => "weihe-plugin-modbus".to_owned(),
        "greenhouse-slave" => plugin.to_owned(),
        recipe => format!("cookbook-{recipe}"),
    }
}

fn plugins(system: &toml::Table) -> Vec<(String, String)> {
    let plugins = system["plugin"].as_table().unwrap().keys();
    plugins
        .map(|plugin| (plugin.clone(), package(plugin)))
        .collect()
}

/// What a recipe's page shows, with parts of it replaced, on a kernel.
async fn add(rig: &Rig, name: &str, replaced: &[(&str, &str)]) {
    let mut system = shown(name);
    for (from, to) in replaced {
        assert!(system.contains(from), "{name}: there is no {from}");
        system = system.replace(from, to);
    }
    let mut system: toml::Table = toml::from_str(&system).unwrap();
    // The kernel has it already: see `on_its_board`.
    system.remove("board");
    // The simulated module is there already, on a port of its own: see `with_coils`.
    for (table, key) in [
        ("plugin", "greenhouse-slave"),
        ("connection", "slave"),
        ("device", "slave"),
    ] {
        if let Some(table) = system.get_mut(table) {
            table.as_table_mut().unwrap().remove(key);
        }
    }
    let packages = plugins(&system)
        .into_iter()
        .map(|(plugin, package)| (plugin, package.into()));
    let packages = packages.collect::<toml::Table>();
    system.insert("plugin".to_owned(), packages.into());
    rig.add(&toml::to_string(&system).unwrap()).await;
}

/// A recipe whose board is a virtual one.
async fn on_its_board(name: &str) -> Rig {
    let board = workspace().join(format!("examples/cookbook/{name}/board.toml"));
    let board = std::fs::read_to_string(board).unwrap();
    let board = VirtualBoard::parse(&board, Arc::new(SystemClock::new())).unwrap();
    let rig = Rig::with_capability(Arc::new(HalCapability::new(Arc::new(board))));
    add(&rig, name, &[]).await;
    rig
}

async fn start(name: &str, replaced: &[(&str, &str)]) -> Rig {
    let rig = Rig::bare();
    add(&rig, name, replaced).await;
    rig
}

/// The same component with another hash: a new version, as far as the kernel is concerned.
fn renewed(name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("renewed.wasm");
    let mut bytes = std::fs::read(component(&package(name))).unwrap();
    // A custom section of five bytes, whose name is `note`.
    bytes.extend(b"\x00\x05\x04note");
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

#[test]
fn every_recipe_has_a_page_in_both_languages_that_shows_its_code() {
    let recipes = recipes();
    assert_eq!(recipes.len(), 11);
    for name in recipes {
        for language in ["en", "zh"] {
            let code =
                format!("{{{{#include ../../../../../examples/cookbook/{name}/src/lib.rs}}}}");
            assert!(page(language, &name).contains(&code), "{language}: {name}");
            assert!(
                page(language, "index").contains(&format!("({name}.md)")),
                "{language}: {name}"
            );
        }
        let blocks = |language| page(language, &name).split("```").count();
        assert_eq!(blocks("en"), blocks("zh"), "{name}");
    }
}

#[test]
fn the_system_of_every_page_passes_the_check() {
    let shown: Vec<(String, String)> = recipes()
        .into_iter()
        .map(|name| (shown(&name), name))
        .collect();
    let plugins: BTreeMap<String, String> = shown
        .iter()
        .flat_map(|(system, _)| plugins(&toml::from_str(system).unwrap()))
        .collect();
    let plugins: Vec<(&str, &str)> = plugins
        .iter()
        .map(|(plugin, package)| (plugin.as_str(), package.as_str()))
        .collect();
    // One directory for all, so that each component is compiled once.
    let host = Host::new("", &plugins);
    let problems = |system: &str| {
        // The components are there; what would build them is not.
        let lines = system.lines().filter(|line| !line.starts_with("source = "));
        let system = lines.collect::<Vec<_>>().join("\n");
        std::fs::write(host.path("weihe.toml"), system).unwrap();
        host.ask(&["check"]).unwrap()["problems"].clone()
    };
    for (system, name) in &shown {
        let board = workspace().join(format!("examples/cookbook/{name}/board.toml"));
        if board.exists() {
            std::fs::copy(board, host.path("board.toml")).unwrap();
        }
        assert_eq!(problems(system), json!([]), "{name}");
        // A key that no plugin has is found, so their schemas are looked at.
        if system.contains("config = { ") {
            let wrong = system.replace("config = { ", "config = { nothing = 1, ");
            assert_ne!(problems(&wrong), json!([]), "{name}");
        }
    }
}

/// Frames that the pages have `weihe decode` take apart, with the name of a reading.
#[test]
fn the_frames_of_the_pages_are_taken_apart() {
    for (name, reading, value) in [("scale", "gross", 123.45), ("nmea", "altitude", 545.4)] {
        let plugin = package(name);
        let host = Host::new("", &[(name, plugin.as_str())]);
        for language in ["en", "zh"] {
            let page = page(language, name);
            let line = page
                .lines()
                .find(|line| line.starts_with("weihe decode "))
                .unwrap();
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let answer = host
                .ask(&words)
                .unwrap_or_else(|| panic!("not understood: {line}"));
            let readings = answer["readings"].as_array().unwrap();
            let found = readings.iter().find(|it| it["name"] == reading).unwrap();
            assert_eq!(found["value"], value, "{answer}");
        }
    }
}

#[tokio::test]
async fn debounce_makes_one_edge_of_many() {
    let rig = start("debounce", &[]).await;
    let mut bus = rig.watch("plugin/door/+");
    let contact = |levels: &[bool]| {
        rig.publish(
            "door/raw",
            levels.iter().map(|level| event::Value::Boolean(*level)),
        );
    };
    contact(&[false]);
    bus.value("plugin/door/closed", false).await;
    contact(&[true, false, true, false, true]);
    bus.value("plugin/door/count", 1).await;
    bus.value("plugin/door/closed", true).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn average_says_one_mean_a_window() {
    let rig = start("average", &[("10 s", "200 ms")]).await;
    let mut bus = rig.watch("plugin/power/mean");
    rig.publish("meter/power", [event::Value::Float(8.0)]);
    let mean = |value: &Value| value.as_f64().is_some_and(|mean| (mean - 8.0).abs() < 1e-9);
    bus.until("a mean of 8", |event| mean(&event.value)).await;
    // A sample holds for one window; then nobody knows.
    bus.value("plugin/power/mean", Value::Null).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn totaliser_keeps_its_litres_when_it_is_swapped() {
    let rig = start("totaliser", &[]).await;
    let mut bus = rig.watch("plugin/water/litres");
    rig.publish("meter/pulses", [65_530, 4].map(event::Value::Integer));
    bus.value("plugin/water/litres", 1.0).await;
    let (_folder, renewed) = renewed("totaliser");
    let swapped = rig
        .kernel()
        .swap_plugin("totaliser", &renewed)
        .await
        .unwrap();
    assert!(swapped.iter().all(|device| device.problem.is_none()));
    bus.value("plugin/water/litres", 1.0).await;
    rig.publish("meter/pulses", [event::Value::Integer(24)]);
    bus.value("plugin/water/litres", 3.0).await;
    let before = rig.ask("water", "reset", json!({ "litres": 100 })).await;
    assert_eq!(before["litres"], 3.0);
    bus.value("plugin/water/litres", 100.0).await;
    rig.shutdown().await;
}

/// A kernel with the greenhouse, and a recipe that writes its coils.
async fn with_coils(name: &str, replaced: &[(&str, &str)]) -> Rig {
    let rig = Rig::start(SLAVE).await;
    let port = format!("127.0.0.1:{}", rig.port("slave").await);
    let here = [("127.0.0.1:15020", port.as_str())];
    add(&rig, name, &[&here, replaced].concat()).await;
    rig
}

#[tokio::test]
async fn lights_are_switched_by_hand_and_go_back_to_the_calendar() {
    let rig = with_coils("lights", &[]).await;
    let mut bus = rig.watch("plugin/+/+");
    for on in [true, false] {
        rig.ask("hall", "override", json!({ "on": on, "for": "1 h" }))
            .await;
        bus.value("plugin/relays/hall", on).await;
    }
    let calendar = rig.ask("hall", "auto", json!({})).await["on"].clone();
    bus.value("plugin/relays/hall", calendar).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn silence_is_told_and_its_end_too() {
    let rig = start("silence", &[("30 s", "200 ms")]).await;
    let mut bus = rig.watch("plugin/watch/#");
    rig.publish("greenhouse/air", [event::Value::Float(21.5)]);
    bus.value("plugin/watch/silent/greenhouse/air", true).await;
    let silent = rig.ask("watch", "silent", json!({})).await;
    assert!(silent["silent"]["greenhouse/air"].is_string(), "{silent}");
    rig.publish("greenhouse/air", [event::Value::Float(21.5)]);
    bus.value("plugin/watch/silent/greenhouse/air", false).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn vote_follows_two_sensors_and_names_the_third() {
    let rig = start("vote", &[]).await;
    let mut bus = rig.watch("plugin/pressure/+");
    for (sensor, value) in [("p1", 5.0), ("p2", 5.1), ("p3", 9.5)] {
        rig.publish(&format!("boiler/{sensor}"), [event::Value::Float(value)]);
    }
    bus.value("plugin/pressure/alarm", "`boiler/p3` is off: 9.5")
        .await;
    rig.publish("boiler/p3", [event::Value::Float(5.2)]);
    bus.value("plugin/pressure/alarm", "").await;
    // A new version has no state, and is told the last values.
    let (_folder, renewed) = renewed("vote");
    rig.kernel().swap_plugin("vote", &renewed).await.unwrap();
    let mut bus = rig.watch("plugin/pressure/value");
    let voted = |event: &weihe_kernel::event::NamedEvent| {
        event.value == 5.1 && event.quality == event::Quality::Good
    };
    bus.until("5.1 again", voted).await;
    rig.shutdown().await;
}

/// A place for a peer, and a recipe's system that connects to it.
async fn with_peer(name: &str, shown: &str) -> (Rig, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let rig = start(name, &[(shown, &here)]).await;
    (rig, listener)
}

/// The bad sample that tells that something was lost.
async fn bad(bus: &mut Watch, topic: &str) {
    let lost = |event: &weihe_kernel::event::NamedEvent| {
        event.topic == topic && event.quality == event::Quality::Bad && event.value.is_null()
    };
    bus.until("a bad sample", lost).await;
}

/// Answers the next question of the driver.
async fn answer(peer: &mut TcpStream, pieces: &[&[u8]]) {
    let mut question = [0; 6];
    peer.read_exact(&mut question).await.unwrap();
    assert_eq!(&question, b"\x02AB03\x03");
    for piece in pieces {
        peer.write_all(piece).await.unwrap();
        peer.flush().await.unwrap();
    }
}

#[tokio::test]
async fn scale_asks_again_what_was_spoilt_and_says_when_the_line_is_gone() {
    let (rig, listener) = with_peer("scale", "127.0.0.1:4001").await;
    let mut bus = rig.watch("plugin/hopper/+");
    let (mut peer, _) = listener.accept().await.unwrap();
    answer(&mut peer, &[b"\x02AB+9123452", b"1F\x03"]).await;
    answer(&mut peer, &[b"\xff\x02AB+01", b"234521B\x03"]).await;
    bus.value("plugin/hopper/online", true).await;
    bus.value("plugin/hopper/weight", 123.45).await;
    drop((peer, listener));
    bad(&mut bus, "plugin/hopper/weight").await;
    bus.value("plugin/hopper/online", false).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn nmea_puts_together_what_nobody_asked_for() {
    let (rig, listener) = with_peer("nmea", "127.0.0.1:10110").await;
    let mut bus = rig.watch("plugin/gps/+");
    let (mut peer, _) = listener.accept().await.unwrap();
    let sentence = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n";
    let spoilt = sentence.replace("4807", "4907");
    for piece in ["8,M,,*47\r\n", &spoilt, &sentence[..30], &sentence[30..]] {
        peer.write_all(piece.as_bytes()).await.unwrap();
        peer.flush().await.unwrap();
    }
    bus.value("plugin/gps/spoilt", 1).await;
    bus.value("plugin/gps/latitude", 48.0 + 7.038 / 60.0).await;
    drop((peer, listener));
    bad(&mut bus, "plugin/gps/latitude").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn hourly_counts_each_sample_once_through_swaps_and_restarts() {
    let rig = start("hourly", &[]).await;
    let publish = |rig: &Rig, values: [f64; 2]| {
        rig.publish("tank/level", values.map(event::Value::Float));
    };
    /// Minimum, maximum, sum and number of what is in the hours together.
    async fn counted(rig: &Rig, samples: i64) -> (f64, f64, f64) {
        loop {
            let hours = rig
                .ask("hours", "hours", json!({ "topic": "tank/level" }))
                .await;
            let hours: Vec<Value> = hours.as_array().unwrap().clone();
            let count = |hour: &Value| hour["samples"].as_i64().unwrap();
            if hours.iter().map(count).sum::<i64>() >= samples {
                let of =
                    |key: &'static str| hours.iter().map(move |hour| hour[key].as_f64().unwrap());
                let total = hours
                    .iter()
                    .map(|hour| hour["mean"].as_f64().unwrap() * count(hour) as f64);
                return (
                    of("minimum").fold(f64::MAX, f64::min),
                    of("maximum").fold(f64::MIN, f64::max),
                    total.sum(),
                );
            }
        }
    }
    publish(&rig, [4.0, 1.0]);
    assert_eq!(counted(&rig, 2).await, (1.0, 4.0, 5.0));
    let (_folder, renewed) = renewed("hourly");
    rig.kernel().swap_plugin("hourly", &renewed).await.unwrap();
    publish(&rig, [7.0, 8.0]);
    assert_eq!(counted(&rig, 4).await, (1.0, 8.0, 20.0));
    let rig = rig.restart("").await;
    publish(&rig, [100.0, 2.0]);
    // The device comes later, and is told the last value.
    add(&rig, "hourly", &[]).await;
    assert_eq!(counted(&rig, 5).await, (1.0, 8.0, 22.0));
    let rows = "SELECT sum(samples) FROM hourly WHERE topic = 'tank/level'";
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let samples: i64 = database.query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(samples, 5);
    drop(database);
    rig.shutdown().await;
}

#[tokio::test]
async fn pump_sequence_starts_two_devices_in_order_and_an_interlock_stops_both() {
    let rig = with_coils("pump-sequence", &[("3 s", "100 ms")]).await;
    let mut bus = rig.watch("plugin/+/+");
    bus.value("plugin/feed/state", "stopped").await;
    let refused = rig.call("feed", "start", json!({})).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("`tank/level-ok` does not hold"),
        "{refused}"
    );
    rig.publish("tank/level-ok", [event::Value::Boolean(true)]);
    // The event is taken before or after the command, as they reach the device.
    while rig.call("feed", "start", json!({})).await.is_err() {}
    bus.value("plugin/feed/state", "running").await;
    bus.value("plugin/valve/inlet", true).await;
    bus.value("plugin/pump/motor", true).await;
    rig.publish("tank/level-ok", [event::Value::Boolean(false)]);
    bus.value(
        "plugin/feed/fault",
        "interlock `tank/level-ok`: boolean false",
    )
    .await;
    bus.value("plugin/feed/state", "stopped").await;
    bus.value("plugin/pump/motor", false).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn climate_measures_with_a_driver_crate_as_it_is() {
    let rig = on_its_board("climate").await;
    let mut bus = rig.watch("plugin/hall/+");
    let mut near = async |topic: &str, wanted: f64| {
        let said = bus.until(topic, |event| event.topic == topic).await;
        let value = said.value.as_f64().unwrap();
        assert!((value - wanted).abs() < 0.01, "{said:?}");
    };
    near("plugin/hall/temperature", 21.5).await;
    near("plugin/hall/humidity", 40.0).await;
    rig.shutdown().await;
}
