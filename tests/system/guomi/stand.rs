//! A kernel with keys, and a plugin that computes with them what it is told.

use std::sync::Arc;

use serde_json::Value;
use weihe_guomi::keys::{Algorithm, NewKey, Secret};
use weihe_guomi::sm::sm2::PrivateKey;
use weihe_guomi::sm::sm4;
use weihe_guomi::{GuomiCapability, MemoryKeys};
use weihe_tests::Rig;

/// The private key of GB/T 32918.5-2017, A.2.
pub const PRIVATE: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";

/// The key of GB/T 32907-2016, A.1, and of RFC 8998, A.
pub const SM4: &str = "0123456789abcdeffedcba9876543210";

/// What the key of HMAC-SM3 consists of.
pub const CODES: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

/// What the device is granted in most tests.
pub const GRANTS: &str = r#"
meter = ["sign", "verify", "encrypt", "decrypt", "agree"]
seal = ["encrypt", "decrypt"]
open-seal = ["encrypt", "export"]
codes = ["mac", "verify"]
other = { key = "second", uses = ["agree", "export"] }
"#;

pub fn octets(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The keys of the stand: `meter`, `seal` and `codes` stay in, `open-seal` and `second` may be taken out.
pub fn keys() -> Arc<MemoryKeys> {
    let keys = MemoryKeys::default();
    let put = |name: &str, exportable: bool, secret: Secret| {
        let new = NewKey {
            exportable,
            ..NewKey::new(name, secret.algorithm())
        };
        keys.import(&new, &secret).unwrap();
    };
    let sm2 = || Secret::Sm2(PrivateKey::from_bytes(&octets(PRIVATE)).unwrap());
    let sm4 = || Secret::Sm4(sm4::Key::from_bytes(&octets(SM4)).unwrap());
    put("meter", false, sm2());
    put("seal", false, sm4());
    put("open-seal", true, sm4());
    put("codes", false, Secret::HmacSm3(octets(CODES).into()));
    put("second", true, Secret::Sm2(PrivateKey::generate().unwrap()));
    keys.generate(&NewKey::new("fleet-1", Algorithm::Sm2))
        .unwrap();
    Arc::new(keys)
}

pub fn bare() -> Rig {
    Rig::with_capability(Arc::new(GuomiCapability::new(keys())))
}

/// A system with one device, `desk`, that has these grants of keys and these limits.
pub fn system(grants: &str, limits: &str) -> String {
    format!(
        "[plugin]\nguomi = \"weihe-guest-guomi\"\n[device.desk]\nplugin = \"guomi\"\n\
         [device.desk.limits]\n{limits}\n[device.desk.grants.guomi.keys]\n{grants}\n"
    )
}

pub async fn rig() -> Rig {
    let rig = bare();
    rig.add(&system(GRANTS, "")).await;
    rig
}

/// What a command comes to: what it returns, or the error as the plugin was told it.
pub async fn told(rig: &Rig, command: &str, arguments: Value) -> Result<Value, String> {
    let answer = rig.ask("desk", command, arguments).await;
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["ok"].clone()),
    }
}

pub async fn done(rig: &Rig, command: &str, arguments: Value) -> Value {
    let shown = format!("{command} {arguments}");
    let outcome = told(rig, command, arguments).await;
    outcome.unwrap_or_else(|error| panic!("{shown}: {error}"))
}

/// Asserts that a command is refused so.
pub async fn refused(rig: &Rig, command: &str, arguments: Value, part: &str) {
    let shown = format!("{command} {arguments}");
    let outcome = told(rig, command, arguments).await;
    let error = outcome.expect_err(&shown);
    assert!(error.contains(part), "{shown}: {error}");
}
