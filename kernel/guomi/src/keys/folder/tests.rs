#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::keys::{Algorithm, KeyStore, NewKey, Provider, Secret, Use};

const FEW: NonZeroU32 = NonZeroU32::new(FEWEST_ROUNDS).unwrap();

fn words(words: &str) -> Passphrase {
    Passphrase::new(words).unwrap()
}

/// The keys in a folder, opened with a passphrase.
fn folder(dir: &TempDir, passphrase: &'static str) -> Folder {
    Folder::new(
        dir.path().join("keys"),
        Arc::new(move |_: &Path| Passphrase::new(passphrase)),
    )
}

fn made() -> (TempDir, Folder) {
    let dir = TempDir::new().unwrap();
    let keys = folder(&dir, "correct horse");
    keys.create(&Protection::Passphrase(words("correct horse"), FEW))
        .unwrap();
    (dir, keys)
}

fn new(name: &str, algorithm: Algorithm) -> NewKey {
    NewKey::new(name, algorithm)
}

#[test]
fn a_key_is_there_after_the_folder_is_opened_again() {
    let (dir, keys) = made();
    for algorithm in Algorithm::ALL {
        keys.generate(&new(algorithm.name(), algorithm)).unwrap();
    }
    let made = keys.list().unwrap().keys;
    let again = folder(&dir, "correct horse");
    assert_eq!(again.list().unwrap().keys, made);
    let key = again.open("sm2", None).unwrap();
    let signature = key.sign_digest(&[7; 32]).unwrap();
    made.iter()
        .find_map(|about| about.public_key)
        .unwrap()
        .verify_digest(&[7; 32], &signature)
        .unwrap();
}

#[test]
fn a_wrong_passphrase_is_one_clear_error_and_opens_nothing() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let wrong = folder(&dir, "wrong horse");
    for error in [
        wrong.open("valve", None).unwrap_err(),
        wrong.list().unwrap_err(),
        wrong.generate(&new("pump", Algorithm::Sm4)).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            text.starts_with("the passphrase does not open the key store in "),
            "{text}"
        );
        assert!(!text.contains("horse"));
    }
}

#[test]
fn another_passphrase_opens_the_same_keys() {
    let (dir, keys) = made();
    let about = keys.generate(&new("valve", Algorithm::Sm2)).unwrap();
    keys.protect(&Protection::Passphrase(words("battery staple"), FEW))
        .unwrap();
    let error = folder(&dir, "correct horse")
        .open("valve", None)
        .unwrap_err();
    assert!(matches!(error, KeyError::WrongPassphrase(_)));
    let key = folder(&dir, "battery staple").open("valve", None).unwrap();
    assert_eq!(*key.about(), about);
}

