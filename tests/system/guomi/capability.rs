//! What plugins compute with keys of the host, and that the keys stay there.

use serde_json::{Value, json};
use weihe_guomi::sm::sm2::{DEFAULT_ID, PrivateKey, PublicKey, Signature};
use weihe_guomi::sm::sm3::Hmac;
use weihe_guomi::sm::sm4::{self, Cbc, Ctr, Padding};

use weihe_tests::component;

use super::stand::{CODES, PRIVATE, SM4, bare, done, hex, octets, refused, rig, system, told};

/// RFC 8998, A.1 and A.2.
const NONCE: &str = "00001234567800000000abcd";
const ASSOCIATED: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const PLAIN: &str = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
                     eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa";
const GCM: &str = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                   d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
                   83de3541e4c2b58177e065a9bf7b62ec";
const CCM: &str = "48af93501fa62adbcd414cce6034d895dda1bf8f132f042098661572e7483094\
                   fd12e518ce062c98acee28d95df4416bed31a2f04476c18bb40c84a74b97dc5b\
                   16842d4fa186f56ab33256971fa110f4";

#[tokio::test]
async fn the_examples_of_the_standards_come_out_in_the_sandbox() {
    let rig = rig().await;
    // GB/T 32905-2016, A.1.
    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(
        done(&rig, "sm3", json!({ "data": hex(b"abc"), "parts": 2 })).await,
        abc
    );
    // GB/T 32907-2016, A.1.
    let block = json!({ "bytes": SM4, "direction": "encrypt", "data": SM4 });
    assert_eq!(
        done(&rig, "cipher", block).await,
        "681edf34d206965e86b3e94f536e4246"
    );
    for (mode, sealed) in [("gcm", GCM), ("ccm", CCM)] {
        for key in [json!({ "bytes": SM4 }), json!({ "key": "seal" })] {
            let with = |data: &str| {
                let mut all = key.clone();
                for (name, value) in [
                    ("nonce", NONCE),
                    ("associated", ASSOCIATED),
                    ("mode", mode),
                    ("data", data),
                ] {
                    all[name] = value.into();
                }
                all
            };
            assert_eq!(done(&rig, "seal", with(PLAIN)).await, sealed);
            assert_eq!(done(&rig, "open", with(sealed)).await, PLAIN);
        }
    }
    let parts = json!({ "key": "seal", "nonce": NONCE, "associated": ASSOCIATED, "data": PLAIN, "parts": 7 });
    assert_eq!(done(&rig, "seal-parts", parts).await, GCM);
    // GB/T 32918.5-2017, A.2.
    let point = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                 ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    let signature = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
                     b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    let message = hex(b"message digest");
    for key in [json!({ "public": point }), json!({ "key": "meter" })] {
        let mut asked = key.clone();
        asked["data"] = message.clone().into();
        asked["signature"] = signature.into();
        assert_eq!(done(&rig, "verify", asked.clone()).await, true);
        asked["id"] = "somebody else".into();
        assert_eq!(done(&rig, "verify", asked).await, false);
    }
    let about = done(&rig, "look", json!({ "key": "meter" })).await;
    assert_eq!(about["public"], point);
    rig.shutdown().await;
}

