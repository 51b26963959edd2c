use weihe_sm::{Error, keys::Prf, sm2::PrivateKey};

/// The key that OpenSSL 3.0.19 has encrypted below.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgaUVNcNXdU5zt2JCW
i/FtLeaa4/eHwQ7o5Ps0JtV8M+ChRANCAAQjM1DEre78JyrIy+Zm6u3wsqCEr/Nj
/vdQwm/D69AmhyRkaB+nGEvDwqTw/uBWRW4jvI2plc9uj894zIfUrlK7
-----END PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 sm4-cbc -v2prf hmacWithSHA256`.
const SM4: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHrMFYGCSqGSIb3DQEFDTBJMCkGCSqGSIb3DQEFDDAcBAjMzQbBcsTGHgICCAAw
DAYIKoZIhvcNAgkFADAcBggqgRzPVQFoAgQQ6oiWp7ggaVihISS2QNClBASBkFyH
1k6pKclmxjwWGT6W1o+BeH/vScrnqeDNh/LoLB7P5cT2Ry2Vs+vrCorKtMtZ1jcF
ZFn8mGK+ueoCsqHXiPC9mSly5yqX/HFk2yXvcTlZu3ZAtYLQnteRYP6KsdNFvIbp
I40Cj354Qo67seqDch4Fv915rBAueBEmy0J9tlvTooaISwniG01uBqP4ZfST0Q==
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc`.
const AES: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiAOfs2N0pGuQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG34ygUr8eSiGs4JbM2jSycEgZBY
GOpl0fX4t3MGHYnc7b9rxKzVBmleSgbkldKCkeSu1VRs2Bvt/RYl9+APK7UGEzAq
5N0fRMEjWNDijuWp6gAe9B1ZgMpvOeHZsk7OKsP3y9G9m8SseGU+KXXH3INoSJl8
0EJp2e0AyttLKeHmYu+z58aLx06BuvoCEcrdtro8ZPUU94n3NcGxp+xWkoFQalU=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -scrypt`.
const SCRYPT: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAj1zn8SlDiAhgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBDFzX7TTrGHiVqCfeE8zhhNBIGQLfchSsPNBuum
k6GDTdZF0c4ulV2z4HrYWWpybsiWxM9tSqL7i4sHR8G/3ud0vvM8gWG5ENZhSCdz
f3zBrsPt5Jftoq//nwUVw30XXBLaXTlBvhedcPn0/U4fNF303i470xQINCtPfkh2
+n5oXrTErJvXySZO+L5yQ/lInPAyJacuKqT9BAxoiWNGXz+lZj8B
-----END ENCRYPTED PRIVATE KEY-----
";

fn read(text: &str, passphrase: &[u8]) -> Result<PrivateKey, Error> {
    PrivateKey::from_pem(text, Some(passphrase))
}

#[test]
fn what_openssl_has_encrypted_is_read() {
    let key = PrivateKey::from_pem(KEY, None).unwrap();
    for text in [SM4, AES] {
        assert_eq!(read(text, b"secret").unwrap().to_bytes(), key.to_bytes());
        assert_eq!(read(text, b"Secret").err(), Some(Error::Passphrase));
        assert_eq!(read(text, b"").err(), Some(Error::Passphrase));
        let without = PrivateKey::from_pem(text, None);
        assert_eq!(without.err(), Some(Error::Encrypted));
    }
    let refused = read(SCRYPT, b"secret").unwrap_err().to_string();
    assert!(refused.contains("other than PBKDF2"), "{refused}");
}

#[test]
fn an_encrypted_key_comes_back_with_its_passphrase_only() {
    let key = PrivateKey::generate().unwrap();
    for prf in [Prf::Sm3, Prf::Sha256] {
        let text = key.to_encrypted_pem(prf, "口令".as_bytes()).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        let read_again = read(&text, "口令".as_bytes()).unwrap();
        assert_eq!(read_again.to_bytes(), key.to_bytes());
        assert_eq!(read(&text, b"other").err(), Some(Error::Passphrase));
        let again = key.to_encrypted_pem(prf, "口令".as_bytes()).unwrap();
        assert_ne!(text, again, "the salt is another each time");
    }
    let refused = key.to_encrypted_der(Prf::Sm3, b"");
    assert!(matches!(refused, Err(Error::Length { .. })));
}

/// Whatever is changed, the key that comes out is the right one, or nothing does.
#[test]
fn a_damaged_file_is_told_apart_from_a_wrong_passphrase_by_nobody() {
    let key = PrivateKey::from_pem(KEY, None).unwrap();
    let blocks = weihe_sm::pem::blocks(SM4).unwrap();
    let der = &blocks[0].der;
    // The last 144 bytes are the ciphertext.
    for at in (der.len() - 144)..der.len() {
        let mut changed = der.to_vec();
        changed[at] ^= 0x40;
        let refused = PrivateKey::from_der(&changed, Some(b"secret"));
        match refused {
            // The last byte but a few of a block of CBC may leave what DER doesn't look at.
            Ok(read) => assert_eq!(read.to_bytes(), key.to_bytes()),
            Err(error) => assert_eq!(error, Error::Passphrase, "{at}"),
        }
    }
    for at in 0..der.len() - 144 {
        let mut changed = der.to_vec();
        changed[at] ^= 0x01;
        match PrivateKey::from_der(&changed, Some(b"secret")) {
            Ok(read) => assert_eq!(read.to_bytes(), key.to_bytes()),
            // What says how it is encrypted stands in the open: there the reason may be told.
            Err(error) => assert!(
                matches!(
                    error,
                    Error::Passphrase | Error::Encryption(_) | Error::Form { .. }
                ),
                "{at}: {error}"
            ),
        }
    }
}
