//! Who signs plugins: from nothing to a system that takes no others, with the commands that the documents show.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use weihe_sm::certificate::{Certificate, Profile, issue, self_signed};
use weihe_sm::request::Request;
use weihe_sm::sm2::PrivateKey;

use super::sign::order;
use super::{json, system, text, weihe};

const REQUIRE: &str = "[signatures]\npolicy = \"require\"\ntrust = [\"roots.pem\"]\n";

/// A system whose key store is opened quickly, with an unsigned component, and no authority yet.
fn plant() -> tempfile::TempDir {
    let directory = system("[keys]\nrounds = 1024\n[plugin.sdk]\n");
    let here = directory.path();
    fs::create_dir(here.join("plugins")).unwrap();
    fs::create_dir(here.join("authority")).unwrap();
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat/0.1.0/sdk.wasm");
    fs::copy(component, here.join("plugins/sdk.wasm")).unwrap();
    directory
}

fn command(here: &Path, arguments: &[&str]) -> Command {
    let mut command = weihe(here);
    command
        .env_remove("WEIHE_KEYSTORE")
        .env("WEIHE_KEY_PASSPHRASE", "correct horse")
        .args(arguments);
    command
}

fn run(here: &Path, arguments: &[&str]) -> Output {
    command(here, arguments).output().unwrap()
}

fn done(here: &Path, arguments: &[&str]) -> String {
    let output = run(here, arguments);
    let said = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {said}{}",
        text(&output.stderr)
    );
    said
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// Has the system take only what is signed below a root.
fn require(here: &Path, root: &str, more: &str) {
    fs::copy(here.join(root), here.join("roots.pem")).unwrap();
    let system = format!("{REQUIRE}{more}\n[keys]\nrounds = 1024\n[plugin.sdk]\n");
    // The component calls itself otherwise.
    let system = system.replace("[plugin.sdk]", "[plugin.sdk]\nsigned-as = \"kept-sdk\"");
    fs::write(here.join("weihe.toml"), system).unwrap();
}

/// A key in the store, and the request for its certificate.
fn request(here: &Path) -> PathBuf {
    done(here, &["key", "new", "release", "--use", "sign"]);
    let subject = "CN=Maker,O=Plant";
    let csr = [
        "key",
        "csr",
        "release",
        "--subject",
        subject,
        "-o",
        "release.csr",
    ];
    done(here, &csr);
    here.join("release.csr")
}

const ANSWER: [&str; 7] = [
    "tls",
    "signer",
    "release",
    "--request",
    "release.csr",
    "--output",
    "authority",
];

#[test]
fn a_system_takes_plugins_of_a_maker_whose_key_never_left_its_store() {
    let directory = plant();
    let here = directory.path();
    done(
        here,
        &["tls", "ca", "--name", "plant", "--output", "authority"],
    );
    request(here);
    let said = done(here, &ANSWER);
    assert!(said.contains("authority/release.pem"), "{said}");
    assert!(said.contains("CN=Maker,O=Plant"), "{said}");
    let certificate = here.join("authority/release.pem");
    let mode = fs::metadata(&certificate).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    assert!(!here.join("authority/release.key").exists());
    // Nothing that is there is replaced.
    let again = refused(&run(here, &ANSWER));
    assert!(again.contains("is there already"), "{again}");
    let said = done(
        here,
        &["key", "certificate", "release", "authority/release.pem"],
    );
    assert!(
        said.contains("the certificate of CN=Maker,O=Plant to key `release`"),
        "{said}"
    );
    require(here, "authority/ca.pem", "");
    let unsigned = run(here, &["check"]);
    assert_eq!(unsigned.status.code(), Some(1));
    let said = done(here, &["sign", "plugins/sdk.wasm", "--key", "release"]);
    assert!(said.contains("by CN=Maker,O=Plant"), "{said}");
    assert!(
        said.contains("takes it that trusts CN=plant"),
        "whom a host has to trust: {said}"
    );
    done(here, &["verify", "sdk"]);
    done(here, &["check"]);
    // What was asked for by someone else's hand, or is damaged, is not answered.
    let asked = fs::read_to_string(here.join("release.csr")).unwrap();
    let asked = Request::from_pem(&asked).unwrap();
    let mut der = asked.to_der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    fs::write(here.join("release.csr"), der).unwrap();
    fs::remove_file(&certificate).unwrap();
    let said = refused(&run(here, &ANSWER));
    assert!(said.contains("release.csr cannot be used"), "{said}");
    assert!(!certificate.exists());
}

#[test]
fn without_a_key_store_a_signer_has_its_key_in_a_file() {
    let directory = plant();
    let here = directory.path();
    done(here, &["tls", "ca", "--output", "authority"]);
    let made = ["tls", "signer", "release", "--output", "authority"];
    done(here, &made);
    let key = here.join("authority/release.key");
    let mode = fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let by = ["--key-file", "authority/release.key", "--certificate"];
    let sign = [&["sign", "plugins/sdk.wasm"], &by[..]].concat();
    done(here, &[&sign[..], &["authority/release.pem"]].concat());
    require(here, "authority/ca.pem", "");
    done(here, &["verify", "sdk"]);
    // One of an operator is for something else.
    done(here, &["tls", "client", "panel", "--output", "authority"]);
    let by = ["--key-file", "authority/panel.key", "--certificate"];
    let sign = [&["sign", "plugins/sdk.wasm"], &by[..]].concat();
    let said = refused(&run(here, &[&sign[..], &["authority/panel.pem"]].concat()));
    assert!(said.contains("signing programs"), "{said}");
    // Files that were named here are not blamed on [signatures].
    let gone = refused(&run(here, &[&sign[..], &["gone.pem"]].concat()));
    assert!(
        gone.contains("gone.pem") && !gone.contains("[signatures]"),
        "{gone}"
    );
    let gone = refused(&run(here, &["verify", "sdk", "--trust", "gone.pem"]));
    assert!(
        gone.contains("gone.pem") && !gone.contains("[signatures]"),
        "{gone}"
    );
}