/// All files of a folder.
fn copy(from: &Path, to: &Path) {
    disk::make_folder(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn what_was_copied_before_another_passphrase_opens_nothing_afterwards() {
    let (dir, keys) = made();
    let path = dir.path().join("keys");
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    keys.generate(&new("pump", Algorithm::Sm4)).unwrap();
    let before = dir.path().join("before");
    copy(&path, &before);
    keys.destroy("valve", None).unwrap();
    keys.protect(&Protection::Passphrase(words("battery staple"), FEW))
        .unwrap();
    let keys = folder(&dir, "battery staple");
    keys.generate(&new("gate", Algorithm::Sm4)).unwrap();
    // The file of the key that was destroyed is put back, by somebody who has the new passphrase.
    fs::copy(before.join("valve.1.key"), path.join("valve.1.key")).unwrap();
    let error = keys.open("valve", None).unwrap_err().to_string();
    assert!(
        error.ends_with("it was altered, or belongs to another key store"),
        "{error}"
    );
    // Nor is the passphrase changed again before that file is gone.
    let again = Protection::Passphrase(words("third"), FEW);
    let error = keys.protect(&again).unwrap_err().to_string();
    assert!(error.contains("valve.1.key"), "{error}");
    folder(&dir, "battery staple").open("pump", None).unwrap();
    fs::remove_file(path.join("valve.1.key")).unwrap();
    // The store of before is put back, by somebody who has the old passphrase.
    fs::copy(before.join("store"), path.join("store")).unwrap();
    let old = folder(&dir, "correct horse");
    for key in ["gate", "pump"] {
        let error = old.open(key, None).unwrap_err();
        assert!(matches!(error, KeyError::Damaged { .. }), "{error}");
    }
}

#[test]
fn either_passphrase_opens_all_keys_wherever_the_power_failed_between_them() {
    let (dir, keys) = made();
    let path = dir.path().join("keys");
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    keys.generate(&new("pump", Algorithm::Sm4)).unwrap();
    let next = Protection::Passphrase(words("battery staple"), FEW);
    let key = StoreKey {
        now: sm4::Key::generate().unwrap(),
        before: Some(keys.unlock().unwrap().now),
    };
    // The steps of `protect`, and what is there after each of them.
    let lock = disk::lock(&path).unwrap();
    unlock::write(&lock, &path, &next, &key).unwrap();
    let begun = dir.path().join("begun");
    copy(&path, &begun);
    shelf::reseal(&keys, &lock, &key).unwrap();
    let resealed = dir.path().join("resealed");
    copy(&path, &resealed);
    drop(lock);
    let half = dir.path().join("half");
    copy(&begun, &half);
    fs::copy(resealed.join("pump.1.key"), half.join("pump.1.key")).unwrap();

    for state in [begun, half, resealed] {
        let with = |passphrase: &'static str| {
            Folder::new(
                &state,
                Arc::new(move |_: &Path| Passphrase::new(passphrase)),
            )
        };
        assert!(
            fs::read_to_string(state.join("store"))
                .unwrap()
                .contains("before")
        );
        let keys = with("battery staple");
        keys.open("valve", None).unwrap();
        keys.open("pump", None).unwrap();
        // And what was left to do is done.
        assert!(
            !fs::read_to_string(state.join("store"))
                .unwrap()
                .contains("before")
        );
        assert_eq!(with("battery staple").list().unwrap().keys.len(), 2);
        let error = with("correct horse").list().unwrap_err();
        assert!(matches!(error, KeyError::WrongPassphrase(_)));
    }
}

/// Begins to change the passphrase to itself, and is cut off before the first key is sealed anew.
fn begin_to_protect(keys: &Folder) {
    let lock = disk::lock(keys.path()).unwrap();
    let key = StoreKey {
        now: sm4::Key::generate().unwrap(),
        before: Some(keys.unlock().unwrap().now),
    };
    let same = Protection::Passphrase(words("correct horse"), FEW);
    unlock::write(&lock, keys.path(), &same, &key).unwrap();
}

#[test]
fn who_types_the_passphrase_while_another_goes_on_to_a_further_key_takes_no_key_away() {
    let (dir, keys) = made();
    let path = dir.path().join("keys");
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    begin_to_protect(&keys);
    let asked = Mutex::new(0);
    let slow = Folder::new(
        &path,
        Arc::new(move |path: &Path| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            if *asked == 1 {
                // Before it is typed in, another process settles that, and its own change is cut off in turn.
                let right = |_: &Path| Passphrase::new("correct horse");
                let other = Folder::new(path, Arc::new(right));
                other.unlock()?;
                begin_to_protect(&other);
            }
            Passphrase::new("correct horse")
        }),
    );
    // What it has read is no more the key of the store, and what it makes next is not sealed under that.
    let _ = slow.open("valve", None);
    slow.generate(&new("pump", Algorithm::Sm4)).unwrap();
    let afterwards = folder(&dir, "correct horse");
    afterwards.open("valve", None).unwrap();
    afterwards.open("pump", None).unwrap();
}

#[test]
fn a_key_that_is_made_while_the_passphrase_is_changed_is_sealed_with_the_others() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    // It has asked for the passphrase, and waits for the other to be done.
    let store = keys.unlock().unwrap();
    folder(&dir, "correct horse")
        .protect(&Protection::Passphrase(words("correct horse"), FEW))
        .unwrap();
    assert_ne!(keys.unlock().unwrap().now.as_bytes(), store.now.as_bytes());
    keys.rotate("valve").unwrap();
    assert_eq!(folder(&dir, "correct horse").list().unwrap().keys.len(), 2);
}

