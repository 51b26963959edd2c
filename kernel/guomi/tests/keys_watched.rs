//! What the trail has of keys after a power cut, and who looks for it.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use weihe_guomi::keys::folder::{Folder, Journal, Passphrase, Protection};
use weihe_guomi::keys::{
    About, AeadMode, Algorithm, Key, KeyError, KeyStore, Listing, NewKey, Provider, Secret,
    Standing, Use,
};
use weihe_kernel::audit::{Audit, AuditStatus, Entry, MemoryAudit};

const ROUNDS: NonZeroU32 = NonZeroU32::new(1024).unwrap();

fn folder(path: &Path) -> Arc<Folder> {
    Arc::new(Folder::new(
        path,
        Arc::new(|_: &Path| Passphrase::new("correct horse")),
    ))
}

fn made(path: &Path) -> Arc<Folder> {
    let words = Passphrase::new("correct horse").unwrap();
    let folder = folder(path);
    folder
        .create(&Protection::Passphrase(words, ROUNDS))
        .unwrap();
    folder
}

/// Waits for what is done on another thread.
fn until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not done");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A trail whose disk takes its time.
struct Slow {
    entries: MemoryAudit,
    is_written: watch::Sender<bool>,
}

impl Slow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            entries: MemoryAudit::default(),
            is_written: watch::Sender::new(false),
        })
    }

    fn said(&self) -> Vec<String> {
        let entries = self.entries.entries();
        entries.into_iter().map(|entry| entry.action).collect()
    }
}

impl Audit for Slow {
    fn record(&self, entry: Entry) {
        self.entries.record(entry);
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let mut written = self.is_written.subscribe();
        Box::pin(async move { written.wait_for(|written| *written).await.is_ok() })
    }

    fn status(&self) -> Option<AuditStatus> {
        None
    }
}

#[test]
fn what_commands_did_is_kept_until_the_trail_has_it_on_its_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let journal = path.join("journal");
    let command = KeyStore::new(vec![made(&path)]).audited(Arc::new(Journal::new(folder(&path))));
    let host = |audit: &Arc<Slow>| {
        KeyStore::new(vec![folder(&path)])
            .audited(audit.clone())
            .taking_up(folder(&path))
    };
    let valve = NewKey {
        exportable: true,
        ..NewKey::new("valve", Algorithm::Sm4)
    };
    command.generate(&valve).unwrap();
    command.open("valve", None).unwrap().export().unwrap();

    // The power fails before the disk of the trail has it: the next host has it again.
    let lost = Slow::new();
    host(&lost).notice();
    assert_eq!(lost.said(), ["key-created", "key-exported"]);
    assert!(journal.exists());
    let audit = Slow::new();
    let keys = host(&audit);
    keys.notice();
    // The same host has it once, also while more is added.
    keys.notice();
    command.rotate("valve").unwrap();
    keys.notice();
    keys.notice();
    let said = ["key-created", "key-exported", "key-rotated"];
    assert_eq!(audit.said(), said);
    assert!(journal.exists());

    audit.is_written.send_replace(true);
    keys.notice();
    until(|| !journal.exists());
    keys.notice();
    assert_eq!(audit.said(), said);
    command.destroy("valve", Some(1)).unwrap();
    keys.notice();
    until(|| !journal.exists());
    assert_eq!(audit.said()[3..], ["key-destroyed"]);
}

#[test]
fn what_a_command_is_refused_is_not_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let refused = || {
        let journal = Arc::new(Journal::new(folder(&path)));
        let command = KeyStore::new(vec![folder(&path)]).audited(journal.clone());
        command.open("pump", None).unwrap_err();
        journal.problem()
    };
    // Nor is it said that it cannot be, where there is no store.
    assert!(refused().is_none());
    made(&path);
    assert!(refused().is_none());
    assert!(!path.join("journal").exists());
}

/// A provider that is slow to say what it has, and remembers who asked.
#[derive(Debug)]
struct Device {
    keys: Arc<Folder>,
    asked: Mutex<Vec<ThreadId>>,
}

impl Provider for Device {
    fn name(&self) -> &str {
        "device"
    }

    fn can(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        self.keys.can(algorithm)
    }

    fn list(&self) -> Result<Listing, KeyError> {
        self.keys.list()
    }

    fn names(&self) -> Result<Vec<(String, u32)>, KeyError> {
        self.asked.lock().unwrap().push(thread::current().id());
        self.keys.names()
    }

    fn open(&self, name: &str, version: Option<u32>) -> Result<Arc<dyn Key>, KeyError> {
        self.keys.open(name, version)
    }

    fn standing(&self, about: &About) -> Result<Standing, KeyError> {
        self.keys.standing(about)
    }

    fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        self.keys.generate(new)
    }

    fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        self.keys.import(new, secret)
    }

    fn rotate(&self, name: &str) -> Result<About, KeyError> {
        self.keys.rotate(name)
    }

    fn attach(
        &self,
        name: &str,
        version: Option<u32>,
        chain: &[Vec<u8>],
    ) -> Result<About, KeyError> {
        self.keys.attach(name, version, chain)
    }

    fn destroy(&self, name: &str, version: Option<u32>) -> Result<Vec<u32>, KeyError> {
        self.keys.destroy(name, version)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError> {
        self.keys.random(buffer)
    }
}

#[test]
fn a_device_that_goes_on_with_a_replaced_key_holds_up_no_lane() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let device = Arc::new(Device {
        keys: made(&path),
        asked: Mutex::default(),
    });
    let audit = Arc::new(MemoryAudit::default());
    let keys = KeyStore::new(vec![device.clone()]).audited(audit.clone());
    keys.generate(&NewKey::new("valve", Algorithm::Sm4))
        .unwrap();
    let key = keys
        .open_for("soil", "valve", None, [Use::Encrypt].into())
        .unwrap();
    let aead = key.aead(AeadMode::Gcm).unwrap();
    aead.seal(&[1; 12], b"", &mut [0; 4]).unwrap();
    folder(&path).rotate("valve").unwrap();
    device.asked.lock().unwrap().clear();
    for _ in 0..50 {
        aead.seal(&[2; 12], b"", &mut [0; 4]).unwrap_err();
    }
    until(|| audit.of("key-refused").len() == 50);
    // Looked for once, and not by who was refused.
    let asked = device.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_ne!(asked[0], thread::current().id());
    let entries = audit.entries();
    let said: Vec<_> = entries.iter().map(|entry| &*entry.action).collect();
    assert_eq!(
        said[..4],
        ["key-created", "key-used", "key-rotated", "key-refused"]
    );
}
