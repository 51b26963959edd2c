//! The signature of a plugin: where it stands in the file, and what it says. What is read is written byte for byte the
//! same, and what is covered is the beginning of the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_guomi::signed::{Envelope, Sound, join, part};

fuzz_target!(|bytes: &[u8]| {
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
    let _ = Sound::read(bytes).is_ok();
    if let Ok(envelope) = Envelope::read(bytes) {
        assert_eq!(envelope.write().unwrap(), bytes);
        let _ = envelope.certificates().unwrap();
        let component = b"\0asm\x0d\0\x01\0";
        let _ = Sound::read(&join(component, bytes)).is_ok();
    }
});
