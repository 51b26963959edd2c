//! A handshake and what follows it, with someone on the way who changes, cuts, repeats and inserts bytes. What then
//! arrives is what was sent, or nothing.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{
    Changes, changed,
    pair::{Pair, arrived},
};

/// The flights of a handshake, and those after it; see [`Pair::run`].
const HANDSHAKE: [usize; 4] = [0, 3, 4, 7];
const AFTER: [usize; 2] = [0, 1];

fuzz_target!(|input: (u8, u8, Changes)| {
    let (number, which, changes) = input;
    let (resuming, connected) = (which & 1 != 0, which & 2 != 0);
    let mut pair = Pair::new(resuming);
    let (to_server, to_client): (&[u8], &[u8]) = match connected {
        true => (b"open", b"shut"),
        false => (b"", b""),
    };
    let flights: &[usize] = match connected {
        true => &AFTER,
        false => &HANDSHAKE,
    };
    if connected {
        pair.shake_hands();
        pair.client.writer().write_all(to_server).unwrap();
        pair.server.writer().write_all(to_client).unwrap();
        if which & 4 != 0 {
            pair.client.refresh_traffic_keys().unwrap();
        }
    }
    let place = flights[usize::from(number) % flights.len()];
    pair.run(|number, _, flight| {
        if number == place {
            *flight = changed(flight, &changes);
        }
    });
    for (side, sent) in [
        (arrived(&mut pair.server), to_server),
        (arrived(&mut pair.client), to_client),
    ] {
        assert!(side.is_empty() || side == sent, "{side:?}");
    }
    if pair.complete() {
        pair.talk();
    }
});
