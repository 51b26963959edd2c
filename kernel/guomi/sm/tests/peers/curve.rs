//! SM2 held against a peer on random data, like what is in cases.rs.

use weihe_sm::sm2::{Layout, PrivateKey, PublicKey, Signature};

use crate::{
    cases::{Subject, array, bytes, data, number, same, well},
    line::Peer,
};

/// SM2.
pub const SM2: [Subject; 3] = [
    ("SM2 public keys", public),
    ("SM2 signatures", signatures),
    ("SM2 ciphertexts", ciphertexts),
];

/// A key; now and then one with zeros at an end.
fn key() -> Result<PrivateKey, String> {
    let mut number_of = array::<32>();
    match number(6) {
        0 => number_of[0] = 0,
        1 => number_of[31] = 0,
        2 => number_of[..16].fill(0),
        _ => number_of[0] &= 0x7f,
    }
    well(PrivateKey::from_bytes(&number_of))
}

fn public(peer: &mut Peer) -> Result<(), String> {
    let key = key()?;
    let (d, point) = (key.to_bytes(), key.public_key().to_sec1());
    let theirs = peer.bytes("public", &[&d[..]])?;
    same("the public key", &point, &theirs, &[&d[..]])?;
    let short = peer.bytes("compress", &[&point])?;
    same("compressed", &key.public_key().to_compressed(), &short, &[])?;
    match well(PublicKey::from_sec1(&short))? == key.public_key() {
        true => Ok(()),
        false => Err(format!("{short:02x?} is another point here")),
    }
}

fn signatures(peer: &mut Peer) -> Result<(), String> {
    let (key, message) = (key()?, data());
    let (d, point) = (key.to_bytes(), key.public_key().to_sec1());
    let ids = ["1234567812345678", "a", "ALICE123@YAHOO.COM", "某厂水泵 7"];
    let id = ids[number(ids.len())].as_bytes();
    let all = [&d[..], &point, id, &message];
    let verified = |peer: &mut Peer, message: &[u8], signature: &[u8]| {
        peer.ask("verify", &[&point, id, message, signature])
    };
    let ours = well(key.sign(id, &message))?;
    let answer = verified(peer, &message, &ours.to_der())?;
    if answer != "yes" {
        return Err(format!("{answer} to {ours:?} of {all:02x?}"));
    }
    // Of something else, it is one for neither.
    let other = [&message[..], &[0]].concat();
    if verified(peer, &other, &ours.to_der())? != "no" {
        return Err(format!("yes to {ours:?} of {all:02x?} with a byte more"));
    }
    for theirs in [
        Signature::from_der(&peer.bytes("sign", &[&d[..], id, &message])?),
        Signature::from_bytes(&peer.bytes("sign-raw", &[&d[..], id, &message])?),
    ] {
        let theirs = well(theirs)?;
        let verified = key.public_key().verify(id, &message, &theirs);
        verified.map_err(|error| format!("{error}: {theirs:?} of {all:02x?}"))?;
    }
    Ok(())
}

fn ciphertexts(peer: &mut Peer) -> Result<(), String> {
    let key = key()?;
    let (d, point) = (key.to_bytes(), key.public_key().to_sec1());
    // A key stream of few bytes may be zeros, which the standard forbids and not everyone looks at.
    let text = [&bytes(8)[..], &data()].concat();
    for (layout, open, close) in [
        (Layout::C1C3C2, "decrypt", "encrypt"),
        (Layout::C1C2C3, "decrypt-old", "encrypt-old"),
    ] {
        let ours = well(key.public_key().encrypt(layout, &text))?;
        let back = peer.bytes(open, &[&d[..], &ours])?;
        same("decrypted there", &text, &back, &[&d[..], &ours])?;
        let theirs = peer.bytes(close, &[&point, &text])?;
        let back = well(key.decrypt(layout, &theirs))?;
        same("decrypted here", &back, &text, &[&d[..], &theirs])?;
        // What was changed is decrypted by neither.
        let mut changed = ours.clone();
        let at = 65 + number(changed.len() - 65);
        changed[at] ^= 1;
        let answer = peer.ask(open, &[&d[..], &changed])?;
        if answer != "no" || key.decrypt(layout, &changed).is_ok() {
            return Err(format!("{answer} to {changed:02x?}, changed at {at}"));
        }
    }
    Ok(())
}
