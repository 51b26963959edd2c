//! Random data, here and in OpenSSL 4 by way of PyPI's `cryptography`. npm's `sm-crypto` is asked the same on demand, see
//! `tests/peers/javascript`.
#![allow(clippy::expect_used, clippy::panic)]

mod cases;
#[path = "../../../rustls/tests/tls/python.rs"]
mod environment;
mod line;

use cases::{COMMON, MORE, Subject};
use line::Peer;

const ROUNDS: usize = 150;

#[track_caller]
fn agree(subjects: &[Subject]) {
    let Some(mut python) = environment::find() else {
        return;
    };
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/peer.py");
    python.arg(program);
    let mut peer = Peer::start(python).unwrap_or_else(|error| panic!("{error}"));
    for (name, round) in subjects {
        for at in 0..ROUNDS {
            round(&mut peer).unwrap_or_else(|error| panic!("{name}, round {at}: {error}"));
        }
    }
}

#[test]
fn openssl_4_hashes_and_encrypts_as_we_do() {
    agree(&COMMON);
}

#[test]
fn openssl_4_counts_authenticates_and_derives_as_we_do() {
    agree(&MORE);
}
