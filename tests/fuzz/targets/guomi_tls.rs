//! Any bytes, as they come from a peer: to a server, to a client, instead of a handshake and after the honest
//! beginning of one, or in the middle of a connection. A handshake that one side has not heard is complete for none of
//! both, and nothing arrives that the peer has not sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::pair::{Pair, arrived};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (which, honest, bytes) = input;
    let (to_server, resuming, connected) = (which & 1 != 0, which & 2 != 0, which & 4 != 0);
    let mut pair = Pair::new(resuming);
    if connected {
        pair.shake_hands();
    }
    // Up to the server's flight; the client's last one never.
    let honest = match connected {
        true => 0,
        false => usize::from(honest % 5),
    };
    let mut bytes = Some(framed(which >> 3, bytes));
    pair.run(|number, of_client, flight| {
        if number >= honest {
            *flight = bytes
                .take_if(|_| of_client == to_server)
                .unwrap_or_default();
        }
    });
    assert_eq!(pair.complete(), connected);
    assert!(arrived(&mut pair.server).is_empty());
    assert!(arrived(&mut pair.client).is_empty());
});

/// As they are, or in a record that is as long as they are.
fn framed(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let kind = match kind % 4 {
        0 => return bytes.to_vec(),
        1 => 22,
        2 => 23,
        _ => 21,
    };
    let length = (bytes.len() as u16).to_be_bytes();
    [&[kind, 3, 3][..], &length, bytes].concat()
}