#[test]
fn a_key_opens_also_while_another_puts_the_store_under_another_key() {
    let (dir, keys) = made();
    let path = dir.path().join("keys");
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let slow = || {
        let asked = Mutex::new(0);
        let typed = move |path: &Path| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            if *asked == 1 {
                // After the file of the store was read, and before that of the key is.
                let right = |_: &Path| Passphrase::new("correct horse");
                Folder::new(path, Arc::new(right))
                    .protect(&Protection::Passphrase(words("correct horse"), FEW))?;
            }
            Passphrase::new("correct horse")
        };
        Folder::new(&path, Arc::new(typed))
    };
    slow().open("valve", None).unwrap();
    let listing = slow().list().unwrap();
    assert_eq!((listing.keys.len(), listing.damaged.len()), (1, 0));
}

#[test]
fn a_wrong_passphrase_is_tried_once_and_the_right_one_opens_afterwards() {
    let (dir, _) = made();
    let said = Arc::new(Mutex::new("wrong"));
    let asked = said.clone();
    let keys = Folder::new(
        dir.path().join("keys"),
        Arc::new(move |_: &Path| Passphrase::new(*asked.lock().unwrap())),
    );
    let bytes = unlock::read(keys.path()).unwrap();
    let known = |passphrase| {
        let digest = keys.refused.digest(&bytes, &words(passphrase));
        keys.refused.knows(digest)
    };
    assert!(!known("wrong"));
    for _ in 0..2 {
        let error = keys.unlock().err().unwrap();
        assert!(matches!(error, KeyError::WrongPassphrase(_)));
        assert!(known("wrong") && !known("correct horse"));
    }
    *said.lock().unwrap() = "correct horse";
    keys.unlock().ok().unwrap();
}

#[test]
fn the_key_of_the_machine_goes_when_a_passphrase_comes() {
    if !Path::new("/etc/machine-id").exists() {
        eprintln!("left out: this machine has no /etc/machine-id");
        return;
    }
    let dir = TempDir::new().unwrap();
    let keys = folder(&dir, "correct horse");
    keys.create(&Protection::Machine).unwrap();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let machine_key = dir.path().join("keys/machine.key");
    assert!(machine_key.exists());
    keys.protect(&Protection::Passphrase(words("correct horse"), FEW))
        .unwrap();
    assert!(!machine_key.exists());
    let keys = folder(&dir, "correct horse");
    keys.open("valve", None).unwrap();
    keys.protect(&Protection::Machine).unwrap();
    folder(&dir, "none").open("valve", None).unwrap();
}

#[test]
fn the_files_are_their_owners_alone_or_are_not_opened() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let path = dir.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let file = path.join("valve.1.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = keys.open("valve", None).unwrap_err().to_string();
    assert!(
        error.contains("valve.1.key (mode 0640): `chmod 0600` it"),
        "{error}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let error = keys.open("valve", None).unwrap_err().to_string();
    assert!(error.contains("(mode 0755): `chmod 0700` it"), "{error}");
}

#[test]
fn a_damaged_file_is_named_and_leaves_the_others_usable() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    keys.generate(&new("pump", Algorithm::Sm4)).unwrap();
    let file = dir.path().join("keys/valve.1.key");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let error = keys.open("valve", None).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "valve.1.key cannot be used: it was altered, or belongs to another key store"
        ),
        "{error}"
    );
    keys.open("pump", None).unwrap();
    let listing = keys.list().unwrap();
    assert_eq!(listing.keys.len(), 1);
    assert_eq!(listing.damaged.len(), 1);
}

