//! What the audit trail says of keys.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use weihe_guomi::keys::folder::{Folder, Passphrase, Protection};
use weihe_guomi::keys::{Algorithm, KeyStore, NewKey, Use};
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
