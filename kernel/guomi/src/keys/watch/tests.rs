#![allow(clippy::unwrap_used)]

use std::path::Path;

use weihe_kernel::audit::{Actor, MemoryAudit};

use super::*;
use crate::keys::folder::{FEWEST_ROUNDS, Journal, Passphrase, Protection};
use crate::keys::{Algorithm, NewKey};

fn folder(path: &Path) -> Arc<Folder> {
    Arc::new(Folder::new(
        path,
        Arc::new(|_: &Path| Passphrase::new("correct horse")),
    ))
}

#[test]
fn a_change_is_said_once_however_late_a_command_writes_it_down() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let words = Passphrase::new("correct horse").unwrap();
    let rounds = FEWEST_ROUNDS.try_into().unwrap();
    let keys = folder(&path);
    keys.create(&Protection::Passphrase(words, rounds)).unwrap();
    keys.generate(&NewKey::new("valve", Algorithm::Sm4))
        .unwrap();
    let audit = Arc::new(MemoryAudit::default());
    let watch = Watch::new(vec![folder(&path)], audit.clone(), Some(folder(&path)));
    let eyes = watch.eyes;
    assert!(eyes.look(Unexplained::Later));

    // A command has written the file of a key, and not yet its line.
    keys.rotate("valve").unwrap();
    assert!(!eyes.look(Unexplained::Later));
    assert!(!eyes.look(Unexplained::Later));
    assert!(audit.entries().is_empty());
    let rotated = Entry::host(action::ROTATED, "key/valve").detail("version", 2);
    Journal::new(keys.clone()).record(rotated);
    assert!(eyes.look(Unexplained::Later));
    assert!(eyes.look(Unexplained::Now));
    let said = audit.entries();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(matches!(said[0].actor, Actor::Operator { .. }));

    // What nobody writes down is said in the end.
    keys.destroy("valve", Some(1)).unwrap();
    assert!(!eyes.look(Unexplained::Later));
    assert!(eyes.look(Unexplained::Now));
    assert!(eyes.look(Unexplained::Now));
    let said = audit.entries();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(
        (said[1].actor.name(), &*said[1].action),
        ("host", "key-destroyed")
    );
}
