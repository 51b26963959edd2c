//! What a door bears: crowds that keep silent, and suites that the command line leaves it.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use weihe_tests::{DEADLINE, Host, Process};

use super::door::{DOOR, command, elsewhere, host, order};
use super::{answer, error, logged, openssl, pki};

/// More than the handshakes that a door takes at a time.
const CROWD: usize = 100;

/// Operators at a time at the control door.
const OPERATORS: usize = 16;

/// Of one certificate.
const OF_EACH: usize = 4;

/// The beginning of a TLS record that never ends.
const BEGUN: &[u8] = &[22, 3, 1, 2, 0, 1];

/// Those who connect and say next to nothing.
fn crowd(port: u16) -> Vec<TcpStream> {
    let silent = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // It may have had to give way already.
        let _ = stream.write_all(BEGUN);
        stream
    };
    (0..CROWD).map(silent).collect()
}

/// Whether the host has hung up, at once or within a while.
fn is_left(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut heard = [0; 256];
    loop {
        match stream.read(&mut heard) {
            Ok(0) => return true,
            // An alert.
            Ok(_) => {}
            Err(error) => {
                let is_waiting =
                    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                return !is_waiting;
            }
        }
    }
}

#[test]
fn silent_strangers_keep_no_operator_out_and_are_left() {
    let (host, port) = host(DOOR);
    let mut crowd = crowd(port);
    let ps = elsewhere(&host, port, "panel", &["--json", "ps"]);
    assert!(ps.status.success(), "{ps:?}");
    logged(&host, "gives way to others");
    // A byte now and then buys no time.
    let began = Instant::now();
    let mut dripping = crowd.pop().unwrap();
    while !is_left(&mut dripping, Duration::from_millis(200)) {
        let _ = dripping.write_all(&[0]);
        assert!(began.elapsed() < DEADLINE, "still there: {}", host.log());
    }
    logged(&host, "the handshake takes too long");
    for mut stream in crowd {
        assert!(is_left(&mut stream, DEADLINE));
    }
}

#[test]
fn strangers_who_talk_nonsense_and_stay_hold_no_more_sockets_than_the_silent_ones() {
    let (host, port) = host(DOOR);
    let pid = host.ask(&["ps"]).unwrap()["host"]["pid"].to_string();
    let open = || {
        let all = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        all.count()
    };
    let before = open();
    let mut most = 0;
    let mut strangers = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = stream.write_all(b"no TLS\n");
        strangers.push(stream);
        most = most.max(open());
    }
    // One that leaves is still being cleared away when the next one comes.
    assert!(most <= before + 32 + 16, "{most} after {before}");
    let ps = elsewhere(&host, port, "panel", &["--json", "ps"]);
    assert!(ps.status.success(), "{ps:?}");
}

/// An operator who follows the log of a host, and stays: it has been let in when this returns.
fn follow(host: &Host, port: u16, who: &str) -> Process {
    let mut command = command(host, port, who, &["logs", "--follow"]);
    let told = File::options()
        .create(true)
        .append(true)
        .open(host.path(&format!("{who}.told")));
    command.stderr(told.unwrap());
    let mut follower = Process::start(&mut command);
    follower.line_where(|line| line.contains("operators can connect to"));
    follower
}

