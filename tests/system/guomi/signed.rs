//! The greenhouse of the example with signed plugins, on a host that takes no others.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use weihe_sm::certificate::{Order, Profile, issue, self_signed};
use weihe_sm::sm2::PrivateKey;
use weihe_tests::{DEADLINE, Host, version, workspace};

const PLUGINS: [(&str, &str); 4] = [
    ("greenhouse-slave", "greenhouse-slave"),
    ("modbus", "weihe-plugin-modbus"),
    ("rule-hysteresis", "weihe-plugin-rule-hysteresis"),
    ("historian", "weihe-plugin-historian"),
];

/// The system of the example, which makes do with the components that are there, behind a port of its own.
fn greenhouse() -> String {
    let file = workspace().join("examples/greenhouse/weihe.toml");
    let text = fs::read_to_string(file).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = text.lines().filter(|line| !line.starts_with("source = "));
    let text: Vec<&str> = lines.collect();
    text.join("\n").replace("15020", &port.to_string())
}

const REQUIRE: &str = "[signatures]\npolicy = \"require\"\ntrust = [\"root.pem\"]\n";

/// A root that the host trusts, and a maker who signs below it.
fn plant(host: &Host) {
    let hour = Duration::from_secs(3600);
    let order = |subject: &str, profile| Order {
        subject: subject.to_owned(),
        profile,
        hosts: Vec::new(),
        not_before: SystemTime::now() - hour,
        not_after: SystemTime::now() + hour * 24,
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

fn until(host: &Host, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
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

#[test]
fn an_older_version_is_refused_also_after_a_restart_unless_it_is_allowed() {
    let system = "[plugin.versions]\n[device.meter]\nplugin = \"versions\"\n\
                  [device.meter.limits]\nprobation = \"100 ms\"\n";
    let mut host = Host::new(&format!("{system}{REQUIRE}"), &[]);
    plant(&host);
    let put = |host: &Host, name: &str| {
        let next = host.path("next.wasm");
        fs::copy(version(name), &next).unwrap();
        sign(host, "next.wasm");
        fs::rename(&next, host.path("plugins/versions.wasm")).unwrap();
    };
    put(&host, "1");
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    let of = |ps: &Value| ps["plugins"][0]["description"]["version"].clone();
    let first = of(&host.ask(&["ps"]).unwrap());
    put(&host, "2");
    until(&host, &["ps"], |ps| {
        let history = ps["plugins"][0]["history"].as_array().cloned();
        let last = history.unwrap_or_default().pop().unwrap_or_default();
        of(ps) != first && last["change"] == "confirmed"
    });
    put(&host, "1");
    let refused = |ps: &Value| ps["failed"].to_string().contains("has run here");
    let ps = until(&host, &["ps"], refused);
    assert_ne!(of(&ps), first, "what runs goes on");
    assert!(host.stop());
    fs::remove_dir_all(host.path("data/kept")).unwrap();
    host.start();
    let ps = until(&host, &["ps"], refused);
    assert!(ps["plugins"].as_array().unwrap().is_empty(), "{ps}");
    // The operator wants it.
    let allowed = format!("{system}{REQUIRE}older = [\"versions\"]\n");
    fs::write(host.path("weihe.toml"), allowed).unwrap();
    until(&host, &["ps"], |ps| of(ps) == first);
    assert!(host.stop());
}
