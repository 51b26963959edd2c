//! The greenhouse of the example with signed plugins, on a host that takes no others.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use weihe_sm::certificate::{Order, Profile, issue, self_signed};
use weihe_sm::sm2::PrivateKey;
use weihe_tests::{DEADLINE, Host, version, workspace};

pub(super) const PLUGINS: [(&str, &str); 4] = [
    ("greenhouse-slave", "greenhouse-slave"),
    ("modbus", "weihe-plugin-modbus"),
    ("rule-hysteresis", "weihe-plugin-rule-hysteresis"),
    ("historian", "weihe-plugin-historian"),
];

/// The system of the example, which makes do with the components that are there, behind a port of its own.
fn greenhouse() -> String {
    let file = workspace().join("examples/greenhouse/weihe.toml");
    let text = fs::read_to_string(file).unwrap();
    let port = super::free_port();
    let lines = text.lines().filter(|line| !line.starts_with("source = "));
    let text: Vec<&str> = lines.collect();
    text.join("\n").replace("15020", &port.to_string())
}

/// The same for all: no certificate outlives the one that it is below.
fn today() -> SystemTime {
    static TODAY: OnceLock<SystemTime> = OnceLock::new();
    *TODAY.get_or_init(SystemTime::now)
}

const REQUIRE: &str = "[signatures]\npolicy = \"require\"\ntrust = [\"root.pem\"]\n";

/// A root that the host trusts, and a maker who signs below it.
fn plant(host: &Host) {
    let hour = Duration::from_secs(3600);
    let order = |subject: &str, profile| Order {
        subject: subject.to_owned(),
        profile,
        hosts: Vec::new(),
        not_before: today() - hour,
        not_after: today() + hour * 24,
    };
    let root_key = PrivateKey::generate().unwrap();
    let authority = Profile::Authority { path_length: None };
    let root = self_signed(&root_key, &order("CN=Plant", authority)).unwrap();
    let key = PrivateKey::generate().unwrap();
    let maker = order("CN=Maker", Profile::CodeSigning);
    let maker = issue(&root, &root_key, &key.public_key(), &maker).unwrap();
    fs::write(host.path("root.pem"), root.to_pem().unwrap()).unwrap();
    fs::write(host.path("maker.pem"), maker.to_pem().unwrap()).unwrap();
    fs::write(host.path("maker.key"), &*key.to_pkcs8_pem().unwrap()).unwrap();
}

fn sign(host: &Host, file: &str) {
    let file = host.path(file).display().to_string();
    let key = host.path("maker.key").display().to_string();
    let certificate = host.path("maker.pem").display().to_string();
    let signed = host.run(&[
        "sign",
        &file,
        "--key-file",
        &key,
        "--certificate",
        &certificate,
    ]);
    assert!(signed.status.success(), "{signed:?}");
}

