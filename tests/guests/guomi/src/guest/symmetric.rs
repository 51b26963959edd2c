//! Digests, codes, SM4, random numbers, and what is known of keys.

use serde_json::{Value, json};

use super::bindings::weihe::guomi::cipher::{self, Direction, Padding};
use super::bindings::weihe::guomi::digest::Hasher;
use super::bindings::weihe::guomi::keys::{self, Secret};
use super::bindings::weihe::guomi::types::Uses;
use super::bindings::weihe::guomi::{aead, digest, mac, random};
use super::{Asked, Told, hex, said};

fn uses(asked: &Asked) -> Uses {
    let words = asked.text("uses").unwrap_or_default().split(' ');
    words.fold(Uses::empty(), |uses, word| {
        uses | match word {
            "encrypt" => Uses::ENCRYPT,
            "decrypt" => Uses::DECRYPT,
            "mac" => Uses::MAC,
            "verify" => Uses::VERIFY,
            "sign" => Uses::SIGN,
            "export" => Uses::EXPORT,
            _ => Uses::empty(),
        }
    })
}

/// The version of a key, where one is named.
fn version(asked: &Asked) -> Option<u32> {
    match asked.number("version") {
        0 => None,
        version => Some(version as u32),
    }
}

/// A key of the store, or one that is named in bytes.
pub fn secret(asked: &Asked, otherwise: Uses) -> Result<Secret, String> {
    match asked.text("key") {
        Some(name) if asked.text("uses").is_some() => {
            Secret::open(name, version(asked), uses(asked)).map_err(said)
        }
        Some(name) => Secret::open(name, version(asked), otherwise).map_err(said),
        None => Secret::from_bytes(&asked.octets("bytes")).map_err(said),
    }
}

/// Opens as many handles as are asked for.
pub fn hold(count: u64) -> Result<Vec<Hasher>, String> {
    (0..count).map(|_| Hasher::open().map_err(said)).collect()
}

fn sm3(asked: &Asked) -> Told {
    let data = asked.data();
    let whole = digest::sm3(&data).map_err(said)?;
    let hasher = Hasher::open().map_err(said)?;
    // Twice with one handle: what is finished begins anew.
    for _ in 0..2 {
        for part in asked.parts(&data) {
            hasher.update(part).map_err(said)?;
        }
        assert_eq!(hasher.finish().map_err(said)?, whole);
    }
    Ok(hex(&whole))
}

fn look(asked: &Asked) -> Told {
    let about = keys::look(asked.text("key").unwrap_or_default(), version(asked)).map_err(said)?;
    Ok(json!({
        "algorithm": said(about.algorithm),
        "version": about.version,
        "uses": said(about.uses),
        "public": about.public_key.map(|key| hex(&key)),
        "certificate": about.certificate.map(|certificate| hex(&certificate)),
    }))
}

fn code(asked: &Asked) -> Told {
    let (key, data) = (secret(asked, Uses::MAC)?, asked.data());
    let whole = mac::hmac_sm3(&key, &data).map_err(said)?;
    let hasher = mac::Hasher::open(&key).map_err(said)?;
    // It needs the handle of the key no more.
    drop(key);
    for _ in 0..2 {
        for part in asked.parts(&data) {
            hasher.update(part).map_err(said)?;
        }
        assert_eq!(hasher.finish().map_err(said)?, whole);
    }
    Ok(hex(&whole))
}

fn check_code(asked: &Asked) -> Told {
    let (key, data, code) = (
        secret(asked, Uses::VERIFY)?,
        asked.data(),
        asked.octets("code"),
    );
    let whole = mac::verify(&key, &data, &code).map_err(said)?;
    let hasher = mac::Hasher::open(&key).map_err(said)?;
    hasher.update(&data).map_err(said)?;
    assert_eq!(hasher.verify(&code).map_err(said)?, whole);
    Ok(whole.into())
}

fn crypt(asked: &Asked) -> Told {
    let encrypts = asked.text("direction") == Some("encrypt");
    let (direction, needed) = match encrypts {
        true => (Direction::Encrypt, Uses::ENCRYPT),
        false => (Direction::Decrypt, Uses::DECRYPT),
    };
    let mode = || match asked.text("mode") {
        Some("cbc") => cipher::Mode::Cbc(asked.octets("iv")),
        Some("ctr") => cipher::Mode::Ctr(asked.octets("iv")),
        _ => cipher::Mode::Ecb,
    };
    let padding = match asked.text("padding") {
        Some("pkcs7") => Padding::Pkcs7,
        _ => Padding::None,
    };
    let (key, data) = (secret(asked, needed)?, asked.data());
    let whole = match encrypts {
        true => cipher::encrypt(&key, &mode(), padding, &data),
        false => cipher::decrypt(&key, &mode(), padding, &data),
    };
    let stream = cipher::Stream::open(&key, direction, &mode(), padding).map_err(said)?;
    let mut pieces = Vec::new();
    for part in asked.parts(&data) {
        pieces.extend(stream.update(part).map_err(said)?);
    }
    let last = stream.finish();
    let outcome = whole.map_err(said);
    assert_eq!(
        last.map(|last| [pieces, last].concat()).map_err(said),
        outcome
    );
    // What is finished stays so.
    assert!(said(stream.finish()).contains("finished"));
    Ok(hex(&outcome?))
}

fn mode(asked: &Asked) -> aead::Mode {
    match asked.text("mode") {
        Some("ccm") => aead::Mode::Ccm,
        _ => aead::Mode::Gcm,
    }
}

fn seal(asked: &Asked) -> Told {
    let key = secret(asked, Uses::ENCRYPT)?;
    let (nonce, associated) = (asked.octets("nonce"), asked.octets("associated"));
    let sealed = aead::seal(&key, mode(asked), &nonce, &associated, &asked.data());
    Ok(hex(&sealed.map_err(said)?))
}

fn open(asked: &Asked) -> Told {
    let key = secret(asked, Uses::DECRYPT)?;
    let (nonce, associated) = (asked.octets("nonce"), asked.octets("associated"));
    let opened = aead::open(&key, mode(asked), &nonce, &associated, &asked.data());
    Ok(hex(&opened.map_err(said)?))
}

fn seal_parts(asked: &Asked) -> Told {
    let key = secret(asked, Uses::ENCRYPT)?;
    let (nonce, associated) = (asked.octets("nonce"), asked.octets("associated"));
    let sealing = aead::Sealing::begin(&key, &nonce, &associated).map_err(said)?;
    drop(key);
    let mut sealed = Vec::new();
    for part in asked.parts(&asked.data()) {
        sealed.extend(sealing.update(part).map_err(said)?);
    }
    sealed.extend(sealing.finish().map_err(said)?);
    Ok(hex(&sealed))
}

/// What a command of these comes to; none when it is none of them.
pub fn answer(command: &str, asked: &Asked) -> Option<Told> {
    Some(match command {
        "sm3" => sm3(asked),
        "random" => random::bytes(asked.number("length"))
            .map(|bytes| hex(&bytes))
            .map_err(said),
        "look" => look(asked),
        "secret" => secret(asked, Uses::empty()).map(|_| Value::Null),
        "export" => secret(asked, Uses::EXPORT)
            .and_then(|key| key.export().map_err(said))
            .map(|bytes| hex(&bytes)),
        "hold" => hold(asked.number("count")).map(|held| held.len().into()),
        "mac" => code(asked),
        "mac-verify" => check_code(asked),
        "cipher" => crypt(asked),
        "seal" => seal(asked),
        "open" => open(asked),
        "seal-parts" => seal_parts(asked),
        _ => return None,
    })
}
