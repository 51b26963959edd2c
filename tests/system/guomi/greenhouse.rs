//! The greenhouse as its README locks it: signed plugins, and a door for operators under TLS_SM4_GCM_SM3.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::{Value, json};
use weihe_tests::{Host, component, weihe, workspace};

use super::signed::{PLUGINS, until};
use super::{answer, error, free_port, openssl, pki, request};

const PASSPHRASE: &str = "between the tomatoes";

/// The system of the example, sources and all, behind a port of its own.
fn example() -> String {
    let folder = workspace().join("examples/greenhouse");
    let text = fs::read_to_string(folder.join("weihe.toml")).unwrap();
    let source = format!("source = \"{}/", folder.display());
    let port = free_port().to_string();
    text.replace("source = \"", &source).replace("15020", &port)
}

/// The part of the README that locks it.
fn readme() -> String {
    let file = workspace().join("examples/greenhouse/README.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once("\n## Signed plugins, and").unwrap();
    rest.split_once("\n## ").unwrap().0.to_owned()
}

/// The block of code of a kind, counted from 0.
fn block(kind: &str, number: usize) -> String {
    let readme = readme();
    let start = format!("```{kind}\n");
    let found = readme.split(&start).nth(number + 1).unwrap();
    found.split_once("```").unwrap().0.to_owned()
}

/// The greenhouse after all that the README says, on ports of its own; not started.
struct Locked {
    host: Host,
    port: u16,
}

impl Locked {
    fn new() -> Self {
        let mut locked = Self {
            host: Host::new(&example(), &PLUGINS),
            port: free_port(),
        };
        let made = locked.shell(&block("sh", 0));
        assert!(made.status.success(), "{made:?}");
        let file = locked.host.path("weihe.toml");
        let before = fs::read_to_string(&file).unwrap();
        let more = locked.here(&block("toml", 0));
        fs::write(file, format!("{before}\n{more}")).unwrap();
        locked.start();
        locked
    }

    fn start(&mut self) {
        // As a user starts it: what is there is not built anew.
        self.host.start_building();
    }

    fn here(&self, text: &str) -> String {
        text.replace("7443", &self.port.to_string())
    }

    /// What a user types in its folder.
    fn shell(&self, script: &str) -> Output {
        let tool = weihe();
        let shims = self.host.path("bin");
        fs::create_dir_all(&shims).unwrap();
        let shim = format!(
            "#!/bin/sh\nexec '{}' \"$@\"\n",
            tool.get_program().display()
        );
        fs::write(shims.join("weihe"), shim).unwrap();
        fs::set_permissions(shims.join("weihe"), PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", shims.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        for (name, value) in tool.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .current_dir(self.host.path(""))
            .env("PATH", path)
            .env("WEIHE_KEY_PASSPHRASE", PASSPHRASE)
            .args(["-e", "-c", script])
            .output()
            .unwrap()
    }

    /// A command of an operator elsewhere.
    fn elsewhere(&self, who: &str, more: &[&str]) -> Output {
        let mut command = weihe();
        command.current_dir(self.host.path(""));
        command.args(["--connect", &format!("localhost:{}", self.port)]);
        command.args(["--server-ca", "tls/ca.pem"]);
        command.args(["--client-certificate", &format!("tls/{who}.pem")]);
        command.args(["--client-key", &format!("tls/{who}.key")]);
        command.args(more).output().unwrap()
    }

    /// An order for OpenSSL as an operator, with one request.
    fn order(&self, who: &str, asked: &Value) -> Value {
        json!({
            "port": self.port,
            "name": "localhost",
            "trust": self.host.path("tls/ca.pem"),
            "certificate": self.host.path(&format!("tls/{who}.pem")),
            "key": self.host.path(&format!("tls/{who}.key")),
            "suites": "TLS_SM4_GCM_SM3",
            "say": request(asked),
            "lines": 1,
        })
    }

    /// Puts a file among the plugins as a careful user does, whole.
    fn drop_in(&self, name: &str, bytes: &[u8]) {
        let next = self.host.path("next");
        fs::write(&next, bytes).unwrap();
        fs::rename(next, self.host.path("plugins").join(name)).unwrap();
    }
}

fn state<'a>(ps: &'a Value, device: &str) -> &'a Value {
    let devices = ps["devices"].as_array().into_iter().flatten();
    let mut named = devices.filter(|entry| entry["name"] == device);
    named.next().map_or(&Value::Null, |entry| &entry["state"])
}

/// The digest of the component that runs under a name.
fn ran<'a>(ps: &'a Value, plugin: &str) -> &'a Value {
    let plugins = ps["plugins"].as_array().into_iter().flatten();
    let mut named = plugins.filter(|entry| entry["name"] == plugin);
    named.next().map_or(&Value::Null, |entry| &entry["sha256"])
}

const CALL: &str = r#"{"id":1,"method":"call","params":{"device":"soil","command":"write","arguments":{"point":"fan","value":true}}}"#;

