//! What the audit trail says of keys.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weihe_guomi::keys::folder::{Folder, Journal, Passphrase, Protection};
use weihe_guomi::keys::{
    AeadMode, Algorithm, Direction, KeyError, KeyStore, Mode, NewKey, Secret, Use,
};
use weihe_kernel::audit::{MemoryAudit, Outcome};

const ROUNDS: NonZeroU32 = NonZeroU32::new(1024).unwrap();

fn folder(path: &Path) -> Arc<Folder> {
    Arc::new(Folder::new(
        path,
        Arc::new(|_: &Path| Passphrase::new("correct horse")),
    ))
}

/// What was recorded: who, what, to what, and whether it was done.
fn said(audit: &MemoryAudit) -> Vec<(String, String, String, bool)> {
    let entries = audit.entries();
    let line = |entry: &weihe_kernel::audit::Entry| {
        let done = entry.outcome == Outcome::Done;
        (
            entry.actor.name().to_owned(),
            entry.action.clone(),
            entry.target.clone(),
            done,
        )
    };
    entries.iter().map(line).collect()
}

fn line(actor: &str, action: &str, done: bool) -> (String, String, String, bool) {
    (
        actor.to_owned(),
        action.to_owned(),
        "key/valve".to_owned(),
        done,
    )
}

/// Waits for what is done on another thread.
fn until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not done");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_first_use_of_a_device_what_was_refused_and_what_another_process_did_are_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let words = Passphrase::new("correct horse").unwrap();
    folder(&path)
        .create(&Protection::Passphrase(words, ROUNDS))
        .unwrap();
    let audit = Arc::new(MemoryAudit::default());
    let keys = KeyStore::new(vec![folder(&path)]).audited(audit.clone());
    let signs = NewKey {
        uses: [Use::Sign].into(),
        ..NewKey::new("valve", Algorithm::Sm2)
    };
    keys.generate(&signs).unwrap();
    for _ in 0..3 {
        let key = keys
            .open_for("soil", "valve", None, [Use::Sign].into())
            .unwrap();
        key.sign_digest(&[1; 32]).unwrap();
    }
    keys.open_for("soil", "valve", None, [Use::Decrypt].into())
        .unwrap_err();
    // `weihe key rotate` and `weihe key destroy`, beside the running host.
    let others = KeyStore::new(vec![folder(&path)]);
    others.rotate("valve").unwrap();
    others.destroy("valve", Some(1)).unwrap();
    keys.open_for("soil", "valve", None, [Use::Sign].into())
        .unwrap();
    assert_eq!(
        said(&audit),
        [
            line("host", "key-created", true),
            line("soil", "key-used", true),
            line("soil", "key-refused", false),
            line("host", "key-rotated", true),
            line("host", "key-destroyed", true),
        ]
    );
}

/// A folder of keys with one passphrase, its keys as a host has them, and as another process has them.
fn host_and_another(path: &Path) -> (Arc<MemoryAudit>, KeyStore, KeyStore) {
    let words = Passphrase::new("correct horse").unwrap();
    folder(path)
        .create(&Protection::Passphrase(words, ROUNDS))
        .unwrap();
    let audit = Arc::new(MemoryAudit::default());
    let keys = KeyStore::new(vec![folder(path)]).audited(audit.clone());
    let others = KeyStore::new(vec![folder(path)]);
    (audit, keys, others)
}

#[test]
fn a_key_that_is_replaced_or_destroyed_elsewhere_stops_working_where_it_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, keys, others) = host_and_another(&directory.path().join("keys"));
    keys.generate(&NewKey::new("valve", Algorithm::Sm4))
        .unwrap();
    let uses = [Use::Encrypt, Use::Decrypt].into();
    let key = keys.open_for("soil", "valve", None, uses).unwrap();
    let aead = key.aead(AeadMode::Gcm).unwrap();
    let mut stream = key.cipher(Mode::Ctr, Direction::Encrypt, &[1; 16]).unwrap();
    stream.update(b"a reading").unwrap();
    let mut data = *b"a reading";
    let tag = aead.seal(&[1; 12], b"", &mut data).unwrap();

    others.rotate("valve").unwrap();
    let replaced = "version 1 of key `valve` was replaced by a newer one: it still verifies and decrypts, but may not be used to encrypt";
    let refused = aead.seal(&[2; 12], b"", &mut [0; 9]).unwrap_err();
    assert_eq!(refused.to_string(), replaced);
    // Also in the midst of a message.
    let refused = stream.update(b"another").unwrap_err();
    assert_eq!(refused.to_string(), replaced);
    aead.open(&[1; 12], b"", &mut data, &tag).unwrap();
    assert_eq!(&data, b"a reading");

    others.destroy("valve", Some(1)).unwrap();
    let refused = aead.open(&[1; 12], b"", &mut [0; 9], &tag).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "version 1 of key `valve` is not there any more: it was destroyed after it was opened here"
    );
    until(|| audit.of("key-refused").len() == 3);
    // It is looked for elsewhere what replaced it: the use that goes on may be said before that.
    let mut said = said(&audit);
    let used = said
        .iter()
        .rposition(|one| *one == line("soil", "key-used", true));
    said.remove(used.unwrap());
    assert_eq!(
        said,
        [
            line("host", "key-created", true),
            line("soil", "key-used", true),
            line("host", "key-rotated", true),
            line("soil", "key-refused", false),
            line("soil", "key-refused", false),
            line("host", "key-destroyed", true),
            line("soil", "key-refused", false),
        ]
    );
}

