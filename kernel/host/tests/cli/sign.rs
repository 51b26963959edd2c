//! `weihe sign` and `weihe verify`, and hosts that take only what is signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use weihe_sm::certificate::{Certificate, Order, Profile, issue, self_signed};
use weihe_sm::sm2::PrivateKey;

use super::{json, run, system, text, weihe};

/// How long anything is awaited: whole hosts are started, on machines that do other things besides.
const PATIENCE: Duration = Duration::from_secs(120);

/// A plugin that publishes by itself, version 0.1.0 of `sdk`.
fn component() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat/0.1.0/sdk.wasm")
}

const DEVICES: &str = r#"
[connection.line]
type = "tcp"
address = "127.0.0.1:9"

[plugin.sdk]
signed-as = "kept-sdk"

[device.kept]
plugin = "sdk"
connection = "line"
config = { input = "field/input", period = "100 ms" }

[device.kept.grants]
subscribe = ["field/input"]
call = ["kept"]
store.tables = ["kept"]
store.keys = true
"#;

/// The same for all: no certificate outlives the one that it is below.
fn today() -> SystemTime {
    static TODAY: OnceLock<SystemTime> = OnceLock::new();
    *TODAY.get_or_init(SystemTime::now)
}

/// A certificate from yesterday on.
pub fn order(subject: &str, profile: Profile) -> Order {
    let day = Duration::from_secs(24 * 3600);
    Order {
        subject: subject.to_owned(),
        profile,
        hosts: Vec::new(),
        not_before: today() - day,
        not_after: today() + day * 30,
    }
}

/// Writes `root.pem`, `maker.key` and `maker.pem`; gives the maker's certificate.
fn plant(here: &Path, profile: Profile) -> Certificate {
    let root_key = PrivateKey::generate().unwrap();
    let authority = Profile::Authority { path_length: None };
    let root = self_signed(&root_key, &order("CN=Plant", authority)).unwrap();
    let key = PrivateKey::generate().unwrap();
    let order = order("CN=Maker,O=Plant", profile);
    let maker = issue(&root, &root_key, &key.public_key(), &order).unwrap();
    fs::write(here.join("root.pem"), root.to_pem().unwrap()).unwrap();
    fs::write(here.join("maker.key"), &*key.to_pkcs8_pem().unwrap()).unwrap();
    fs::write(here.join("maker.pem"), maker.to_pem().unwrap()).unwrap();
    maker
}

/// A system under a policy, with an unsigned component in its folder.
fn dropped(policy: &str) -> (tempfile::TempDir, Certificate) {
    let directory = system(&format!("[signatures]\n{policy}\n{DEVICES}"));
    let here = directory.path();
    fs::create_dir(here.join("plugins")).unwrap();
    fs::copy(component(), here.join("plugins/sdk.wasm")).unwrap();
    let maker = plant(here, Profile::CodeSigning);
    (directory, maker)
}

const REQUIRE: &str = "policy = \"require\"\ntrust = [\"root.pem\"]";

fn sign(here: &Path, file: &str) -> Output {
    let by = ["--key-file", "maker.key", "--certificate", "maker.pem"];
    run(here, &[&["sign", file], &by[..]].concat())
}

fn signed(here: &Path, file: &str) {
    let output = sign(here, file);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// A host that ends with the test.
struct Running<'d>(Child, &'d Path);

impl<'d> Running<'d> {
    fn start(here: &'d Path) -> Self {
        let log = fs::File::create(here.join("log")).unwrap();
        let child = weihe(here)
            .args(["run", "--no-build", "."])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child, here)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.1.join("log")).unwrap()
    }

    /// What `weihe ps` answers, once it is as wanted.
    fn ps(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let output = run(self.1, &["ps", "--json"]);
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if output.status.success() && wanted(&answer) {
                return answer;
            }
            let ended = self.0.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "{ended:?} {answer:#}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn runs(ps: &Value) -> bool {
    ps["devices"][0]["state"] == "running"
}

fn failed(ps: &Value) -> String {
    ps["failed"].to_string()
}

