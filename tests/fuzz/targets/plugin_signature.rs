//! The signature of a plugin: where it stands in the file, and what it says. What is read is written byte for byte the
//! same, what is covered is the beginning of the file, and nothing that was changed there is sound.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, changed};
use weihe_guomi::signed::{Envelope, Sound, join, part, sign};
use weihe_sm::certificate::{Certificate, Order, Profile, Revoked, self_signed};

/// A component with a module and a note in it.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\x01\x08\0asm\x01\0\0\0\0\x0b\x04note hello";

struct Valid {
    signer: Certificate,
    file: Vec<u8>,
    content: Vec<u8>,
}

static VALID: LazyLock<Valid> = LazyLock::new(|| {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
    let day = Duration::from_secs(24 * 3600);
    let order = Order {
        subject: "CN=Maker".to_owned(),
        profile: Profile::CodeSigning,
        hosts: vec![],
        not_before: noon - day,
        not_after: noon + day,
    };
    let signer = self_signed(&*KEY, &order).unwrap();
    let certificates = std::slice::from_ref(&signer);
    let file = sign(COMPONENT, ("meter", "1.2.0"), noon, &*KEY, certificates).unwrap();
    let content = part(&file).unwrap().content.unwrap().to_vec();
    Valid {
        signer,
        file,
        content,
    }
});

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    let valid = &*VALID;
    match which % 4 {
        0 => file(&changed(&valid.file, &changes)),
        1 => content(&changed(&valid.content, &changes)),
        2 => file(bytes),
        _ => content(bytes),
    }
});

fn file(bytes: &[u8]) {
    if let Ok(parted) = part(bytes) {
        assert!(bytes.starts_with(parted.covered));
        match parted.content {
            None => assert_eq!(parted.covered, bytes),
            Some(content) => {
                let again = join(parted.covered, content);
                assert_eq!(part(&again).unwrap().content, Some(content));
            }
        }
        let signed = join(parted.covered, b"more");
        assert_eq!(part(&signed).unwrap().covered, parted.covered);
    }
    let valid = &*VALID;
    let Ok(sound) = Sound::read(bytes) else {
        return;
    };
    let roots = std::slice::from_ref(&valid.signer);
    if sound.trusted(roots, &Revoked::new()).is_ok() {
        assert_eq!(part(bytes).unwrap().covered, COMPONENT);
        assert_eq!(sound.covered(), COMPONENT.len());
        let statement = sound.statement();
        assert_eq!((statement.name(), statement.release()), ("meter", "1.2.0"));
    }
}

fn content(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::read(bytes) {
        assert_eq!(envelope.write().unwrap(), bytes);
        assert!(!envelope.certificates().unwrap().is_empty());
        let _ = envelope.statement().to_be_signed().unwrap();
    }
    file(&join(COMPONENT, bytes));
}