pub(super) fn until(host: &Host, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = host.ask(arguments).unwrap_or_default();
        if wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "{answer:#}\n{}", host.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_greenhouse_runs_with_signed_plugins_where_signatures_are_required() {
    let mut host = Host::new(&format!("{}\n{REQUIRE}", greenhouse()), &PLUGINS);
    plant(&host);
    for (name, _) in PLUGINS {
        sign(&host, &format!("plugins/{name}.wasm"));
    }
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    let moisture = |answer: &Value| answer["value"].is_number();
    until(&host, &["get", "greenhouse/moisture"], moisture);
    let ps = host.ask(&["ps"]).unwrap();
    let plugins = ps["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), PLUGINS.len(), "{ps}");
    for plugin in plugins {
        assert_eq!(plugin["origin"]["signer"], "CN=Maker", "{plugin}");
    }
    assert!(host.stop());
}

/// A system with a device of the plugin `versions`, and a file of one of its versions in its place.
const VERSIONS: &str =
    "[plugin.versions]\n[device.meter]\nplugin = \"versions\"\n[device.meter.limits]\n";

fn put(host: &Host, name: &str) {
    let next = host.path("next.wasm");
    fs::copy(version(name), &next).unwrap();
    sign(host, "next.wasm");
    fs::rename(&next, host.path("plugins/versions.wasm")).unwrap();
}

/// A host that runs the first version, signed.
fn started(system: &str) -> Host {
    let mut host = Host::new(system, &[]);
    plant(&host);
    put(&host, "1");
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    host
}

/// Waits until another version than this runs and has proved itself.
fn until_confirmed_after(host: &Host, first: &Value) {
    until(host, &["ps"], |ps| {
        running(ps) != *first && history(ps).first().is_some_and(|last| last == "confirmed")
    });
}

fn running(ps: &Value) -> Value {
    ps["plugins"][0]["description"]["version"].clone()
}

/// What became of the plugin's versions, the last first.
fn history(ps: &Value) -> Vec<String> {
    let history = ps["plugins"][0]["history"].as_array().cloned();
    let changes = history.unwrap_or_default().into_iter().rev();
    let changes = changes.map(|record| record["change"].as_str().unwrap_or_default().to_owned());
    changes.collect()
}

#[test]
fn a_signed_version_that_fails_is_taken_back_and_the_one_before_is_let_in_again() {
    let mut host = started(&format!("{VERSIONS}probation = \"10 min\"\n{REQUIRE}"));
    let first = running(&host.ask(&["ps"]).unwrap());
    put(&host, "trapping");
    until(&host, &["ps"], |ps| running(ps) != first);
    // It traps on its 20th event.
    for _ in 0..20 {
        host.ask(&["set", "plugin/meter/in", "1"]).unwrap();
    }
    let is_back = |ps: &Value| {
        running(ps) == first && history(ps).first().is_some_and(|last| last == "returned")
    };
    until(&host, &["ps"], is_back);
    // Signed anew it is another file, and what failed all the same.
    let file = host.path("plugins/versions.wasm");
    let failed = fs::read(&file).unwrap();
    put(&host, "trapping");
    assert_ne!(fs::read(&file).unwrap(), failed);
    let swap = host.run(&["swap", "versions", &file.display().to_string()]);
    assert!(!swap.status.success());
    let said = String::from_utf8_lossy(&swap.stderr);
    assert!(said.contains("is in quarantine"), "{said}");
    assert!(host.stop());
    host.start();
    let ps = until(&host, &["ps"], |ps| running(ps) == first);
    assert_eq!(ps["plugins"][0]["origin"]["signer"], "CN=Maker", "{ps}");
    assert!(ps["failed"].to_string().contains("in quarantine"), "{ps}");
    // Until an operator lifts that, for whichever file it is.
    let lifted = host.run(&["swap", "versions", &file.display().to_string(), "--lift"]);
    assert!(lifted.status.success(), "{lifted:?}");
    until(&host, &["ps"], |ps| running(ps) != first);
    assert!(host.stop());
}

#[test]
fn a_version_that_was_signed_anew_and_taken_back_goes_on_after_a_restart() {
    let mut host = started(&format!("{VERSIONS}probation = \"10 min\"\n{REQUIRE}"));
    // The same code in another file.
    put(&host, "1");
    until(&host, &["ps"], |ps| {
        history(ps).first().is_some_and(|last| last == "swapped")
    });
    let back = host.run(&["rollback", "versions"]);
    assert!(back.status.success(), "{back:?}");
    assert!(host.stop());
    host.start();
    until(&host, &["ps"], |ps| running(ps).is_string());
    assert!(host.stop());
}

#[test]
fn an_operator_goes_back_to_a_signed_version_which_is_let_in_again_after_a_restart() {
    let system = format!("{VERSIONS}probation = \"100 ms\"\n{REQUIRE}");
    let mut host = started(&system);
    let first = running(&host.ask(&["ps"]).unwrap());
    put(&host, "2");
    until_confirmed_after(&host, &first);
    host.ask(&["rollback", "versions"]).unwrap();
    assert_eq!(running(&host.ask(&["ps"]).unwrap()), first);
    // Also where the policy changes, for which all that runs is looked at again.
    let other = format!("{system}older = [\"nothing\"]\n");
    fs::write(host.path("weihe.toml"), other).unwrap();
    let reloaded = host.ask(&["reload"]).unwrap_or_default();
    assert!(!reloaded.to_string().contains("has run here"), "{reloaded}");
    assert_eq!(running(&host.ask(&["ps"]).unwrap()), first);
    assert!(host.stop());
    host.start();
    let ps = until(&host, &["ps"], |ps| running(ps) == first);
    assert!(!ps["failed"].to_string().contains("has run here"), "{ps}");
    assert!(host.stop());
}

#[test]
fn a_version_whose_signer_was_revoked_since_is_not_gone_back_to() {
    let system = format!("{VERSIONS}probation = \"100 ms\"\n{REQUIRE}");
    let mut host = started(&system);
    let maker = fs::read_to_string(host.path("maker.pem")).unwrap();
    fs::write(host.path("revoked.pem"), maker).unwrap();
    let first = running(&host.ask(&["ps"]).unwrap());
    // Another plant and maker, who are trusted besides.
    let root = fs::read_to_string(host.path("root.pem")).unwrap();
    plant(&host);
    let other = fs::read_to_string(host.path("root.pem")).unwrap();
    fs::write(host.path("root.pem"), format!("{root}{other}")).unwrap();
    host.ask(&["reload"]).unwrap();
    put(&host, "2");
    until_confirmed_after(&host, &first);
    let revoked = format!("{system}revoked = [\"revoked.pem\"]\n");
    fs::write(host.path("weihe.toml"), revoked).unwrap();
    host.ask(&["reload"]).unwrap();
    assert_ne!(running(&host.ask(&["ps"]).unwrap()), first);
    host.ask(&["rollback", "versions"]).unwrap();
    let is_gone = |part: &Value| part.as_array().is_some_and(Vec::is_empty);
    until(&host, &["ps"], |ps| {
        ps["failed"].to_string().contains("quarantine")
            && is_gone(&ps["plugins"])
            && is_gone(&ps["devices"])
    });
    assert!(host.stop());
}

#[test]
fn an_older_version_is_refused_also_after_a_restart_unless_it_is_allowed() {
    let system = format!("{VERSIONS}probation = \"100 ms\"\n");
    let mut host = started(&format!("{system}{REQUIRE}"));
    let first = running(&host.ask(&["ps"]).unwrap());
    put(&host, "2");
    until_confirmed_after(&host, &first);
    put(&host, "1");
    let refused = |ps: &Value| ps["failed"].to_string().contains("has run here");
    let ps = until(&host, &["ps"], refused);
    assert_ne!(running(&ps), first, "what runs goes on");
    assert!(host.stop());
    fs::remove_dir_all(host.path("data/kept")).unwrap();
    host.start();
    let ps = until(&host, &["ps"], refused);
    assert!(ps["plugins"].as_array().unwrap().is_empty(), "{ps}");
    // The operator wants it.
    let allowed = format!("{system}{REQUIRE}older = [\"versions\"]\n");
    fs::write(host.path("weihe.toml"), allowed).unwrap();
    until(&host, &["ps"], |ps| running(ps) == first);
    assert!(host.stop());
}