#[test]
fn a_plugin_is_signed_shown_and_verified() {
    let (directory, maker) = dropped(REQUIRE);
    let here = directory.path();
    let file = "plugins/sdk.wasm";
    let verify = |arguments: &[&str]| run(here, &[&["verify", file], arguments].concat());
    let before = verify(&[]);
    assert_eq!(before.status.code(), Some(1));
    assert!(text(&before.stdout).contains("it is not signed"));
    signed(here, file);
    let after = verify(&[]);
    let said = text(&after.stdout);
    assert_eq!(after.status.code(), Some(0), "{said}");
    for part in ["0.1.0", "CN=Maker", "CN=Plant", &maker.serial(), "trusted"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let answer = json(&verify(&["--trust", "root.pem", "--json"]));
    assert_eq!(answer["trusted"], true, "{answer}");
    assert_eq!(answer["signature"]["version"], "0.1.0");
    // Under another name it is nothing that may run.
    fs::copy(here.join(file), here.join("plugins/valve.wasm")).unwrap();
    let place = run(here, &["verify", "valve"]);
    assert_eq!(place.status.code(), Some(1));
    let said = text(&place.stdout);
    assert!(said.contains("would run as `valve`"), "{said}");
    fs::remove_file(here.join("plugins/valve.wasm")).unwrap();
    // Nobody else's root vouches for it.
    fs::write(here.join("other.pem"), {
        let key = PrivateKey::generate().unwrap();
        let authority = Profile::Authority { path_length: None };
        let root = self_signed(&key, &order("CN=Elsewhere", authority)).unwrap();
        root.to_pem().unwrap()
    })
    .unwrap();
    assert_eq!(verify(&["--trust", "other.pem"]).status.code(), Some(1));
    assert!(text(&run(here, &["inspect", file]).stdout).contains("CN=Maker"));
    let chinese = weihe(here)
        .args(["verify", file])
        .env("WEIHE_LANG", "zh")
        .output()
        .unwrap();
    assert!(text(&chinese.stdout).contains("签名有效"));
    // Signing again replaces the signature.
    let size = fs::metadata(here.join(file)).unwrap().len();
    signed(here, file);
    assert_eq!(
        fs::metadata(here.join(file)).unwrap().len().abs_diff(size),
        0
    );
    assert_eq!(run(here, &["sign", file]).status.code(), Some(2));
    assert_eq!(
        run(here, &["verify", "nothing.wasm"]).status.code(),
        Some(1)
    );
}

#[test]
fn a_key_of_the_store_signs_with_the_certificate_that_is_attached_to_it() {
    let (directory, _) = dropped(REQUIRE);
    let here = directory.path();
    let done = |arguments: &[&str]| {
        let mut command = weihe(here);
        command
            .env_remove("WEIHE_KEYSTORE")
            .env("WEIHE_KEY_PASSPHRASE", "correct horse")
            .args(arguments);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    done(&["key", "import", "maker.key", "--name", "release"]);
    done(&["key", "certificate", "release", "maker.pem"]);
    let target = "signed.wasm";
    done(&[
        "sign",
        "plugins/sdk.wasm",
        "--key",
        "release",
        "--output",
        target,
    ]);
    assert_eq!(run(here, &["verify", target]).status.code(), Some(0));
    assert_eq!(
        run(here, &["verify", "sdk"]).status.code(),
        Some(1),
        "as it was"
    );
}

#[test]
fn a_certificate_for_something_else_signs_nothing() {
    let (directory, _) = dropped(REQUIRE);
    let here = directory.path();
    plant(here, Profile::Server);
    let output = sign(here, "plugins/sdk.wasm");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("signing programs"));
    assert_eq!(
        fs::read(here.join("plugins/sdk.wasm")).unwrap(),
        fs::read(component()).unwrap()
    );
}

#[test]
fn under_require_what_is_unsigned_or_changed_never_runs_and_what_is_signed_does() {
    let (directory, _) = dropped(REQUIRE);
    let here = directory.path();
    let check = run(here, &["check"]);
    assert_eq!(check.status.code(), Some(1), "{}", text(&check.stdout));
    let mut host = Running::start(here);
    let ps = host.ps(|ps| failed(ps).contains("it is not signed"));
    assert!(ps["devices"].as_array().unwrap().is_empty(), "{ps}");
    assert!(ps["plugins"].as_array().unwrap().is_empty(), "{ps}");
    // By hand, too.
    let component = component();
    let load = ["load", component.to_str().unwrap(), "--name", "other"];
    assert_eq!(run(here, &load).status.code(), Some(1));
    signed(here, "plugins/sdk.wasm");
    let ps = host.ps(runs);
    assert!(
        ps["plugins"][0]["origin"]["signer"]
            .to_string()
            .contains("Maker")
    );
    // A version that was changed does not take its place.
    let good = fs::read(here.join("plugins/sdk.wasm")).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(here.join("bad.wasm"), &bad).unwrap();
    let swap = run(here, &["swap", "sdk", "bad.wasm"]);
    assert_eq!(swap.status.code(), Some(1));
    assert!(text(&swap.stderr).contains("changed after it was signed"));
    fs::copy(here.join("bad.wasm"), here.join("plugins/sdk.wasm")).unwrap();
    let ps = host.ps(|ps| failed(ps).contains("changed after it was signed"));
    assert!(runs(&ps), "{ps}");
    drop(host);
    // Compiled before, it is refused all the same once nobody vouches for it; the copy that is kept of the good
    // version is what runs.
    let mut host = Running::start(here);
    let ps = host.ps(runs);
    assert!(failed(&ps).contains("changed after it was signed"), "{ps}");
    drop(host);
    let stripped = &good[..fs::metadata(&component).unwrap().len() as usize];
    assert_eq!(stripped, fs::read(&component).unwrap());
    fs::write(here.join("plugins/sdk.wasm"), stripped).unwrap();
    fs::remove_dir_all(here.join("data/kept")).unwrap();
    let mut host = Running::start(here);
    let ps = host.ps(|ps| failed(ps).contains("it is not signed"));
    assert!(ps["plugins"].as_array().unwrap().is_empty(), "{ps}");
}

#[test]
fn a_plan_names_who_would_be_refused_and_why_before_anything_is_changed() {
    let (directory, _) = dropped("policy = \"off\"");
    let here = directory.path();
    let mut host = Running::start(here);
    host.ps(runs);
    let next = format!("[signatures]\n{REQUIRE}\n{DEVICES}");
    fs::write(here.join("next.toml"), next).unwrap();
    let plan = |arguments: &[&str]| run(here, &[&["plan"], arguments].concat());
    let foreseen = plan(&["next.toml", "--json"]);
    assert_eq!(foreseen.status.code(), Some(1));
    let foreseen = json(&foreseen);
    let refused = &foreseen["failed"][0];
    assert_eq!(refused["part"], "plugin", "{foreseen}");
    assert_eq!(refused["name"], "sdk");
    assert!(refused["message"].to_string().contains("it is not signed"));
    let steps = foreseen["steps"].as_array().unwrap();
    let step = |act: &str, name: &str| {
        let mut steps = steps.iter();
        steps.any(|step| step["act"] == act && step["name"] == name)
    };
    assert!(step("stop", "kept") && step("unload", "sdk"), "{foreseen}");
    let said = text(&plan(&["next.toml"]).stdout);
    assert!(said.contains("plugin sdk fails"), "{said}");
    assert!(said.contains("it is not signed"), "{said}");
    // It runs, nothing is held against it, and what is unsigned is still let in.
    let ps = host.ps(|_| true);
    assert!(runs(&ps) && failed(&ps) == "[]", "{ps}");
    let component = component();
    let load = ["load", component.to_str().unwrap(), "--name", "other"];
    assert_eq!(run(here, &load).status.code(), Some(0));
    drop(host);
    // A candidate for the place of what runs.
    let quiet = format!("[host]\nwatch = \"off\"\n[signatures]\n{REQUIRE}\n{DEVICES}");
    fs::write(here.join("weihe.toml"), quiet).unwrap();
    signed(here, "plugins/sdk.wasm");
    let mut host = Running::start(here);
    host.ps(runs);
    fs::copy(component, here.join("plugins/sdk.wasm")).unwrap();
    let foreseen = json(&plan(&["--json"]));
    let message = foreseen["failed"][0]["message"].to_string();
    assert!(message.contains("it is not signed"), "{foreseen}");
    assert!(message.contains("version 0.1.0 goes on"), "{foreseen}");
    assert_eq!(foreseen["steps"].as_array().unwrap().len(), 0, "{foreseen}");
    let ps = host.ps(|_| true);
    assert!(runs(&ps) && failed(&ps) == "[]", "{ps}");
    assert!(ps["plugins"][0]["origin"]["signer"].is_string(), "{ps}");
}

#[test]
fn a_signed_plugin_gets_no_grants_that_are_another_ones() {
    let (directory, _) = dropped(REQUIRE);
    let here = directory.path();
    signed(here, "plugins/sdk.wasm");
    let other = DEVICES
        .replace("signed-as = \"kept-sdk\"", "")
        .replace("sdk", "valve");
    let text_of = |system: &str| format!("[signatures]\n{REQUIRE}\n{system}");
    fs::write(here.join("weihe.toml"), text_of(&other)).unwrap();
    fs::rename(
        here.join("plugins/sdk.wasm"),
        here.join("plugins/valve.wasm"),
    )
    .unwrap();
    let mut host = Running::start(here);
    let ps =
        host.ps(|ps| failed(ps).contains("was signed as `kept-sdk`, and would run as `valve`"));
    assert!(ps["devices"].as_array().unwrap().is_empty(), "{ps}");
    // By hand neither.
    let load = ["load", "plugins/valve.wasm", "--name", "other"];
    let refused = run(here, &load);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("would run as `other`"));
    // Who writes weihe.toml may want it so.
    let meant = other.replace("[plugin.valve]", "[plugin.valve]\nsigned-as = \"kept-sdk\"");
    fs::write(here.join("weihe.toml"), text_of(&meant)).unwrap();
    host.ps(runs);
}

