//! Keys of SM2 in files: PEM, PKCS#8, SEC 1, SubjectPublicKeyInfo, and encrypted. What is read is written so that it
//! is read the same; whatever happens to an encrypted file, no other key comes out of it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, changed};
use weihe_sm::{
    Error, pem,
    sm2::{PrivateKey, PublicKey},
};

/// The key that OpenSSL has encrypted with the passphrase `secret` and 2048 rounds of PBKDF2: more would take all the
/// time.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHrMFYGCSqGSIb3DQEFDTBJMCkGCSqGSIb3DQEFDDAcBAjMzQbBcsTGHgICCAAw
DAYIKoZIhvcNAgkFADAcBggqgRzPVQFoAgQQ6oiWp7ggaVihISS2QNClBASBkFyH
1k6pKclmxjwWGT6W1o+BeH/vScrnqeDNh/LoLB7P5cT2Ry2Vs+vrCorKtMtZ1jcF
ZFn8mGK+ueoCsqHXiPC9mSly5yqX/HFk2yXvcTlZu3ZAtYLQnteRYP6KsdNFvIbp
I40Cj354Qo67seqDch4Fv915rBAueBEmy0J9tlvTooaISwniG01uBqP4ZfST0Q==
-----END ENCRYPTED PRIVATE KEY-----
";

/// How these rounds stand in it.
const ROUNDS: &[u8] = &[0x02, 0x02, 0x08, 0x00];

struct Valid {
    private: [Vec<u8>; 2],
    public: Vec<u8>,
    text: String,
    encrypted: Vec<u8>,
    hidden: PrivateKey,
}

static VALID: LazyLock<Valid> = LazyLock::new(|| Valid {
    private: [
        KEY.to_pkcs8_der().unwrap().to_vec(),
        KEY.to_sec1_der().unwrap().to_vec(),
    ],
    public: KEY.public_key().to_der().unwrap(),
    text: format!(
        "words\n{}{}",
        *KEY.to_sec1_pem().unwrap(),
        KEY.public_key().to_pem().unwrap()
    ),
    encrypted: pem::blocks(ENCRYPTED).unwrap()[0].der.to_vec(),
    hidden: PrivateKey::from_pem(ENCRYPTED, Some(b"secret")).unwrap(),
});

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    let valid = &*VALID;
    match which % 8 {
        0 => private(&changed(&valid.private[0], &changes)),
        1 => private(&changed(&valid.private[1], &changes)),
        2 => public(&changed(&valid.public, &changes)),
        3 => text(&changed(valid.text.as_bytes(), &changes)),
        4 => encrypted(&changed(&valid.encrypted, &changes)),
        5 => text(bytes),
        _ => {
            private(bytes);
            public(bytes);
        }
    }
});

fn private(der: &[u8]) {
    // Without a passphrase, an encrypted key is not decrypted.
    let Ok(key) = PrivateKey::from_der(der, None) else {
        return;
    };
    for again in [key.to_pkcs8_der().unwrap(), key.to_sec1_der().unwrap()] {
        let again = PrivateKey::from_der(&again, None).unwrap();
        assert_eq!(again.to_bytes(), key.to_bytes());
    }
}

fn public(der: &[u8]) {
    if let Ok(key) = PublicKey::from_der(der) {
        assert_eq!(PublicKey::from_der(&key.to_der().unwrap()), Ok(key));
    }
    if let Ok(key) = PublicKey::from_sec1(der) {
        assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Ok(key));
        assert_eq!(PublicKey::from_sec1(&key.to_compressed()), Ok(key));
    }
}

fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for block in pem::blocks(text).into_iter().flatten() {
        let written = pem::encode(&block.label, &block.der).unwrap();
        let again = &pem::blocks(&written).unwrap()[0];
        assert_eq!((&again.label, &again.der), (&block.label, &block.der));
    }
    if let Ok(key) = PrivateKey::from_pem(text, None) {
        assert_eq!(
            PrivateKey::from_pem(&key.to_pkcs8_pem().unwrap(), None)
                .unwrap()
                .to_bytes(),
            key.to_bytes()
        );
    }
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem().unwrap()), Ok(key));
    }
}

fn encrypted(der: &[u8]) {
    if !der.windows(ROUNDS.len()).any(|bytes| bytes == ROUNDS) {
        return;
    }
    match PrivateKey::from_der(der, Some(b"secret")) {
        Ok(key) => assert_eq!(key.to_bytes(), VALID.hidden.to_bytes()),
        Err(error) => assert!(
            matches!(
                error,
                Error::Passphrase | Error::Encryption(_) | Error::Form { .. } | Error::PrivateKey
            ),
            "{error}"
        ),
    }
}
