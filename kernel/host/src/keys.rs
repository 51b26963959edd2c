//! The key store of a system: where it is, what opens it, and which device keeps keys besides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use weihe_guomi::keys::folder::{Folder, Passphrase};
use weihe_guomi::keys::{KeyError, KeyStore, Provider, hardware};
use weihe_kernel::audit::Audit;
use zeroize::Zeroizing;

use crate::config::KeysEntry;
use crate::private::{PrivateError, read_private};

/// The folder of the key store, before `[keys]` and the system's data.
pub const KEYSTORE: &str = "WEIHE_KEYSTORE";
/// The passphrase of the key store.
pub const PASSPHRASE: &str = "WEIHE_KEY_PASSPHRASE";
/// The PIN of a token, before `pin-file`.
pub const PIN: &str = "WEIHE_PKCS11_PIN";

/// The passphrase of a file with a key, which is imported or exported.
pub const FILE_PASSPHRASE: &str = "WEIHE_FILE_PASSPHRASE";
/// The passphrase that the key store is given.
pub const NEW_PASSPHRASE: &str = "WEIHE_KEY_NEW_PASSPHRASE";

/// Keeps from a program what opens keys: compilers run what the sources of plugins bring along.
pub fn without_secrets(command: &mut std::process::Command) -> &mut std::process::Command {
    for name in [PASSPHRASE, PIN, FILE_PASSPHRASE, NEW_PASSPHRASE] {
        command.env_remove(name);
    }
    command
}

/// The longest passphrase file: nobody types as much, and a device is not read for ever.
const LONGEST: u64 = 4096;

/// The folder of the key store.
pub fn folder(entry: &KeysEntry) -> PathBuf {
    match std::env::var_os(KEYSTORE).filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => entry.directory.clone(),
    }
}

/// The passphrase that the environment or a file gives; none where neither does.
pub fn passphrase(entry: &KeysEntry) -> Result<Option<Passphrase>, KeyError> {
    if let Ok(words) = std::env::var(PASSPHRASE) {
        return Passphrase::new(words).map(Some);
    }
    let Some(file) = &entry.passphrase_file else {
        return Ok(None);
    };
    line(file).and_then(|words| Passphrase::new(&**words).map(Some))
}

/// The first line of a file with a secret in it.
fn line(file: &Path) -> Result<Zeroizing<String>, KeyError> {
    let fault = |source| KeyError::File {
        what: "cannot read",
        path: file.to_owned(),
        source,
    };
    let bytes = read_private(file, LONGEST).map_err(|error| match error {
        PrivateError::Read { source, .. } => fault(source),
        PrivateError::Long { .. } => {
            fault(std::io::Error::other("it is too long for a passphrase"))
        }
        PrivateError::Open { path, mode } => KeyError::Permissions {
            path,
            mode,
            wanted: "600",
        },
    })?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| fault(std::io::ErrorKind::InvalidData.into()))?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

/// The keys of a system: those of the device that `[keys.pkcs11]` names, as far as it can keep them, and those in
/// files. Without the device there is a notice, and software does its work.
pub fn open(entry: &KeysEntry, folder: Arc<Folder>) -> KeyStore {
    let mut notices = Vec::new();
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if let Some(settings) = &entry.pkcs11 {
        let pin = match std::env::var(PIN) {
            Ok(pin) => Ok(Some(Zeroizing::new(pin))),
            Err(_) => settings.pin_file.as_deref().map(line).transpose(),
        };
        let token = hardware::Settings {
            module: settings.module.clone(),
            token: settings.token.clone(),
            slot: settings.slot,
        };
        match pin.and_then(|pin| hardware::open(&token, pin.as_deref().map(String::as_str))) {
            Ok((token, notes)) => {
                notices.extend(notes);
                providers.push(token);
            }
            Err(error) => notices.push(format!("{error}; keys are kept in files instead")),
        }
    }
    providers.push(folder);
    KeyStore::new(providers).noting(notices)
}

/// The keys of a host that runs unattended: nobody is asked for a passphrase.
pub fn unattended(entry: &KeysEntry) -> KeyStore {
    open(entry, unattended_folder(entry))
}

/// The keys of a running host, which puts into its trail what is done with them, here and by commands.
pub fn of_host(entry: &KeysEntry, audit: Arc<dyn Audit>) -> KeyStore {
    let folder = unattended_folder(entry);
    let keys = open(entry, folder.clone()).audited(audit).taking_up(folder);
    // What commands did while no host ran.
    keys.notice();
    keys
}

fn unattended_folder(entry: &KeysEntry) -> Arc<Folder> {
    let asked = entry.clone();
    let passphrases = move |folder: &Path| match passphrase(&asked) {
        Ok(Some(words)) => Ok(words),
        Ok(None) => Err(KeyError::NoPassphrase(folder.to_owned())),
        Err(error) => Err(error),
    };
    Arc::new(Folder::new(folder(entry), Arc::new(passphrases)))
}