#[tokio::test]
async fn what_a_plugin_makes_is_what_others_make() {
    let rig = rig().await;
    let data = octets(PLAIN);
    let (key, iv) = (sm4::Key::from_bytes(&octets(SM4)).unwrap(), [9; 16]);
    let cbc = Cbc::new(&key)
        .encrypt(&iv, Padding::Pkcs7, &data[..37])
        .unwrap();
    let mut ctr = data.clone();
    Ctr::new(&key, &iv).apply(&mut ctr);
    for (mode, padding, plain, encrypted) in [
        ("cbc", "pkcs7", &data[..37], &cbc),
        ("ctr", "none", &data[..], &ctr),
    ] {
        let asked = |direction: &str, data: &[u8]| {
            json!({
                "key": "seal", "mode": mode, "padding": padding, "iv": hex(&iv), "parts": 5,
                "direction": direction, "data": hex(data),
            })
        };
        assert_eq!(
            done(&rig, "cipher", asked("encrypt", plain)).await,
            hex(encrypted)
        );
        assert_eq!(
            done(&rig, "cipher", asked("decrypt", encrypted)).await,
            hex(plain)
        );
    }
    let mut mac = Hmac::new(&octets(CODES));
    mac.update(&data);
    let code = hex(&mac.finish());
    let asked = json!({ "key": "codes", "uses": "mac", "data": PLAIN, "parts": 11 });
    assert_eq!(done(&rig, "mac", asked).await, code);
    let check =
        |code: &str| json!({ "key": "codes", "uses": "verify", "data": PLAIN, "code": code });
    assert_eq!(done(&rig, "mac-verify", check(&code)).await, true);
    assert_eq!(done(&rig, "mac-verify", check(&code[..32])).await, false);

    let own = PrivateKey::from_bytes(&octets(PRIVATE)).unwrap();
    let public = own.public_key();
    for (form, read) in [
        (
            "raw",
            Signature::from_bytes as fn(&[u8]) -> Result<Signature, _>,
        ),
        ("der", Signature::from_der),
    ] {
        let asked = json!({ "key": "meter", "data": PLAIN, "form": form });
        let signed = done(&rig, "sign", asked).await;
        let signature = read(&octets(signed["signature"].as_str().unwrap())).unwrap();
        public.verify(DEFAULT_ID, &data, &signature).unwrap();
        let point = octets(signed["public"].as_str().unwrap());
        assert_eq!(PublicKey::from_sec1(&point).unwrap(), public);
        let digest = public.digest(DEFAULT_ID, &data).unwrap();
        let asked = json!({ "key": "meter", "digest": hex(&digest), "form": form });
        let signed = done(&rig, "sign", asked).await;
        let signature = read(&octets(signed["signature"].as_str().unwrap())).unwrap();
        public.verify(DEFAULT_ID, &data, &signature).unwrap();
    }
    for form in ["c1c3c2", "c1c2c3", "der"] {
        let asked = json!({ "key": "meter", "data": PLAIN, "form": form });
        let encrypted = done(&rig, "encrypt", asked).await;
        let asked = json!({ "key": "meter", "data": encrypted, "form": form });
        assert_eq!(done(&rig, "decrypt", asked).await, PLAIN);
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn what_was_tampered_with_is_one_error() {
    let rig = rig().await;
    let flipped = |text: &str, at: usize| {
        let mut bytes = octets(text);
        bytes[at] ^= 1;
        hex(&bytes)
    };
    let open = |data: String, nonce: &str, associated: &str| json!({ "key": "seal", "nonce": nonce, "associated": associated, "data": data });
    let wrong = [
        open(flipped(GCM, 0), NONCE, ASSOCIATED),
        open(flipped(GCM, 79), NONCE, ASSOCIATED),
        open(GCM[..158].to_owned(), NONCE, ASSOCIATED),
        open(GCM[..30].to_owned(), NONCE, ASSOCIATED),
        open(String::new(), NONCE, ASSOCIATED),
        open(GCM.to_owned(), &flipped(NONCE, 3), ASSOCIATED),
        open(GCM.to_owned(), NONCE, &flipped(ASSOCIATED, 3)),
    ];
    for asked in wrong {
        let error = told(&rig, "open", asked).await.unwrap_err();
        assert_eq!(error, "Error::DecryptFailed");
    }
    let asked = json!({ "key": "meter", "data": hex(b"a secret") });
    let encrypted = done(&rig, "encrypt", asked).await;
    let encrypted = encrypted.as_str().unwrap();
    let length = encrypted.len() / 2;
    for data in [
        flipped(encrypted, 1),
        flipped(encrypted, 70),
        flipped(encrypted, length - 1),
        encrypted[..encrypted.len() - 2].to_owned(),
        encrypted[..20].to_owned(),
        String::new(),
    ] {
        let asked = json!({ "key": "meter", "data": data });
        let error = told(&rig, "decrypt", asked).await.unwrap_err();
        assert_eq!(error, "Error::DecryptFailed");
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn two_sides_agree_only_when_each_proves_itself() {
    let rig = rig().await;
    let asked =
        |forge: &str| json!({ "key": "meter", "peer": "other", "length": 16, "forge": forge });
    let agreed = done(&rig, "agree", asked("")).await;
    assert_eq!(agreed["opened"], hex(b"agreed"));
    // Of `meter` nothing goes out, so neither does what was agreed on with it.
    let exported = agreed["exported"].as_str().unwrap();
    assert!(exported.contains("Error::WrongUse"), "{exported}");
    for side in ["initiator", "responder"] {
        let error = told(&rig, "agree", asked(side)).await.unwrap_err();
        assert_eq!(error, "Error::DecryptFailed", "{side}");
    }
    // With a key that may go out, and a grant for it, the agreed key may as well.
    let asked = json!({ "key": "other", "peer": "meter", "length": 16 });
    let agreed = done(&rig, "agree", asked).await;
    assert_eq!(agreed["exported"].as_str().unwrap().len(), 32, "{agreed}");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_key_leaves_only_where_it_and_the_grant_say_so() {
    let rig = rig().await;
    assert_eq!(
        done(&rig, "export", json!({ "key": "open-seal" })).await,
        SM4
    );
    refused(
        &rig,
        "export",
        json!({ "key": "seal" }),
        "NotGranted(\"key `seal` is granted to device `desk` to encrypt, decrypt, not to export\")",
    )
    .await;
    // Of a key that was never rotated there is one version.
    let asked = json!({ "key": "open-seal", "uses": "export", "version": 2 });
    refused(
        &rig,
        "export",
        asked,
        "UnknownKey(\"key `open-seal` has no version 2\")",
    )
    .await;
    assert_eq!(
        done(&rig, "export", json!({ "key": "open-seal", "version": 1 })).await,
        SM4
    );
    // Opened for something else, it does not go out either.
    refused(
        &rig,
        "export",
        json!({ "key": "open-seal", "uses": "encrypt" }),
        "WrongUse(\"key `open-seal` was opened to encrypt, not to export\")",
    )
    .await;
    // A grant cannot make a key exportable: the device is not even loaded.
    let error = bare()
        .try_add(&system("seal = [\"export\"]", ""))
        .await
        .unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("key `seal` is not exportable"), "{error}");
    // A private key cannot be asked for at all, whatever is granted.
    refused(
        &rig,
        "export",
        json!({ "key": "other" }),
        "WrongUse(\"key `other` is one of sm2, where one of sm4 or hmac-sm3 is needed\")",
    )
    .await;
    // Nothing that the component is told holds the bytes of a key that stays.
    let secrets = [PRIVATE, SM4, CODES];
    for (command, asked) in [
        ("look", json!({ "key": "meter" })),
        ("look", json!({ "key": "seal" })),
        ("look", json!({ "key": "codes" })),
        ("sign", json!({ "key": "meter", "data": "00" })),
        ("secret", json!({ "key": "seal", "uses": "encrypt" })),
        (
            "mac",
            json!({ "key": "codes", "uses": "mac", "data": "00" }),
        ),
    ] {
        let answer = rig.ask("desk", command, asked).await.to_string();
        for secret in secrets {
            assert!(!answer.contains(secret), "{command}: {answer}");
        }
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn uses_and_keys_that_are_not_granted_are_refused_and_recorded() {
    let rig = bare();
    rig.add(&system("meter = [\"sign\"]\n\"fleet-*\" = [\"verify\"]\nlost = { key = \"second\", uses = [\"sign\"] }", ""))
        .await;
    refused(
        &rig,
        "decrypt",
        json!({ "key": "meter", "data": "00" }),
        "key `meter` is granted to device `desk` to sign, not to decrypt",
    )
    .await;
    refused(
        &rig,
        "sign",
        json!({ "key": "seal", "data": "00" }),
        "key `seal` is not granted to device `desk`; granted are `fleet-*`, `lost`, `meter`",
    )
    .await;
    // The key behind a name of the integrator's is open under that name only.
    refused(
        &rig,
        "sign",
        json!({ "key": "second", "data": "00" }),
        "NotGranted",
    )
    .await;
    done(&rig, "sign", json!({ "key": "lost", "data": "00" })).await;
    refused(
        &rig,
        "verify",
        json!({ "key": "fleet-9", "data": "00", "signature": "00" }),
        "UnknownKey(\"there is no key `fleet-9` in the key store\")",
    )
    .await;
    let asked = json!({ "key": "fleet-1", "data": "00", "signature": "00" });
    assert_eq!(done(&rig, "verify", asked).await, false);
    let denied: Vec<String> = rig
        .audited("denied")
        .iter()
        .map(|entry| format!("{entry:?}"))
        .collect();
    assert_eq!(denied.len(), 3, "{denied:#?}");
    assert!(
        denied.iter().all(|entry| entry.contains("guomi/")),
        "{denied:#?}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_grant_that_no_key_stands_behind_is_refused_when_the_device_is_loaded() {
    for (grants, says) in [
        (
            "metre = [\"sign\"]",
            "there is no key `metre` in the key store",
        ),
        (
            "meter = [\"mac\"]",
            "`mac` cannot be granted: key `meter` (sm2) may not be used to mac",
        ),
        (
            "\"ship-*\" = [\"verify\"]",
            "no key in the key store is called like `ship-*`",
        ),
    ] {
        let rig = bare();
        let error = rig
            .try_add(&system(grants, ""))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{grants}: {error}");
        rig.shutdown().await;
    }
    let rig = bare();
    let without = "[plugin]\nguomi = \"weihe-guest-guomi\"\n[device.desk]\nplugin = \"guomi\"\n";
    let error = rig.try_add(without).await.unwrap_err().to_string();
    assert!(
        error.contains("weihe:guomi/") && error.contains("`desk`"),
        "{error}"
    );
    // The table alone is enough for what needs no key.
    rig.add("[device.desk]\nplugin = \"guomi\"\n[device.desk.grants.guomi]\n")
        .await;
    done(&rig, "sm3", json!({ "data": "00" })).await;
    done(
        &rig,
        "seal",
        json!({ "bytes": SM4, "nonce": NONCE, "data": "00" }),
    )
    .await;
    refused(
        &rig,
        "sign",
        json!({ "key": "meter", "data": "00" }),
        "NotGranted",
    )
    .await;
    rig.shutdown().await;
}

#[tokio::test]
async fn another_instance_begins_with_nothing_open() {
    let rig = rig().await;
    // As many as there may be, and then it traps with all of them.
    let trapped: Value = json!({ "count": 256 });
    let error = rig
        .call("desk", "trap", trapped)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("with 256 handles open"), "{error}");
    rig.until_device("desk", "restarted", |device| {
        device.traps == 1 && device.incarnations > 1
    })
    .await;
    assert_eq!(done(&rig, "hold", json!({ "count": 256 })).await, 256);
    // Nor does the version that follows a swap have what the one before had open.
    let before = rig.device("desk").incarnations;
    let again = component("weihe-guest-guomi");
    let changed = rig.file("guomi-2.wasm");
    // The same with other bytes: one more section, which says nothing.
    let section = [0, 2, 1, b'x'];
    std::fs::write(
        &changed,
        [std::fs::read(again).unwrap(), section.to_vec()].concat(),
    )
    .unwrap();
    rig.kernel().swap_plugin("guomi", &changed).await.unwrap();
    rig.until_device("desk", "swapped", |device| device.incarnations > before)
        .await;
    assert_eq!(done(&rig, "hold", json!({ "count": 256 })).await, 256);
    refused(&rig, "hold", json!({ "count": 257 }), "Busy(").await;
    rig.shutdown().await;
}
