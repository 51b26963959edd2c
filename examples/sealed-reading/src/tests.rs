#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::testing::TestKey;

const ARCHIVE: [u8; 16] = [0x42; 16];

fn site() -> TestKey {
    TestKey::sm2(&[0x17; 32])
}

fn sealer(setup: Setup<Sealer>) -> TestKernel<Sealer> {
    let setup = setup
        .device("vault")
        .key("archive", TestKey::sm4(&ARCHIVE))
        .key("site", site());
    setup.start(r#"{ "input": "meter/#" }"#).unwrap()
}

fn sealed(kernel: &TestKernel<Sealer>) -> Vec<u8> {
    match kernel.last("plugin/vault/sealed") {
        Some(ValueBuf::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

fn opened(topic: &str, reading: &[u8]) -> Result<f64, GuomiError> {
    let archive = Secret::from_bytes(&ARCHIVE)?;
    let site = Verifier::from_public_key(&site().public_key().unwrap())?;
    unseal(topic, reading, &archive, &site).map(|(_, value)| value)
}

#[weihe_sdk::test(sandbox)]
fn the_archive_opens_what_the_site_has_sealed(setup: Setup<Sealer>) {
    let mut kernel = sealer(setup);
    kernel.event("meter/power", 21.5).unwrap();
    let reading = sealed(&kernel);
    assert_eq!(opened("meter/power", &reading), Ok(21.5));
    let plain = 21.5_f64.to_be_bytes();
    assert!(!reading.windows(8).any(|window| window == plain));
}

#[weihe_sdk::test(sandbox)]
fn nobody_changes_a_reading_or_passes_it_off_as_another(setup: Setup<Sealer>) {
    let mut kernel = sealer(setup);
    kernel.event("meter/power", 21.5).unwrap();
    let reading = sealed(&kernel);
    assert_eq!(opened("meter/water", &reading), Err(GuomiError::Mismatch));
    for at in [0, 15, reading.len() - SIGNATURE, reading.len() - 1] {
        let mut changed = reading.clone();
        changed[at] ^= 1;
        assert_eq!(opened("meter/power", &changed), Err(GuomiError::Mismatch));
    }
    assert_eq!(opened("meter/power", b""), Err(GuomiError::Mismatch));
}

#[weihe_sdk::test(sandbox)]
fn the_same_reading_never_looks_the_same(setup: Setup<Sealer>) {
    let mut kernel = sealer(setup);
    kernel.event("meter/power", 21.5).unwrap();
    let first = sealed(&kernel);
    kernel.event("meter/power", 21.5).unwrap();
    assert_ne!(first[..12], sealed(&kernel)[..12], "the nonce");
}

#[weihe_sdk::test(sandbox)]
fn without_its_keys_it_does_not_start(setup: Setup<Sealer>) {
    let setup = setup.key("archive", TestKey::sm4(&ARCHIVE));
    let error = setup.start(r#"{ "input": "meter/#" }"#).err().unwrap();
    assert!(error.text().contains("key `site`"), "{}", error.text());
}
