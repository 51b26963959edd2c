//! Held against OpenSSL 4, which pyOpenSSL brings along.

use std::{fs, path::Path, process::Command, time::SystemTime};

use weihe_sm::{certificate::Certificate, keys::Prf, sm2::PrivateKey};

use crate::plant::{Plant, noon};

#[allow(clippy::panic)]
#[path = "../../../rustls/tests/tls/python.rs"]
mod environment;

use environment::find as python;

fn script(python: &mut Command, program: &str, folder: &Path) -> String {
    let output = python.args(["-c", program]).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssl_4_reads_our_keys_and_we_its() {
    let Some(mut python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (PrivateKey::generate().unwrap(), folder.path());
    let encrypted = key.to_encrypted_pem(Prf::Sm3, b"secret").unwrap();
    fs::write(path.join("sm3.pem"), encrypted).unwrap();
    fs::write(path.join("sec1.pem"), &*key.to_sec1_pem().unwrap()).unwrap();
    let program = "
from OpenSSL import crypto
pem = crypto.FILETYPE_PEM
for name in ['sm3', 'sec1']:
    key = crypto.load_privatekey(pem, open(name + '.pem', 'rb').read(), passphrase=b'secret')
    print(crypto.dump_publickey(pem, key).decode(), end='')
open('theirs.pem', 'wb').write(crypto.dump_privatekey(pem, key, cipher='sm4-cbc', passphrase=b'other'))
";
    let public = key.public_key().to_pem().unwrap();
    assert_eq!(script(&mut python, program, path), public.repeat(2));
    let theirs = fs::read_to_string(path.join("theirs.pem")).unwrap();
    let theirs = PrivateKey::from_pem(&theirs, Some(b"other")).unwrap();
    assert_eq!(theirs.to_bytes(), key.to_bytes());
}

#[test]
fn openssl_4_verifies_our_chains() {
    let Some(mut python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (plant, path) = (Plant::new(), folder.path());
    let write = |name: &str, certificate: &Certificate| {
        fs::write(path.join(name), certificate.to_pem().unwrap()).unwrap();
    };
    write("root.pem", &plant.root.certificate);
    write("line.pem", &plant.line.certificate);
    write("server.pem", &plant.server.certificate);
    // A changed bit of the signature, past the header of DER: another s.
    let mut changed = plant.server.certificate.to_der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    write("changed.pem", &Certificate::from_der(&changed).unwrap());
    let since = noon().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let program = format!(
        "
import datetime
from OpenSSL import crypto
def load(name):
    return crypto.load_certificate(crypto.FILETYPE_PEM, open(name + '.pem', 'rb').read())
store = crypto.X509Store()
store.add_cert(load('root'))
store.set_flags(crypto.X509StoreFlags.CHECK_SS_SIGNATURE | crypto.X509StoreFlags.X509_STRICT)
store.set_time(datetime.datetime.fromtimestamp({}, datetime.timezone.utc))
for name in ['server', 'changed']:
    try:
        crypto.X509StoreContext(store, load(name), chain=[load('line')]).verify_certificate()
        print(name, 'good')
    except crypto.X509StoreContextError as error:
        print(name, error)
",
        since.as_secs()
    );
    let said = script(&mut python, &program, path);
    let expected = "server good\nchanged certificate signature failure\n";
    assert_eq!(said, expected);
}
