//! Certificates.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use weihe_sm::certificate::{Certificate, Host, Order, Profile, issue};
use weihe_sm::sm2::PrivateKey;
use weihe_tests::weihe;

/// An authority, a host `gateway` at 127.0.0.1 and localhost, and operators, made by `weihe tls` in a folder.
pub fn make(folder: &Path, clients: &[&str]) {
    tls(folder, &["ca", "--name", "plant"]);
    let hosts = ["--host", "127.0.0.1", "--host", "localhost"];
    tls(folder, &[&["server", "gateway"][..], &hosts].concat());
    self::clients(folder, clients);
}

/// More operators of the authority.
pub fn clients(folder: &Path, clients: &[&str]) {
    for client in clients {
        tls(folder, &["client", client]);
    }
}

fn tls(folder: &Path, arguments: &[&str]) {
    let mut command = weihe();
    command
        .arg("tls")
        .args(arguments)
        .arg("--output")
        .arg(folder);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// A certificate of the authority that [`make`] made, for both sides and as it is asked for: NAME.pem and NAME.key.
fn issued(folder: &Path, name: &str, host: &str, valid: [SystemTime; 2]) {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let authority = Certificate::from_pem(&read("ca.pem")).unwrap();
    let signer = PrivateKey::from_pem(&read("ca.key"), None).unwrap();
    let key = PrivateKey::generate().unwrap();
    let order = Order {
        subject: format!("CN={name}"),
        profile: Profile::Peer,
        hosts: vec![host.parse::<Host>().unwrap()],
        not_before: valid[0],
        not_after: valid[1],
    };
    let made = issue(&authority, &signer, &key.public_key(), &order).unwrap();
    fs::write(folder.join(format!("{name}.pem")), made.to_pem().unwrap()).unwrap();
    let file = folder.join(format!("{name}.key"));
    fs::write(&file, &*key.to_pkcs8_pem().unwrap()).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, private).unwrap();
}

const HOUR: Duration = Duration::from_secs(3600);

/// One that was valid until an hour ago: `late.pem` and `late.key`, for 127.0.0.1.
pub fn expired(folder: &Path) {
    let now = SystemTime::now();
    issued(folder, "late", "127.0.0.1", [now - HOUR * 2, now - HOUR]);
}

/// One that is valid from tomorrow on: `early.pem` and `early.key`, for 127.0.0.1.
pub fn not_yet_valid(folder: &Path) {
    let now = SystemTime::now();
    issued(
        folder,
        "early",
        "127.0.0.1",
        [now + HOUR * 24, now + HOUR * 48],
    );
}

/// One of another host, `other.plant`: `other.pem` and `other.key`.
pub fn of_another_host(folder: &Path) {
    let now = SystemTime::now();
    issued(folder, "other", "other.plant", [now - HOUR, now + HOUR]);
}

/// A file of the certificates that OpenSSL made for `rustls-guomi`: one that has expired, one of another authority.
pub fn made_by_openssl(name: &str) -> PathBuf {
    weihe_tests::workspace()
        .join("kernel/guomi/rustls/tests/pki")
        .join(name)
}