#[test]
fn the_readme_locks_the_greenhouse_and_openssl_looks_at_it() {
    let mut locked = Locked::new();
    let host = &locked.host;
    assert!(host.failed().is_empty(), "{}", host.log());
    until(host, &["get", "greenhouse/moisture"], |moisture| {
        moisture["value"].is_number()
    });
    let ps = host.ask(&["ps"]).unwrap();
    let plugins = ps["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), PLUGINS.len(), "{ps}");
    for plugin in plugins {
        assert_eq!(plugin["origin"]["signer"], "CN=maker", "{plugin}");
    }

    // The commands of the README, to the letter.
    let done = locked.shell(&locked.here(&block("sh", 1)));
    assert!(done.status.success(), "{done:?}");
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(shown.contains("greenhouse-slave"), "{shown}");
    until(host, &["get", "greenhouse/fan"], |fan| fan["value"] == true);

    // A role that looks does not call, neither through `weihe` nor through another program.
    let call = ["call", "soil", "write", "point=fan", "value=false"];
    let refused = error(&locked.elsewhere("panel", &call));
    assert!(
        refused.contains("`call` needs the role operate"),
        "{refused}"
    );
    let call: Value = serde_json::from_str(CALL).unwrap();
    if let Some(report) = openssl(locked.order("panel", &call)) {
        assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
        let told = answer(&report);
        assert_eq!(told["error"]["code"], "forbidden", "{told}");
        let report = openssl(locked.order("chief", &call)).unwrap();
        assert!(answer(&report)["ok"].is_object(), "{report}");
        let look = json!({ "id": 1, "method": "ps" });
        let report = openssl(locked.order("panel", &look)).unwrap();
        let ps = &answer(&report)["ok"];
        assert_eq!(state(ps, "soil"), "running");

        // One that speaks the world's algorithms is not let in, and neither is one that mixes.
        let mut standard = locked.order("panel", &look);
        standard["suites"] = json!("standard");
        standard.as_object_mut().unwrap().remove("certificate");
        let mut mixed = locked.order("panel", &look);
        mixed["groups"] = json!("X25519");
        for order in [standard, mixed] {
            let report = openssl(order).unwrap();
            let error = report["error"].as_str().unwrap();
            assert!(error.contains("handshake failure"), "{report}");
        }
    }
    let standard = |name: &str| pki::made_by_openssl(name).display().to_string();
    let mut command = weihe();
    command.args(["--connect", &format!("localhost:{}", locked.port)]);
    command.args(["--suites", "standard"]);
    command.args(["--server-ca", &standard("p256-root.pem")]);
    command.args(["--client-certificate", &standard("p256.pem")]);
    // Its key lies in the repository, where everybody can read it.
    let key = host.path("p256.key");
    fs::copy(standard("p256.key.pem"), &key).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    command.arg("--client-key").arg(&key).arg("ps");
    let refused = error(&command.output().unwrap());
    assert!(refused.contains("no common cipher suite"), "{refused}");
    assert!(locked.host.stop());
}

#[test]
fn what_is_not_as_it_was_signed_never_runs_in_the_greenhouse() {
    let mut locked = Locked::new();
    let host = &locked.host;
    assert!(host.failed().is_empty(), "{}", host.log());
    let before = until(host, &["ps"], |ps| state(ps, "history") == "running");

    let file = host.path("plugins/historian.wasm");
    let signed = fs::read(&file).unwrap();
    let mut tampered = signed.clone();
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    locked.drop_in("historian.wasm", &tampered);
    // What its maker never saw, and what somebody else signed would be the same to it.
    let unsigned = fs::read(component("weihe-guest-raw")).unwrap();
    locked.drop_in("raw.wasm", &unsigned);
    let ps = until(host, &["ps"], |ps| {
        let failed = ps["failed"].to_string();
        failed.contains("historian.wasm") && failed.contains("raw")
    });
    // What ran goes on, as it was.
    assert_eq!(state(&ps, "history"), "running");
    assert_eq!(ran(&ps, "historian"), ran(&before, "historian"));
    assert!(ran(&ps, "raw").is_null() && state(&ps, "raw").is_null());

    // Started with it, the host runs what it has kept of before.
    assert!(locked.host.stop());
    locked.start();
    let host = &locked.host;
    let ps = until(host, &["ps"], |ps| {
        state(ps, "history") == "running" && state(ps, "soil") == "running"
    });
    let failed = ps["failed"].to_string();
    assert!(failed.contains("historian.wasm"), "{failed}");
    assert_eq!(ran(&ps, "historian"), ran(&before, "historian"));

    // Where nothing is kept, it does without.
    assert!(locked.host.stop());
    fs::remove_dir_all(locked.host.path("data/kept")).unwrap();
    locked.start();
    let host = &locked.host;
    let ps = until(host, &["ps"], |ps| {
        state(ps, "soil") == "running" && ps["failed"].to_string().contains("historian.wasm")
    });
    assert_ne!(state(&ps, "history"), "running");
    assert!(ran(&ps, "historian").is_null());

    // And takes it back as it was signed.
    locked.drop_in("historian.wasm", &signed);
    until(host, &["ps"], |ps| state(ps, "history") == "running");
    assert!(locked.host.stop());
}
