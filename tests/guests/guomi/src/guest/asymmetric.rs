//! SM2.

use serde_json::json;

use super::bindings::weihe::guomi::aead::{self, Mode};
use super::bindings::weihe::guomi::decrypter::Decrypter;
use super::bindings::weihe::guomi::encrypter::Encrypter;
use super::bindings::weihe::guomi::key_agreement::{Initiator, Parties, Responder};
use super::bindings::weihe::guomi::keys;
use super::bindings::weihe::guomi::signer::Signer;
use super::bindings::weihe::guomi::types::{CiphertextForm, SignatureForm};
use super::bindings::weihe::guomi::verifier::Verifier;
use super::{Asked, Told, hex, said};

fn signature_form(asked: &Asked) -> SignatureForm {
    match asked.text("form") {
        Some("der") => SignatureForm::Der,
        _ => SignatureForm::Raw,
    }
}

fn ciphertext_form(asked: &Asked) -> CiphertextForm {
    match asked.text("form") {
        Some("der") => CiphertextForm::Der,
        Some("c1c2c3") => CiphertextForm::C1c2c3,
        _ => CiphertextForm::C1c3c2,
    }
}

fn key(asked: &Asked) -> &str {
    asked.text("key").unwrap_or_default()
}

/// The name of a signer, where the test names one.
fn id(asked: &Asked) -> Option<Vec<u8>> {
    asked.text("id").map(|id| id.as_bytes().to_vec())
}

pub fn sign(asked: &Asked) -> Told {
    let signer = Signer::open(key(asked)).map_err(said)?;
    let form = signature_form(asked);
    let signature = match asked.text("digest") {
        Some(_) => signer.sign_digest(&asked.octets("digest"), form),
        None => signer.sign(id(asked).as_deref(), &asked.data(), form),
    };
    Ok(json!({
        "signature": hex(&signature.map_err(said)?),
        "public": hex(&signer.public_key()),
    }))
}

pub fn verify(asked: &Asked) -> Told {
    let verifier = match (asked.text("public"), asked.text("certificate")) {
        (Some(_), _) => Verifier::from_public_key(&asked.octets("public")),
        (_, Some(_)) => Verifier::from_certificate(&asked.octets("certificate")),
        _ => Verifier::open(key(asked), None),
    };
    let verifier = verifier.map_err(said)?;
    let (signature, form) = (asked.octets("signature"), signature_form(asked));
    let right = match asked.text("digest") {
        Some(_) => verifier.verify_digest(&asked.octets("digest"), &signature, form),
        None => verifier.verify(id(asked).as_deref(), &asked.data(), &signature, form),
    };
    Ok(right.map_err(said)?.into())
}

pub fn encrypt(asked: &Asked) -> Told {
    let encrypter = match (asked.text("public"), asked.text("certificate")) {
        (Some(_), _) => Encrypter::from_public_key(&asked.octets("public")),
        (_, Some(_)) => Encrypter::from_certificate(&asked.octets("certificate")),
        _ => Encrypter::open(key(asked)),
    };
    let encrypter = encrypter.map_err(said)?;
    let ciphertext = encrypter.encrypt(&asked.data(), ciphertext_form(asked));
    Ok(hex(&ciphertext.map_err(said)?))
}

pub fn decrypt(asked: &Asked) -> Told {
    let decrypter = Decrypter::open(key(asked), None).map_err(said)?;
    let data = decrypter.decrypt(&asked.data(), ciphertext_form(asked));
    Ok(hex(&data.map_err(said)?))
}

/// Both sides of an agreement: what one seals, the other opens.
pub fn agree(asked: &Asked) -> Told {
    let public = |name: &str| -> Result<Vec<u8>, String> {
        let about = keys::look(name, None).map_err(said)?;
        about
            .public_key
            .ok_or_else(|| format!("{name} has no public key"))
    };
    let (one, other) = (key(asked), asked.text("peer").unwrap_or_default());
    let parties = |own: &str, peer: &str| -> Result<Parties, String> {
        Ok(Parties {
            own_id: Some(own.as_bytes().to_vec()),
            peer_id: Some(peer.as_bytes().to_vec()),
            peer_key: public(peer)?,
            length: asked.number("length") as u32,
        })
    };
    let initiator = Initiator::open(one, &parties(one, other)?).map_err(said)?;
    let responder = Responder::open(other, &parties(other, one)?).map_err(said)?;
    let (point, mut confirmation) = responder.respond(&initiator.point()).map_err(said)?;
    if asked.text("forge") == Some("responder") {
        confirmation[0] ^= 1;
    }
    let (first, mut proof) = initiator.finish(&point, &confirmation).map_err(said)?;
    if asked.text("forge") == Some("initiator") {
        proof[0] ^= 1;
    }
    let second = responder.finish(&proof).map_err(said)?;
    let nonce = [7; 12];
    let sealed = aead::seal(&first, Mode::Gcm, &nonce, b"", b"agreed").map_err(said)?;
    let opened = aead::open(&second, Mode::Gcm, &nonce, b"", &sealed).map_err(said)?;
    Ok(json!({
        "opened": hex(&opened),
        "exported": match first.export() {
            Ok(bytes) => hex(&bytes),
            Err(error) => said(error).into(),
        },
    }))
}