#[test]
fn a_file_under_another_name_is_not_taken_for_that_key() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let path = dir.path().join("keys");
    fs::copy(path.join("valve.1.key"), path.join("pump.1.key")).unwrap();
    fs::copy(path.join("valve.1.key"), path.join("valve.2.key")).unwrap();
    for name in ["pump", "valve"] {
        let error = keys.open(name, None).unwrap_err().to_string();
        assert!(
            error.contains("it is the file of version 1 of key `valve` under another name"),
            "{error}"
        );
    }
    keys.open("valve", Some(1)).unwrap();
}

#[test]
fn old_versions_verify_and_decrypt_until_they_are_destroyed() {
    let (_dir, keys) = made();
    let keys = KeyStore::new(vec![Arc::new(keys)]);
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let (mut data, nonce) = (*b"open the valve", [1; 12]);
    let seal = |version| {
        keys.open("valve", version)
            .unwrap()
            .aead(crate::keys::AeadMode::Gcm)
            .unwrap()
    };
    let tag = seal(None).seal(&nonce, b"", &mut data).unwrap();
    assert_eq!(keys.rotate("valve").unwrap().version, 2);
    let refused = seal(Some(1)).seal(&[2; 12], b"", &mut [0; 4]).unwrap_err();
    assert!(matches!(
        refused,
        KeyError::Replaced {
            version: 1,
            wanted: Use::Encrypt,
            ..
        }
    ));
    seal(Some(1)).open(&nonce, b"", &mut data, &tag).unwrap();
    assert_eq!(&data, b"open the valve");
    let error = keys.destroy("valve", Some(2)).unwrap_err();
    assert!(matches!(error, KeyError::InUse { version: 2, .. }));
    assert_eq!(keys.destroy("valve", Some(1)).unwrap(), [1]);
    let error = keys.open("valve", Some(1)).unwrap_err().to_string();
    assert_eq!(error, "key `valve` has no version 1");
    assert_eq!(keys.rotate("valve").unwrap().version, 3);
    assert_eq!(keys.destroy("valve", None).unwrap(), [2, 3]);
    let error = keys.open("valve", None).unwrap_err().to_string();
    assert_eq!(error, "there is no key `valve`; there are no keys yet");
}

#[test]
fn a_key_comes_out_only_where_it_was_made_exportable() {
    let (_dir, keys) = made();
    let keys = KeyStore::new(vec![Arc::new(keys)]);
    keys.generate(&new("stays", Algorithm::HmacSm3)).unwrap();
    let error = keys.open("stays", None).unwrap().export().unwrap_err();
    assert!(matches!(error, KeyError::NotExportable { .. }));
    let leaves = NewKey {
        exportable: true,
        ..new("leaves", Algorithm::HmacSm3)
    };
    let secret = Secret::from_bytes(Algorithm::HmacSm3, b"a key of twenty byte").unwrap();
    keys.import(&leaves, &secret).unwrap();
    let exported = keys.open("leaves", None).unwrap().export().unwrap();
    assert_eq!(&**exported.to_bytes(), b"a key of twenty byte");
}

#[test]
fn a_key_does_what_it_is_for_and_nothing_else() {
    let (_dir, keys) = made();
    let keys = KeyStore::new(vec![Arc::new(keys)]);
    let verifier = NewKey {
        uses: [Use::Verify].into(),
        ..new("checks", Algorithm::HmacSm3)
    };
    keys.generate(&verifier).unwrap();
    let key = keys.open("checks", None).unwrap();
    let error = key.mac().unwrap().finish().unwrap_err().to_string();
    assert_eq!(
        error,
        "key `checks` (hmac-sm3) may not be used to mac, only to: verify"
    );
    let error = key.sign_digest(&[0; 32]).unwrap_err().to_string();
    assert_eq!(
        error,
        "key `checks` (hmac-sm3) may not be used to sign, only to: verify"
    );
    let error = keys.generate(&NewKey {
        uses: [Use::Sign].into(),
        ..new("odd", Algorithm::Sm4)
    });
    assert!(matches!(
        error,
        Err(KeyError::UselessUse {
            wanted: Use::Sign,
            ..
        })
    ));
}

