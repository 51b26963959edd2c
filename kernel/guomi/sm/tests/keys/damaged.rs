use proptest::prelude::*;
use weihe_sm::{
    Error, pem,
    sm2::{PrivateKey, PublicKey},
};

use crate::common::{N, hex, plus};

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

#[test]
fn a_file_cut_short_or_with_more_behind_it_is_refused() {
    let key = key();
    let public = key.public_key().to_der().unwrap();
    for der in [key.to_pkcs8_der().unwrap(), key.to_sec1_der().unwrap()] {
        for end in 0..der.len() {
            assert!(PrivateKey::from_der(&der[..end], None).is_err(), "{end}");
        }
        let longer = [&der[..], &[0]].concat();
        assert!(PrivateKey::from_der(&longer, None).is_err());
    }
    for end in 0..public.len() {
        assert!(PublicKey::from_der(&public[..end]).is_err(), "{end}");
    }
    assert!(PublicKey::from_der(&[&public[..], &[0]].concat()).is_err());
    let huge = PrivateKey::from_der(&vec![0x30; 1 << 20], None);
    assert!(matches!(huge, Err(Error::TooLong { .. })));
}

#[test]
fn numbers_that_are_no_key_are_refused_in_files_too() {
    let key = key();
    let der = key.to_pkcs8_der().unwrap();
    let number = key.to_bytes();
    let at = der
        .windows(32)
        .position(|bytes| bytes == &number[..])
        .unwrap();
    let n = hex(N);
    for bad in [[0; 32], plus(&n, -1), plus(&n, 0), [0xff; 32]] {
        let mut changed = der.to_vec();
        changed[at..at + 32].copy_from_slice(&bad);
        let refused = PrivateKey::from_der(&changed, None);
        assert_eq!(refused.err(), Some(Error::PrivateKey));
    }
}

#[test]
fn the_public_key_beside_a_private_one_has_to_be_its_own() {
    let (key, other) = (key(), key());
    for der in [key.to_pkcs8_der().unwrap(), key.to_sec1_der().unwrap()] {
        let mut changed = der.to_vec();
        let at = changed.len() - 65;
        changed[at..].copy_from_slice(&other.public_key().to_sec1());
        let refused = PrivateKey::from_der(&changed, None).unwrap_err();
        assert!(
            refused.to_string().contains("belongs to another"),
            "{refused}"
        );
        changed[at + 64] ^= 1;
        let refused = PrivateKey::from_der(&changed, None);
        assert_eq!(refused.err(), Some(Error::PublicKey));
    }
}

#[test]
fn a_key_alone_has_to_name_its_curve() {
    let der = key().to_pkcs8_der().unwrap();
    // What stands in PKCS#8 is the form of SEC 1 without the curve.
    let refused = PrivateKey::from_der(&der[der.len() - 109..], None).unwrap_err();
    assert!(refused.to_string().contains("on which curve"), "{refused}");
}

#[test]
fn a_damaged_text_says_in_which_block_it_is() {
    let text = key().to_pkcs8_pem().unwrap();
    let refused = |text: &str, why: &str| {
        let error = PrivateKey::from_pem(text, None).unwrap_err().to_string();
        assert!(error.contains("`PRIVATE KEY` in line 1"), "{error}");
        assert!(error.contains(why), "{error}");
    };
    refused(&text.replace("-----END PRIVATE KEY-----", ""), "no end");
    refused(&text.replace("END PRIVATE", "END PUBLIC"), "no end");
    refused(&text.replace('M', "*"), "not Base64");
    let headers = "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
    let old = text.replace("-----BEGIN PRIVATE KEY-----\n", headers);
    refused(&old, "openssl pkcs8 -topk8");
    // The key itself never stands in an error.
    let body = text.lines().nth(1).unwrap();
    let error = PrivateKey::from_pem(&text.replacen('M', "*", 1), None).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&body[8..]));
}

proptest! {
    #[test]
    fn any_bytes_and_any_text_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "(-----(BEGIN|END) [A-Z0-9 ]{0,12}-----\n|[A-Za-z0-9+/=:\n -]{0,70}){0,6}",
    ) {
        let _ = PrivateKey::from_der(&bytes, Some(b"secret"));
        let _ = PublicKey::from_der(&bytes);
        let _ = pem::blocks(&text);
        let _ = PrivateKey::from_pem(&text, None);
    }

    #[test]
    fn a_changed_byte_of_a_file_gives_no_other_key(at in 0usize..138, to in any::<u8>()) {
        let key = PrivateKey::from_bytes(&[0x11; 32]).unwrap();
        let mut der = key.to_pkcs8_der().unwrap().to_vec();
        der[at] = to;
        if let Ok(read) = PrivateKey::from_der(&der, None) {
            prop_assert_eq!(read.to_bytes(), key.to_bytes());
        }
    }

    #[test]
    fn any_block_comes_back(der in prop::collection::vec(any::<u8>(), 1..400)) {
        let text = pem::encode(pem::CERTIFICATE, &der).unwrap();
        let blocks = pem::blocks(&text).unwrap();
        prop_assert_eq!(&*blocks[0].der, &der);
        prop_assert_eq!(&blocks[0].label, pem::CERTIFICATE);
    }
}