#[test]
fn the_chain_that_an_authority_answers_with_comes_along() {
    let directory = plant();
    let here = directory.path();
    let authority = |path_length| Profile::Authority { path_length };
    let root_key = PrivateKey::generate().unwrap();
    let root = self_signed(&root_key, &order("CN=Root", authority(None))).unwrap();
    let between_key = PrivateKey::generate().unwrap();
    let between = order("CN=Between", authority(Some(0)));
    let between = issue(&root, &root_key, &between_key.public_key(), &between).unwrap();
    let asked = Request::from_pem(&fs::read_to_string(request(here)).unwrap()).unwrap();
    let maker = order("CN=Maker", Profile::CodeSigning);
    let maker = issue(&between, &between_key, &asked.public_key(), &maker).unwrap();
    let pem = |certificates: &[&Certificate]| -> String {
        certificates
            .iter()
            .map(|one| one.to_pem().unwrap())
            .collect()
    };
    fs::write(here.join("root.pem"), pem(&[&root])).unwrap();
    // Authorities answer in any order, some with their root.
    fs::write(here.join("answer.pem"), pem(&[&root, &maker, &between])).unwrap();
    let said = done(here, &["key", "certificate", "release", "answer.pem"]);
    assert!(
        said.contains("those of its issuers: CN=Between; CN=Root"),
        "{said}"
    );
    let shown = json(&run(here, &["key", "show", "release", "--json"]));
    assert_eq!(shown["certificate"]["issuers"][0], "CN=Between", "{shown}");
    require(here, "root.pem", "");
    let said = done(here, &["sign", "plugins/sdk.wasm", "--key", "release"]);
    assert!(said.contains("takes it that trusts CN=Root"), "{said}");
    done(here, &["verify", "sdk"]);
    // Without those between, it says whom a host would have to trust.
    fs::write(here.join("answer.pem"), pem(&[&maker])).unwrap();
    done(here, &["key", "certificate", "release", "answer.pem"]);
    let said = done(here, &["sign", "plugins/sdk.wasm", "--key", "release"]);
    assert!(said.contains("takes it that trusts CN=Between"), "{said}");
    assert_eq!(run(here, &["verify", "sdk"]).status.code(), Some(1));
    // Nobody's certificate but its own is attached.
    fs::write(here.join("answer.pem"), pem(&[&between, &root])).unwrap();
    let said = refused(&run(here, &["key", "certificate", "release", "answer.pem"]));
    assert!(said.contains("is for another key"), "{said}");
}

#[test]
fn a_fingerprint_counts_in_each_form_in_which_it_is_printed() {
    let directory = plant();
    let here = directory.path();
    done(here, &["tls", "ca", "--output", "authority"]);
    let made = ["tls", "signer", "release", "--output", "authority"];
    let said = done(here, &made);
    let (_, printed) = said.split_once("sha256:").unwrap();
    let sha256 = format!("sha256:{}", printed.split_whitespace().next().unwrap());
    let by = ["--key-file", "authority/release.key", "--certificate"];
    let sign = [&["sign", "plugins/sdk.wasm"], &by[..]].concat();
    done(here, &[&sign[..], &["authority/release.pem"]].concat());
    let said = done(here, &["verify", "sdk", "--trust", "authority/ca.pem"]);
    let (_, printed) = said.split_once("sm3:").unwrap();
    let sm3 = format!("sm3:{}", printed.split_whitespace().next().unwrap());
    for print in [&sha256, &sm3, &sm3["sm3:".len()..].to_uppercase()] {
        let signer =
            format!("[[signatures.signer]]\ncertificate = \"{print}\"\nnames = [\"kept-sdk\"]\n");
        require(here, "authority/ca.pem", &signer);
        done(here, &["verify", "sdk"]);
        // Also where someone else is asked to be trusted, who is revoked stays so.
        require(
            here,
            "authority/ca.pem",
            &format!("revoked = [\"{print}\"]"),
        );
        for arguments in [&[][..], &["--trust", "authority/ca.pem"]] {
            let verified = run(here, &[&["verify", "sdk"], arguments].concat());
            assert_eq!(verified.status.code(), Some(1), "{print}");
            let said = text(&verified.stdout);
            assert!(said.contains("is revoked"), "{print}: {said}");
        }
    }
    // One that cannot be one is no name of a file either.
    require(here, "authority/ca.pem", "revoked = [\"sha256:0a1b\"]");
    let said = text(&run(here, &["verify", "sdk"]).stderr);
    assert!(said.contains("fingerprint"), "{said}");
}