/// Waits until somebody is told something, again and again.
fn until_told(host: &Host, mut told: impl FnMut() -> Option<String>, what: &str) {
    let began = Instant::now();
    loop {
        let heard = told();
        if heard.as_ref().is_some_and(|heard| heard.contains(what)) {
            return;
        }
        let log = host.log();
        assert!(began.elapsed() < DEADLINE, "{heard:?}, not {what}: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What an operator is told who asks; nothing where it is answered.
fn asks(host: &Host, port: u16, who: &str) -> String {
    let ps = elsewhere(host, port, who, &["ps"]);
    if ps.status.success() {
        return "answered".to_owned();
    }
    error(&ps)
}

#[test]
fn a_certificate_has_four_clients_and_gets_a_place_back_when_one_leaves() {
    let (host, port) = host(DOOR);
    let mut followers: Vec<Process> = (0..OF_EACH).map(|_| follow(&host, port, "panel")).collect();
    let ask = |who: &'static str| asks(&host, port, who);
    until_told(
        &host,
        || Some(ask("panel")),
        "certificate `panel` has 4 clients here already",
    );
    assert_eq!(ask("chief"), "answered");
    drop(followers.pop());
    until_told(&host, || Some(ask("panel")), "answered");
}

#[test]
fn readers_who_take_all_places_keep_no_administrator_out() {
    let readers = ["panel", "wall", "desk", "hall"];
    let roles = readers
        .map(|reader| format!("{reader} = \"read\"\n"))
        .concat();
    let door = DOOR.replace("panel = \"read\"\n", &roles);
    let (host, port) = host(&door);
    pki::clients(&host.path(""), &["wall", "desk", "hall"]);
    let ask = |who: &'static str| asks(&host, port, who);
    let mut followers = Vec::new();
    for reader in readers {
        followers.extend((0..OF_EACH).map(|_| follow(&host, port, reader)));
        until_told(&host, || Some(ask(reader)), "has 4 clients here already");
    }
    assert_eq!(ask("chief"), "answered");
    let told = || {
        let texts =
            readers.map(|reader| std::fs::read_to_string(host.path(&format!("{reader}.told"))));
        Some(texts.into_iter().flatten().collect())
    };
    until_told(&host, told, "a higher role needs the place");
    logged(&host, "it gives way to a higher role");
}

#[test]
fn who_has_no_role_takes_no_place_and_fills_no_log() {
    let (host, port) = host(DOOR);
    for _ in 0..OPERATORS * 2 {
        let told = asks(&host, port, "stranger");
        assert!(
            told.contains("certificate `stranger` has no role"),
            "{told}"
        );
        assert!(told.contains("[control.roles]"), "{told}");
    }
    let refused = error(&elsewhere(&host, port, "panel", &["reload"]));
    assert!(refused.contains("needs the role admin"), "{refused}");
    assert_eq!(asks(&host, port, "chief"), "answered");
    let log = host.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("certificate `stranger`"));
    assert_eq!(lines.count(), 1, "{log}");
}

#[test]
fn a_flood_of_strangers_is_logged_once_and_counted_when_the_host_stops() {
    let (mut host, port) = host(DOOR);
    for _ in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = stream.write_all(b"no TLS\n");
        let _ = stream.shutdown(Shutdown::Write);
        assert!(is_left(&mut stream, DEADLINE));
    }
    let said = |host: &Host| host.log().matches("does not speak TLS").count();
    assert!(said(&host) <= 4, "{}", host.log());
    assert!(host.stop());
    logged(&host, "more of 127.0.0.1 within a minute");
}

#[test]
fn silent_strangers_keep_no_peer_of_a_device_out() {
    let config = r#"
[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"
idle-timeout = "500 ms"
tls = { trust = "ca.pem", certificate = "gateway.pem", key = "gateway.key" }

[device.slave]
plugin = "greenhouse-slave"
connection = "slave"
"#;
    let mut host = Host::new(config, &[("greenhouse-slave", "greenhouse-slave")]);
    pki::make(&host.path(""), &["panel"]);
    host.start();
    let port = super::port_of(&host, "slave");
    let crowd = crowd(port);
    let mut asks = order(&host, port, "panel");
    asks["say"] = json!("000700000006010400000002");
    asks["lines"] = json!(0);
    asks["bytes"] = json!(13);
    let Some(report) = openssl(asks.clone()) else {
        return;
    };
    assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
    logged(&host, "gives way to others");
    for mut stream in crowd {
        assert!(is_left(&mut stream, DEADLINE));
    }
    // One that has shaken hands and keeps silent then is left after the time of the connection.
    asks["bytes"] = json!(14);
    let report = openssl(asks).unwrap();
    assert!(report["error"].is_string(), "{report}");
}

#[test]
fn the_command_line_leaves_doors_only_its_suites() {
    let mut host = Host::new(&DOOR.replace("cipher-suites", "# cipher-suites"), &[]);
    pki::make(&host.path(""), &["panel"]);
    host.start_as(&["--cipher-suites", "TLS_SM4_GCM_SM3"]);
    let address = logged(&host, "operators can connect to ");
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let sound = order(&host, port, "panel");
    let mut other = sound.clone();
    other["suites"] = json!("TLS_SM4_CCM_SM3");
    if let Some(report) = openssl(sound) {
        assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
        assert!(answer(&report)["ok"].is_object());
        let report = openssl(other).unwrap();
        assert!(report["error"].is_string(), "{report}");
    }
    // A door of the other world is left nothing, and does not open.
    let door = format!("{DOOR}\n").replace(
        "cipher-suites = [\"TLS_SM4_GCM_SM3\"]",
        "suites = \"standard\"",
    );
    std::fs::write(host.path("weihe.toml"), door).unwrap();
    logged(&host, "`--cipher-suites` leaves none of its cipher suites");
    let refused = error(&elsewhere(&host, port, "panel", &["ps"]));
    assert!(refused.contains("cannot connect"), "{refused}");
    assert!(host.stop());
    // A suite that is none starts nothing.
    let refused = error(&host.run(&["run", "--cipher-suites", "TLS_SM4_GCM_SHA256"]));
    assert!(
        refused.contains("there is no cipher suite TLS_SM4_GCM_SHA256"),
        "{refused}"
    );
}
