//! What the modes of SM4 refuse.
#![allow(clippy::unwrap_used)]

use weihe_sm::{
    Error,
    sm4::{Aead, Cbc, Ecb, GcmOpener, GcmSealer, Key, Padding},
};

fn key() -> Key {
    Key::from_bytes(&[7; 16]).unwrap()
}

#[test]
fn a_key_of_another_length_is_refused() {
    for length in [0, 15, 17, 32] {
        let refused = Key::from_bytes(&vec![0; length]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("an SM4 key has to be 16 bytes, not {length}")
        );
    }
}

#[test]
fn data_without_padding_has_to_be_whole_blocks() {
    let ecb = Ecb::new(&key());
    let refused = ecb.encrypt(Padding::None, &[0; 17]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "data without padding has to be a multiple of 16 bytes, not 17"
    );
    assert_eq!(ecb.encrypt(Padding::None, &[]).unwrap(), []);
    assert_eq!(ecb.decrypt(Padding::None, &[0; 17]), Err(Error::Decrypt));
    let mut encryptor = ecb.encryptor(Padding::None);
    assert_eq!(encryptor.update(&[0; 33]).len(), 32);
    assert!(matches!(
        encryptor.finish(),
        Err(Error::Length { found: 1, .. })
    ));
}

#[test]
fn all_wrong_ciphertexts_of_cbc_are_one_error() {
    let cbc = Cbc::new(&key());
    let iv = [1; 16];
    // Encrypted without padding, so that what is decrypted ends in what is said here.
    for (end, right) in [
        (0x00, false),
        (0x11, false),
        (0xff, false),
        (0x10, true),
        (0x01, true),
    ] {
        let mut data = [end; 16];
        if end == 1 {
            data[..15].fill(0xee);
        }
        let encrypted = cbc.encrypt(&iv, Padding::None, &data).unwrap();
        let found = cbc.decrypt(&iv, Padding::Pkcs7, &encrypted);
        match right {
            true => assert!(found.is_ok()),
            false => assert_eq!(found, Err(Error::Decrypt)),
        }
    }
    for length in [0, 1, 15, 17, 31] {
        let found = cbc.decrypt(&iv, Padding::Pkcs7, &vec![0; length]);
        assert_eq!(found, Err(Error::Decrypt));
        let mut decryptor = cbc.decryptor(&iv, Padding::Pkcs7);
        decryptor.update(&vec![0; length]);
        assert_eq!(decryptor.finish(), Err(Error::Decrypt));
    }
}

#[test]
fn a_nonce_that_the_mode_does_not_take_is_refused_before_anything_is_encrypted() {
    let mut data = *b"as it was";
    for (aead, lengths) in [
        (Aead::gcm(&key()), &[0][..]),
        (Aead::ccm(&key()), &[0, 6, 14, 16]),
    ] {
        for &length in lengths {
            let nonce = vec![0; length];
            assert!(matches!(
                aead.seal(&nonce, b"", &mut data),
                Err(Error::Length { found, .. }) if found == length
            ));
            assert!(aead.open(&nonce, b"", &mut data, &[0; 16]).is_err());
        }
    }
    assert_eq!(&data, b"as it was");
    assert!(GcmSealer::new(&key(), b"", b"").is_err());
    assert!(GcmOpener::new(&key(), b"", b"").is_err());
}

#[test]
fn tags_are_as_long_as_the_standards_allow_and_as_the_protocol_says() {
    let nonce = [3; 12];
    for (aead, allowed) in [
        (Aead::gcm(&key()), &[4, 8, 12, 13, 14, 15, 16][..]),
        (Aead::ccm(&key()), &[4, 6, 8, 10, 12, 14, 16]),
    ] {
        for length in 0..20 {
            let mut data = *b"as it was";
            let mut tag = vec![0; length];
            let sealed = aead.seal_short(&nonce, b"", &mut data, &mut tag);
            if !allowed.contains(&length) {
                assert!(matches!(sealed, Err(Error::Length { found, .. }) if found == length));
                assert_eq!(&data, b"as it was");
                let opened = aead.open_short(&nonce, b"", &mut data, &tag, length);
                assert!(matches!(opened, Err(Error::Length { .. })));
                continue;
            }
            sealed.unwrap();
            // A shorter tag is not taken for a part of the whole.
            let cut = aead.open_short(&nonce, b"", &mut data, &tag[..length - 1], length);
            assert_eq!(cut, Err(Error::Decrypt));
            aead.open_short(&nonce, b"", &mut data, &tag, length)
                .unwrap();
            assert_eq!(&data, b"as it was");
        }
    }
}

#[test]
fn a_nonce_of_13_bytes_leaves_ccm_no_room_for_64_kib() {
    let ccm = Aead::ccm(&key());
    let mut data = vec![0; 0x10000];
    assert!(matches!(
        ccm.seal(&[0; 13], b"", &mut data),
        Err(Error::TooLong { limit: 0xffff, .. })
    ));
    let tag = ccm.seal(&[0; 13], b"", &mut data[1..]).unwrap();
    ccm.open(&[0; 13], b"", &mut data[1..], &tag).unwrap();
    assert_eq!(data, vec![0; 0x10000]);
}

#[test]
fn what_is_tampered_with_in_pieces_gives_no_plaintext() {
    let mut sealer = GcmSealer::new(&key(), &[1; 12], b"head").unwrap();
    let mut sealed = sealer.update(b"a message").unwrap();
    let tag = sealer.finish();
    sealed[0] ^= 1;
    let mut opener = GcmOpener::new(&key(), &[1; 12], b"head").unwrap();
    opener.update(&sealed).unwrap();
    assert_eq!(opener.finish(&tag), Err(Error::Decrypt));
}

#[test]
fn keys_and_what_is_made_of_them_are_not_shown() {
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        key(),
        Aead::gcm(&key()),
        Cbc::new(&key()),
        GcmSealer::new(&key(), &[1; 12], b"").unwrap()
    );
    assert!(!shown.contains('7'), "{shown}");
}
