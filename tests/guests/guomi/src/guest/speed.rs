//! How fast it is, as a component sees it.

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;

use super::bindings::weihe::guomi::keys::Secret;
use super::bindings::weihe::guomi::signer::Signer;
use super::bindings::weihe::guomi::types::SignatureForm;
use super::bindings::weihe::guomi::{aead, digest};
use super::{Asked, Told, hex, said};

/// Bytes of what the last came to.
const END: usize = 16;

/// Does a thing `times` times over `bytes` bytes, and tells how many nanoseconds that took in all, and the end of what the
/// last came to: a digest, a tag, a signature.
pub fn measure(asked: &Asked) -> Told {
    let (bytes, times) = (asked.number("bytes") as usize, asked.number("times"));
    let data = vec![0x5a; bytes];
    let key = Secret::from_bytes(&[0x42; 16]).map_err(said)?;
    let what = asked.text("what").unwrap_or_default();
    let began;
    let mut last = Vec::new();
    match what {
        "sm3" => {
            began = Instant::now();
            for _ in 0..times {
                last = black_box(digest::sm3(black_box(&data)).map_err(said)?);
            }
        }
        "sm4-gcm" => {
            let mut nonce = [0; 12];
            // Made ready before: what is measured is a message.
            aead::seal(&key, aead::Mode::Gcm, &nonce, b"", &data).map_err(said)?;
            began = Instant::now();
            for count in 1..=times {
                nonce[4..].copy_from_slice(&count.to_be_bytes());
                let sealed = aead::seal(&key, aead::Mode::Gcm, &nonce, b"", black_box(&data));
                last = black_box(sealed.map_err(said)?);
            }
        }
        "sm2-sign" => {
            let signer = Signer::open(asked.text("key").unwrap_or_default()).map_err(said)?;
            began = Instant::now();
            for _ in 0..times {
                let signed = signer.sign(None, black_box(&data), SignatureForm::Raw);
                last = black_box(signed.map_err(said)?);
            }
        }
        _ => return Err(format!("nothing is known of `{what}`")),
    }
    let took = began.elapsed().as_nanos() as u64;
    let end = last.len().saturating_sub(END);
    Ok(json!({ "nanoseconds": took, "end": hex(&last[end..]) }))
}
