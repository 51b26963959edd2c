use proptest::prelude::*;
use weihe_sm::{
    Error,
    certificate::{Certificate, Purpose},
    request::Request,
};

use crate::plant::Plant;

#[test]
fn no_changed_bit_and_no_cut_certificate_passes() {
    let plant = Plant::new();
    let der = plant.server.certificate.to_der();
    for at in 0..der.len() {
        assert!(Certificate::from_der(&der[..at]).is_err(), "cut at {at}");
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = der.to_vec();
            changed[at] ^= bit;
            if let Ok(changed) = Certificate::from_der(&changed) {
                let says = plant.says(&changed, Purpose::Server);
                assert!(says.is_err(), "{bit:x} at {at}");
            }
        }
    }
    assert!(Certificate::from_der(&[der, &[0]].concat()).is_err());
    let huge = Certificate::from_der(&vec![0x30; 1 << 20]);
    assert!(matches!(huge, Err(Error::TooLong { .. })));
}

#[test]
fn a_text_may_hold_a_whole_chain() {
    let plant = Plant::new();
    let chain = [&plant.server, &plant.line, &plant.root].map(|holder| &holder.certificate);
    let text: String = chain.iter().map(|one| one.to_pem().unwrap()).collect();
    let read = Certificate::all_from_pem(&format!("words\n{text}")).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), chain);
    let refused = Certificate::from_pem(&text).unwrap_err().to_string();
    assert!(refused.contains("more than one"), "{refused}");
    let key = plant.server.key.to_pkcs8_pem().unwrap();
    let refused = Certificate::all_from_pem(&key).unwrap_err().to_string();
    assert!(refused.contains("only `PRIVATE KEY`"), "{refused}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Certificate::from_der(&bytes);
        let _ = Request::from_der(&bytes);
    }
}

#[test]
fn a_certificate_of_which_pieces_are_replaced_is_read_without_a_panic() {
    let plant = Plant::new();
    let der = plant.server.certificate.to_der();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let pieces = (0..der.len(), prop::collection::vec(any::<u8>(), 1..6));
    runner
        .run(&pieces, |(at, bytes)| {
            let mut changed = der.to_vec();
            let end = (at + bytes.len()).min(changed.len());
            changed.splice(at..end, bytes);
            if let Ok(read) = Certificate::from_der(&changed) {
                let _ = read.to_string();
                let _ = (read.not_before(), read.not_after(), read.common_name());
            }
            Ok(())
        })
        .unwrap();
}