#[test]
fn writers_that_come_at_once_follow_each_other() {
    let (dir, _) = made();
    let made = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let keys = folder(&dir, "correct horse");
                let one = keys.generate(&new("valve", Algorithm::Sm4));
                let many = keys.rotate("valve").unwrap().version;
                made.lock().unwrap().push((one.is_ok(), many));
            });
        }
    });
    let mut made = made.into_inner().unwrap();
    assert_eq!(made.iter().filter(|(first, _)| *first).count(), 1);
    made.sort_by_key(|(_, version)| *version);
    let versions: Vec<_> = made.into_iter().map(|(_, version)| version).collect();
    assert_eq!(versions, [2, 3, 4, 5]);
}

#[test]
fn what_a_killed_writer_left_is_no_key_and_is_swept_away() {
    let (dir, keys) = made();
    let left = dir.path().join("keys/.valve.1.key.new");
    fs::write(&left, b"half").unwrap();
    assert!(keys.list().unwrap().keys.is_empty());
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    assert!(!left.exists());
    keys.open("valve", None).unwrap();
}

#[test]
fn a_store_that_names_too_many_rounds_is_not_gone_through() {
    let (dir, keys) = made();
    keys.generate(&new("valve", Algorithm::Sm4)).unwrap();
    let path = dir.path().join("keys/store");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("\"rounds\": 1024", "\"rounds\": 4000000000"),
    )
    .unwrap();
    let error = folder(&dir, "correct horse")
        .open("valve", None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("4000000000 rounds of PBKDF2"), "{error}");
    fs::write(&path, text.replace("\"rounds\": 1024", "\"rounds\": 1025")).unwrap();
    let error = folder(&dir, "correct horse")
        .open("valve", None)
        .unwrap_err();
    assert!(matches!(error, KeyError::WrongPassphrase(_)));
}

#[test]
fn a_store_of_the_machine_opens_without_a_passphrase_but_not_without_its_key_file() {
    if !Path::new("/etc/machine-id").exists() {
        eprintln!("left out: this machine has no /etc/machine-id");
        return;
    }
    let dir = TempDir::new().unwrap();
    let none = || {
        Folder::new(
            dir.path().join("keys"),
            Arc::new(|path: &Path| Err(KeyError::NoPassphrase(path.to_owned()))),
        )
    };
    none().create(&Protection::Machine).unwrap();
    none().generate(&new("valve", Algorithm::Sm4)).unwrap();
    none().open("valve", None).unwrap();
    fs::write(dir.path().join("keys/machine.key"), [1; 32]).unwrap();
    let error = none().open("valve", None).unwrap_err();
    assert!(matches!(error, KeyError::OtherMachine(_)));
}

#[test]
fn nothing_of_a_secret_is_shown() {
    let (_dir, keys) = made();
    let secret = Secret::from_bytes(Algorithm::Sm4, b"sixteen bytes of").unwrap();
    keys.import(&new("valve", Algorithm::Sm4), &secret).unwrap();
    let key = keys.open("valve", None).unwrap();
    let shown = format!("{keys:?} {key:?} {secret:?} {:?}", words("correct horse"));
    assert!(
        !shown.contains("sixteen") && !shown.contains("horse") && !shown.contains("115"),
        "{shown}"
    );
}

#[test]
fn a_change_shows_also_when_the_files_have_been_at_rest() {
    let (dir, keys) = made();
    let path = dir.path().join("keys");
    let keys = KeyStore::new(vec![Arc::new(keys)]);
    keys.generate(&new("valve", Algorithm::Sm2)).unwrap();
    let key = keys.open("valve", None).unwrap();
    // From then on nothing is read as long as the times of the folder stay the same.
    while disk::mark(&path).unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    key.sign_digest(&[7; 32]).unwrap();
    key.sign_digest(&[7; 32]).unwrap();
    folder(&dir, "correct horse").rotate("valve").unwrap();
    let error = key.sign_digest(&[7; 32]).unwrap_err();
    assert!(matches!(error, KeyError::Replaced { version: 1, .. }));
    fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    let error = key.sign_digest(&[7; 32]).unwrap_err();
    assert!(matches!(error, KeyError::Gone { version: 1, .. }));
}