#[test]
fn a_key_that_was_destroyed_does_not_work_for_its_namesake() {
    let directory = tempfile::tempdir().unwrap();
    let (_, keys, others) = host_and_another(&directory.path().join("keys"));
    let valve = NewKey::new("valve", Algorithm::HmacSm3);
    keys.generate(&valve).unwrap();
    let key = keys
        .open_for("soil", "valve", None, [Use::Mac].into())
        .unwrap();
    key.mac().unwrap().finish().unwrap();
    others.destroy("valve", None).unwrap();
    others.generate(&valve).unwrap();
    let refused = key.mac().unwrap().finish().unwrap_err();
    assert!(matches!(refused, KeyError::Gone { version: 1, .. }));
    let key = keys
        .open_for("soil", "valve", None, [Use::Mac].into())
        .unwrap();
    key.mac().unwrap().finish().unwrap();
}

#[test]
fn what_a_device_takes_out_is_recorded_and_each_kind_of_use_once() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, keys, _) = host_and_another(&directory.path().join("keys"));
    let valve = NewKey {
        exportable: true,
        ..NewKey::new("valve", Algorithm::Sm4)
    };
    keys.generate(&valve).unwrap();
    let uses = [Use::Encrypt, Use::Decrypt, Use::Export].into();
    for _ in 0..2 {
        let key = keys.open_for("soil", "valve", None, uses).unwrap();
        let aead = key.aead(AeadMode::Gcm).unwrap();
        let mut data = *b"a reading";
        for nonce in 1..3 {
            let tag = aead.seal(&[nonce; 12], b"", &mut data).unwrap();
            aead.open(&[nonce; 12], b"", &mut data, &tag).unwrap();
        }
        key.export().unwrap();
    }
    assert_eq!(
        said(&audit),
        [
            line("host", "key-created", true),
            line("soil", "key-used", true),
            line("soil", "key-used", true),
            line("soil", "key-exported", true),
            line("soil", "key-exported", true),
        ]
    );
    let used = audit.of("key-used");
    assert_eq!(used[0].details["use"], "encrypt");
    assert_eq!(used[1].details["use"], "decrypt");
}

#[test]
fn what_commands_did_is_recorded_by_the_host_that_runs_or_comes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let words = Passphrase::new("correct horse").unwrap();
    folder(&path)
        .create(&Protection::Passphrase(words, ROUNDS))
        .unwrap();
    let audit = Arc::new(MemoryAudit::default());
    let host = || {
        KeyStore::new(vec![folder(&path)])
            .audited(audit.clone())
            .taking_up(folder(&path))
    };
    let command = || {
        let journal = Arc::new(Journal::new(folder(&path)));
        KeyStore::new(vec![folder(&path)]).audited(journal)
    };
    let valve = NewKey {
        exportable: true,
        ..NewKey::new("valve", Algorithm::Sm4)
    };
    let secret = Secret::from_bytes(Algorithm::Sm4, &[7; 16]).unwrap();
    // While no host runs.
    command().import(&valve, &secret).unwrap();
    command().open("valve", None).unwrap().export().unwrap();
    let keys = host();
    keys.notice();
    // While one runs.
    command().rotate("valve").unwrap();
    command().destroy("valve", Some(1)).unwrap();
    keys.open("valve", None).unwrap();
    assert_eq!(
        said(&audit),
        [
            line("operator", "key-imported", true),
            line("operator", "key-exported", true),
            line("operator", "key-rotated", true),
            line("operator", "key-destroyed", true),
        ]
    );
    let exported = &audit.of("key-exported")[0];
    assert_eq!(exported.details["version"], 1);
    assert!(exported.details["at"].as_u64().unwrap() > 1_700_000_000);

    // Whoever may write there brings nothing else into the trail.
    let journal = path.join("journal");
    until(|| !journal.exists());
    let lines = r#"{"at":1,"actor":{"kind":"operator","uid":0,"pid":1},"action":"host-stopped","target":"key/valve","details":{}}
{"at":1,"actor":{"kind":"host"},"action":"key-created","target":"key/valve","details":{}}
{"at":1,"actor":{"kind":"operator","uid":0,"pid":1},"action":"key-created","target":"host","details":{}}
no entry
"#;
    std::fs::write(&journal, lines).unwrap();
    std::fs::set_permissions(&journal, PermissionsExt::from_mode(0o600)).unwrap();
    keys.notice();
    until(|| !journal.exists());
    assert_eq!(audit.entries().len(), 4);
}
