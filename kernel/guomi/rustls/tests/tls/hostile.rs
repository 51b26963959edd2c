//! Bytes of someone who doesn't play by the rules: an error, never a panic, never a handshake that seems complete.
//!
//! The fuzz targets `guomi_tls` and `guomi_tls_changed` do the same with their input.

use proptest::prelude::*;

use crate::pipe::Pair;
use crate::pki;

/// Records with any contents, so that what is inside is looked at too.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(20u8), Just(21), Just(22), Just(23), any::<u8>()];
    let body = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..300));
    (kind, body).prop_map(|(kind, (message, body))| {
        let length = body.len() + 4;
        let mut record = vec![kind, 3, 3];
        record.extend((length as u16).to_be_bytes());
        // The head of a handshake message of the right length.
        record.push(message % 32);
        record.extend(&(body.len() as u32).to_be_bytes()[1..]);
        record.extend(body);
        record
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        prop::collection::vec(record(), 1..4).prop_map(|records| records.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_instead_of_a_peer_complete_nothing(bytes in bytes(), to_server: bool) {
        let mut pair = Pair::new(&pki::client(), &pki::server());
        let _ = pair.run_through(|of_client, flight| {
            if of_client == to_server {
                *flight = bytes.clone();
            } else {
                flight.clear();
            }
        });
        prop_assert!(pair.client.is_handshaking() && pair.server.is_handshaking());
    }

    #[test]
    fn bytes_after_an_honest_beginning_complete_nothing(bytes in bytes()) {
        let mut pair = Pair::new(&pki::client(), &pki::server());
        // The client's greeting arrives, the server's answer doesn't.
        let mut honest = true;
        let _ = pair.run_through(|of_client, flight| {
            if of_client && honest {
                honest = false;
            } else {
                *flight = bytes.clone();
            }
        });
        prop_assert!(pair.client.is_handshaking() && pair.server.is_handshaking());
    }

    #[test]
    fn a_handshake_in_which_a_message_was_changed_never_completes_on_both_sides(
        of_client: bool,
        // Over all of a flight, wherever it ends.
        place in 0.0..1.0f64,
        change in 1..=u8::MAX,
    ) {
        let mut pair = Pair::new(&pki::client(), &pki::server());
        let mut in_version = false;
        let mut first = true;
        let result = pair.run_through(|client, flight| {
            if client == of_client && first && !flight.is_empty() {
                first = false;
                let at = (place * flight.len() as f64) as usize;
                in_version = ignored(flight, at);
                flight[at] ^= change;
            }
        });
        // The record's version is not looked at (RFC 8446, 5.1).
        prop_assert!(result.is_err() || in_version || pair.client.is_handshaking() || pair.server.is_handshaking());
    }
}

#[test]
fn a_peer_that_stops_anywhere_in_its_first_flight_completes_nothing() {
    for of_client in [true, false] {
        for eighth in 0..8 {
            let mut pair = Pair::new(&pki::client(), &pki::server());
            let mut first = true;
            let _ = pair.run_through(|client, flight| {
                if client == of_client && !flight.is_empty() {
                    // Nothing comes after the first piece.
                    let kept = if first { flight.len() * eighth / 8 } else { 0 };
                    flight.truncate(kept);
                    first = false;
                }
            });
            assert!(pair.client.is_handshaking() && pair.server.is_handshaking());
            // And neither takes the end of the stream for anything else.
            assert_eq!(pair.client.read_tls(&mut &[][..]).unwrap(), 0);
            assert_eq!(pair.server.read_tls(&mut &[][..]).unwrap(), 0);
            let _ = pair.client.process_new_packets();
            let _ = pair.server.process_new_packets();
            assert!(pair.client.is_handshaking() && pair.server.is_handshaking());
        }
    }
}

/// Whether a byte of a flight is one of the version of a record, or in a record of change_cipher_spec.
fn ignored(flight: &[u8], at: usize) -> bool {
    let mut start = 0;
    while let Some(head) = flight.get(start..start + 5) {
        let end = start + 5 + usize::from(u16::from_be_bytes([head[3], head[4]]));
        if (start..end).contains(&at) {
            return (start + 1..start + 3).contains(&at) || head[0] == 20;
        }
        start = end;
    }
    false
}

#[test]
fn a_connection_that_was_tampered_with_stays_closed() {
    let mut pair = Pair::connected(&pki::client(), &pki::server());
    std::io::Write::write_all(&mut pair.client.writer(), b"text").unwrap();
    let result = pair.run_through(|of_client, flight| {
        if let (true, Some(last)) = (of_client, flight.last_mut()) {
            *last ^= 1;
        }
    });
    assert!(result.is_err());
    std::io::Write::write_all(&mut pair.client.writer(), b"text").ok();
    let again = pair.server.process_new_packets();
    assert!(again.is_err(), "the error is kept");
}
