//! Certificates.

use std::path::{Path, PathBuf};

use weihe_tests::weihe;

/// An authority, a host `gateway` at 127.0.0.1 and localhost, and operators, made by `weihe tls` in a folder.
pub fn make(folder: &Path, clients: &[&str]) {
    tls(folder, &["ca", "--name", "plant"]);
    let hosts = ["--host", "127.0.0.1", "--host", "localhost"];
    tls(folder, &[&["server", "gateway"][..], &hosts].concat());
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

/// A file of the certificates that OpenSSL made for `rustls-guomi`: one that has expired, one of another authority.
pub fn made_by_openssl(name: &str) -> PathBuf {
    weihe_tests::workspace()
        .join("kernel/guomi/rustls/tests/pki")
        .join(name)
}
