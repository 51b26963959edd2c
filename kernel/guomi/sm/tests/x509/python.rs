//! Held against OpenSSL 4, which pyOpenSSL brings along.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use weihe_sm::{certificate::Certificate, keys::Prf, sm2::PrivateKey};

use crate::{
    common::{run, skip},
    plant::{Plant, noon},
};

/// What is installed. Pinned: our own work is held against it.
const PACKAGES: [&str; 2] = ["pyOpenSSL==26.4.0", "cryptography==50.0.0"];

/// A private virtual environment with pyOpenSSL, made once under the target directory.
fn python() -> Option<PathBuf> {
    make().map_err(|reason| skip(&reason)).ok()
}

fn make() -> Result<PathBuf, String> {
    // This is `target/debug/deps/x509-...`.
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = own.ancestors().nth(3).ok_or("no target directory")?;
    let folder = target.join("weihe-python-guomi");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (venv, done) = (folder.join("venv"), folder.join("done"));
    let program = venv.join("bin/python");
    let what = PACKAGES.join(" ");
    if fs::read_to_string(&done).is_ok_and(|done| done == what) {
        return Ok(program);
    }
    let step = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    step(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )?;
    let quiet = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    step(Command::new(&program).args(quiet).args(PACKAGES))?;
    fs::write(&done, what).map_err(|error| error.to_string())?;
    Ok(program)
}

fn script(python: &Path, program: &str, folder: &Path) -> String {
    run(python, &["-c", program], folder).unwrap().good()
}

#[test]
fn openssl_4_reads_our_keys_and_we_its() {
    let Some(python) = python() else { return };
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
    assert_eq!(script(&python, program, path), public.repeat(2));
    let theirs = fs::read_to_string(path.join("theirs.pem")).unwrap();
    let theirs = PrivateKey::from_pem(&theirs, Some(b"other")).unwrap();
    assert_eq!(theirs.to_bytes(), key.to_bytes());
}

#[test]
fn openssl_4_verifies_our_chains() {
    let Some(python) = python() else { return };
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
    let said = script(&python, &program, path);
    let expected = "server good\nchanged certificate signature failure\n";
    assert_eq!(said, expected);
}