#[test]
fn under_warn_it_runs_and_that_is_said() {
    let (directory, _) = dropped("policy = \"warn\"\ntrust = [\"root.pem\"]");
    let here = directory.path();
    let mut host = Running::start(here);
    let ps = host.ps(runs);
    assert_eq!(ps["plugins"][0]["origin"]["warning"], "it is not signed");
    let shown = text(&run(here, &["ps"]).stdout);
    assert!(
        shown.contains("`sdk` runs although it is not signed"),
        "{shown}"
    );
    assert!(host.log().contains("it is not signed"), "{}", host.log());
}

#[test]
fn a_signer_that_is_revoked_while_its_plugin_runs_runs_no_more() {
    let (directory, maker) = dropped(REQUIRE);
    let here = directory.path();
    signed(here, "plugins/sdk.wasm");
    let mut host = Running::start(here);
    host.ps(runs);
    let revoked = format!("{REQUIRE}\nrevoked = [\"{}\"]", maker.serial());
    let text_of = |policy: &str| format!("[signatures]\n{policy}\n{DEVICES}");
    fs::write(here.join("weihe.toml"), text_of(&revoked)).unwrap();
    // It is said first, and its devices are stopped in order then.
    let is_gone = |part: &Value| part.as_array().is_some_and(Vec::is_empty);
    host.ps(|ps| {
        failed(ps).contains("is revoked") && is_gone(&ps["plugins"]) && is_gone(&ps["devices"])
    });
    fs::write(here.join("weihe.toml"), text_of(REQUIRE)).unwrap();
    host.ps(runs);
    // One that cannot be read changes nothing.
    let gone = "policy = \"require\"\ntrust = [\"gone.pem\"]";
    fs::write(here.join("weihe.toml"), text_of(gone)).unwrap();
    let ps = host.ps(|ps| failed(ps).contains("gone.pem"));
    assert!(runs(&ps), "{ps}");
}

#[test]
fn to_develop_where_signatures_are_required_is_explained() {
    let text_of = DEVICES.replace("[plugin.sdk]", "[plugin.sdk]\nsource = \"sdk\"");
    let directory = system(&format!("[signatures]\n{REQUIRE}\n{text_of}"));
    let output = run(directory.path(), &["dev", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("policy = \"warn\""));
}
