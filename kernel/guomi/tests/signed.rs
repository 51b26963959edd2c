//! Signatures of plugins, as whoever wants to slip something past them would try.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weihe_guomi::signed::{
    Allowed, Envelope, Fault, Gate, Mode, Policy, SectionError, SignError, Sound, StatementError,
    Versions, Who, join, part, sign,
};
use weihe_kernel::event::hex;
use weihe_kernel::runtime::{Admission, Description};
use weihe_sm::certificate::{
    Certificate, Fingerprint, Order, Profile, Refusal, issue, self_signed,
};
use weihe_sm::sm2::{DEFAULT_ID, PrivateKey};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// When all certificates begin.
const BEGIN: Duration = Duration::from_secs(1_700_000_000);

fn begin() -> SystemTime {
    UNIX_EPOCH + BEGIN
}

fn order(subject: &str, profile: Profile, years: u32) -> Order {
    Order {
        subject: subject.to_owned(),
        profile,
        hosts: Vec::new(),
        not_before: begin(),
        not_after: begin() + YEAR * years,
    }
}

struct Maker {
    key: PrivateKey,
    certificate: Certificate,
}

/// A root, and a maker whose certificate is valid for a year.
fn plant() -> (Certificate, PrivateKey, Maker) {
    let root_key = PrivateKey::generate().unwrap();
    let profile = Profile::Authority {
        path_length: Some(1),
    };
    let root = self_signed(&root_key, &order("CN=Plant", profile, 10)).unwrap();
    let maker = maker(&root, &root_key, "CN=Maker,O=Plant", Profile::CodeSigning);
    (root, root_key, maker)
}

fn maker(root: &Certificate, root_key: &PrivateKey, subject: &str, profile: Profile) -> Maker {
    let key = PrivateKey::generate().unwrap();
    let order = order(subject, profile, 1);
    let certificate = issue(root, root_key, &key.public_key(), &order).unwrap();
    Maker { key, certificate }
}

/// A maker whose certificate an authority below the root has issued, and the chain of both.
fn below(root: &Certificate, root_key: &PrivateKey) -> (Maker, [Certificate; 2]) {
    let profile = Profile::Authority {
        path_length: Some(0),
    };
    let key = PrivateKey::generate().unwrap();
    let between = order("CN=Between", profile, 1);
    let between = issue(root, root_key, &key.public_key(), &between).unwrap();
    let below = maker(&between, &key, "CN=Below", Profile::CodeSigning);
    let chain = [below.certificate.clone(), between];
    (below, chain)
}

/// A small component with a module in it.
fn component() -> Vec<u8> {
    let mut file = b"\0asm\x0d\0\x01\0".to_vec();
    file.extend_from_slice(b"\x01\x08\0asm\x01\0\0\0");
    file.extend_from_slice(b"\0\x0b\x04note hello");
    file
}

fn signed_by(maker: &Maker, time: SystemTime) -> Vec<u8> {
    let certificates = std::slice::from_ref(&maker.certificate);
    sign(
        &component(),
        ("meter", "1.2.0"),
        time,
        &maker.key,
        certificates,
    )
    .unwrap()
}

fn requiring(root: &Certificate) -> Policy {
    Policy {
        mode: Mode::Require,
        trust: vec![root.clone()],
        ..Policy::default()
    }
}

#[test]
fn a_signature_says_who_signed_what_and_when_and_covers_the_component_as_it_was() {
    let (root, _, maker) = plant();
    let time = begin() + Duration::from_secs(1000);
    let file = signed_by(&maker, time);
    let sound = requiring(&root).check(&file).unwrap();
    let said = sound.statement();
    assert_eq!((said.name(), said.release()), ("meter", "1.2.0"));
    assert_eq!(sound.time(), time);
    assert_eq!(sound.signer(), &maker.certificate);
    assert_eq!(file[..sound.covered()], component());
    // Signed again, there is still one signature.
    let certificates = std::slice::from_ref(&maker.certificate);
    let again = sign(&file, ("meter", "1.3.0"), time, &maker.key, certificates).unwrap();
    let sound = requiring(&root).check(&again).unwrap();
    assert_eq!(sound.statement().release(), "1.3.0");
    assert_eq!(again[..sound.covered()], component());
}

/// Each value for each byte, before each byte and at the end, and no byte: of the smallest file that there is.
#[test]
fn no_file_that_differs_in_one_byte_is_taken() {
    let key = PrivateKey::generate().unwrap();
    let own = self_signed(&key, &order("CN=M", Profile::CodeSigning, 1)).unwrap();
    let chain = std::slice::from_ref(&own);
    let file = sign(&component(), ("m", "1"), begin(), &key, chain).unwrap();
    let policy = requiring(&own);
    policy.check(&file).unwrap();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (file, policy) = (&file, &policy);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for at in (thread..=file.len()).step_by(threads) {
                    let (before, after) = file.split_at(at);
                    for value in 0..=u8::MAX {
                        let longer = [before, &[value], after].concat();
                        assert!(policy.check(&longer).is_err(), "{value} more at {at}");
                        if let Some((byte, rest)) = after.split_first()
                            && *byte != value
                        {
                            let changed = [before, &[value], rest].concat();
                            assert!(policy.check(&changed).is_err(), "{value} at {at}");
                        }
                    }
                    let shorter = [before, after.get(1..).unwrap_or_default()].concat();
                    assert!(shorter == *file || policy.check(&shorter).is_err(), "{at}");
                }
            });
        }
    });
}

#[test]
fn no_byte_of_a_file_with_a_chain_can_be_changed_left_out_or_added() {
    let (root, root_key, _) = plant();
    let (below, chain) = below(&root, &root_key);
    let policy = requiring(&root);
    let file = sign(&component(), ("meter", "1"), begin(), &below.key, &chain).unwrap();
    policy.check(&file).unwrap();
    let refused = |tampered: &[u8], how: &str, at: usize| {
        assert!(policy.check(tampered).is_err(), "{how} at {at}");
    };
    for at in 0..file.len() {
        let byte = file[at];
        let mut changed = file.clone();
        let values = (0..8).map(|bit| byte ^ 1 << bit);
        let more = [
            0,
            0x7f,
            0x80,
            0xff,
            byte.wrapping_add(1),
            byte.wrapping_sub(1),
        ];
        for value in values.chain(more).filter(|value| *value != byte) {
            changed[at] = value;
            refused(&changed, &format!("{value:#x} for {byte:#x}"), at);
        }
        let mut shorter = file.clone();
        shorter.remove(at);
        refused(&shorter, "a byte less", at);
        refused(&file[..at], "cut", at);
    }
    for at in 0..=file.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut longer = file.clone();
            longer.insert(at, value);
            refused(&longer, &format!("{value:#x} more"), at);
        }
    }
    for trailing in [&b"\0"[..], b"\0\x05\x04more", b"\x01\x08\0asm\x01\0\0\0"] {
        let mut longer = file.clone();
        longer.extend_from_slice(trailing);
        assert!(matches!(policy.check(&longer), Err(Fault::Section(_))));
    }
}

#[test]
fn a_signature_brings_the_chain_of_its_signer_and_nothing_else() {
    let (root, root_key, maker) = plant();
    let (below, chain) = below(&root, &root_key);
    // As an authority may answer: in another order, with its root, and with what has nothing to do with it.
    let answered = [
        chain[0].clone(),
        root.clone(),
        maker.certificate.clone(),
        chain[1].clone(),
    ];
    let file = sign(&component(), ("meter", "1"), begin(), &below.key, &answered).unwrap();
    let sound = requiring(&root).check(&file).unwrap();
    assert_eq!(sound.issuer(), "CN=Plant");
    let written = Envelope::read(part(&file).unwrap().content.unwrap()).unwrap();
    let ders = |chain: &[Certificate]| -> Vec<Vec<u8>> {
        chain.iter().map(|one| one.to_der().to_vec()).collect()
    };
    assert_eq!(written.certificates().unwrap(), ders(&chain));
    // Whoever has the key signs something else along.
    let other = ders(&[chain[0].clone(), maker.certificate]);
    let bytes = Envelope::to_be_signed(written.statement(), &other).unwrap();
    let signature = below.key.sign(DEFAULT_ID, &bytes).unwrap().to_bytes();
    let forged = Envelope::new(written.statement().clone(), &other, signature);
    let forged = join(&component(), &forged.unwrap().write().unwrap());
    assert!(matches!(
        requiring(&root).check(&forged),
        Err(Fault::Chain { .. })
    ));
}

#[test]
fn a_second_a_moved_and_a_nested_signature_count_for_nothing() {
    let (root, _, maker) = plant();
    let policy = requiring(&root);
    let file = signed_by(&maker, begin());
    let content = part(&file).unwrap().content.unwrap().to_vec();
    let twice = join(&file, &content);
    assert!(matches!(
        policy.check(&twice),
        Err(Fault::Section(SectionError::Two { .. }))
    ));
    // That of another component.
    let mut other = component();
    other.extend_from_slice(b"\0\x05\x04more");
    assert_eq!(
        policy.check(&join(&other, &content)).unwrap_err(),
        Fault::Statement(StatementError::Changed)
    );
    // The whole signed component within another.
    let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
    let mut length = file.len();
    while length > 0x7f {
        outer.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    outer.push(length as u8);
    outer.extend_from_slice(&file);
    assert_eq!(policy.check(&outer).unwrap_err(), Fault::Unsigned);
}

#[test]
fn nobody_puts_another_certificate_of_the_same_key_under_a_signature() {
    let (root, root_key, maker) = plant();
    let policy = requiring(&root);
    let file = signed_by(&maker, begin());
    let taken = part(&file).unwrap();
    let envelope = Envelope::read(taken.content.unwrap()).unwrap();
    let public = maker.key.public_key();
    let other = order("CN=Released,O=Plant", Profile::CodeSigning, 1);
    let other = issue(&root, &root_key, &public, &other).unwrap();
    let own = maker.certificate.to_der().to_vec();
    // In its place, before it, and behind it.
    let other = other.to_der().to_vec();
    for certificates in [
        vec![other.clone()],
        vec![other.clone(), own.clone()],
        vec![own.clone(), other],
        vec![own.clone(), own],
    ] {
        let signature = envelope.signature().try_into().unwrap();
        let forged = Envelope::new(envelope.statement().clone(), &certificates, signature);
        let forged = join(taken.covered, &forged.unwrap().write().unwrap());
        let refused = policy.check(&forged).unwrap_err();
        assert!(matches!(refused, Fault::Signature { .. }), "{refused}");
    }
}

#[test]
fn a_plugin_runs_under_the_name_that_was_signed_or_where_it_is_said_to_be_another() {
    let folder = tempfile::tempdir().unwrap();
    let versions = Versions::open(&folder.path().join("v.json"), |one, other| one.cmp(other));
    let (root, _, maker) = plant();
    let gate = Gate::new(requiring(&root), versions.unwrap());
    let file = signed_by(&maker, begin());
    // The valve's grants are not for a meter, however well that is signed.
    let path = Path::new("valve.wasm");
    let refused = gate.ask("valve", path, file.clone()).unwrap_err();
    assert!(refused.contains("was signed as `meter`"), "{refused}");
    let said_so = Policy {
        signed_as: [("valve".to_owned(), "meter".to_owned())].into(),
        ..requiring(&root)
    };
    gate.set_policy(said_so.clone());
    gate.ask("valve", path, file.clone()).unwrap();
    gate.ask("meter", path, file.clone()).unwrap();
    // Who may sign goes by the name that is signed, in either case.
    gate.set_policy(Policy {
        signers: vec![Allowed {
            who: Who::Name("Maker".to_owned()),
            names: vec!["valve".to_owned()],
        }],
        ..said_so
    });
    let refused = gate.ask("valve", path, file.clone()).unwrap_err();
    assert!(refused.contains("may not sign `meter`"), "{refused}");
    gate.set_policy(Policy {
        mode: Mode::Warn,
        ..requiring(&root)
    });
    let admitted = gate.ask("valve", path, file).unwrap();
    assert_eq!(admitted.signed, None);
    let warning = admitted.origin.unwrap().warning.unwrap();
    assert!(warning.contains("would run as `valve`"), "{warning}");
}

#[test]
fn what_was_let_in_unseen_does_not_run_where_signatures_are_required_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let versions = Versions::open(&folder.path().join("v.json"), |one, other| one.cmp(other));
    let (root, ..) = plant();
    let gate = Gate::new(Policy::default(), versions.unwrap());
    let mut admitted = gate.ask("meter", Path::new("m"), component()).unwrap();
    let mut describe = |gate: &Gate| {
        gate.described(
            admitted.signed.as_ref(),
            &said("meter", "1.2.0"),
            &mut admitted.origin,
        )
    };
    describe(&gate).unwrap();
    gate.set_policy(requiring(&root));
    assert_eq!(describe(&gate).unwrap_err(), "it is not signed");
}

#[test]
fn another_key_than_the_certificates_signs_nothing() {
    let (root, root_key, maker) = plant();
    let other = self::maker(&root, &root_key, "CN=Other", Profile::CodeSigning);
    let mixed = std::slice::from_ref(&other.certificate);
    let refused = sign(&component(), ("a", "1"), begin(), &maker.key, mixed);
    assert!(matches!(refused, Err(SignError::OtherKey { .. })));
    // The signature of one under the certificate of the other.
    let file = signed_by(&maker, begin());
    let taken = part(&file).unwrap();
    let envelope = Envelope::read(taken.content.unwrap()).unwrap();
    let forged = Envelope::new(
        envelope.statement().clone(),
        &[other.certificate.to_der().to_vec()],
        envelope.signature().try_into().unwrap(),
    );
    let forged = join(taken.covered, &forged.unwrap().write().unwrap());
    assert!(matches!(
        requiring(&root).check(&forged),
        Err(Fault::Signature { .. })
    ));
}

#[test]
fn a_certificate_must_be_trusted_for_programs_and_valid_at_the_signing_time() {
    let (root, root_key, maker) = plant();
    let policy = requiring(&root);
    // The day it ends still counts, whatever the clock says now.
    let end = begin() + YEAR;
    policy.check(&signed_by(&maker, end)).unwrap();
    let certificates = std::slice::from_ref(&maker.certificate);
    for time in [
        end + Duration::from_secs(1),
        begin() - Duration::from_secs(1),
    ] {
        let refused = sign(&component(), ("a", "1"), time, &maker.key, certificates);
        assert!(matches!(
            refused,
            Err(SignError::Fault(Fault::Refused(
                Refusal::Expired { .. } | Refusal::NotYetValid { .. }
            )))
        ));
    }
    let server = self::maker(&root, &root_key, "CN=Server", Profile::Server);
    let certificates = std::slice::from_ref(&server.certificate);
    let refused = sign(&component(), ("a", "1"), begin(), &server.key, certificates);
    assert!(matches!(
        refused,
        Err(SignError::Fault(Fault::Refused(Refusal::Purpose { .. })))
    ));
    let (elsewhere, _, stranger) = plant();
    let file = signed_by(&stranger, begin());
    assert!(matches!(
        policy.check(&file),
        Err(Fault::Refused(
            Refusal::Untrusted { .. } | Refusal::Signature { .. }
        ))
    ));
    requiring(&elsewhere).check(&file).unwrap();
    let nobody = Policy {
        trust: Vec::new(),
        ..policy
    };
    assert!(matches!(nobody.check(&file), Err(Fault::Nobody { .. })));
}

#[test]
fn a_revoked_signer_and_one_below_a_revoked_authority_are_refused() {
    let (root, root_key, maker) = plant();
    let (below, chain) = below(&root, &root_key);
    let between = &chain[1];
    let deep = sign(&component(), ("meter", "1"), begin(), &below.key, &chain).unwrap();
    let mut policy = requiring(&root);
    policy.check(&deep).unwrap();
    policy.revoked.add(&between.serial()).unwrap();
    policy
        .revoked
        .add(&hex(&maker.certificate.fingerprint()))
        .unwrap();
    for file in [deep, signed_by(&maker, begin())] {
        assert!(matches!(
            policy.check(&file),
            Err(Fault::Refused(Refusal::Revoked { .. }))
        ));
    }
}

#[test]
fn a_signer_signs_the_names_that_it_may_sign() {
    let (root, root_key, maker) = plant();
    let mut policy = requiring(&root);
    let allow = |who, name: &str| Allowed {
        who,
        names: vec![name.to_owned()],
    };
    let file = signed_by(&maker, begin());
    policy.signers = vec![allow(Who::Name("Maker".to_owned()), "met*")];
    policy.check(&file).unwrap();
    let fingerprint = Fingerprint::of(&maker.certificate);
    policy.signers = vec![allow(Who::Certificate(fingerprint), "valve")];
    let error = policy.check(&file).unwrap_err();
    assert!(matches!(&error, Fault::Name { .. }));
    assert!(error.to_string().contains("only: `valve`"), "{error}");
    let other = self::maker(&root, &root_key, "CN=Other", Profile::CodeSigning);
    let file = signed_by(&other, begin());
    assert!(matches!(policy.check(&file), Err(Fault::Stranger { .. })));
}

fn said(name: &str, version: &str) -> Description {
    Description {
        name: name.to_owned(),
        version: version.to_owned(),
        ..Description::default()
    }
}

#[test]
fn the_gate_hands_on_what_was_signed_and_nothing_that_calls_itself_otherwise_or_is_older() {
    let folder = tempfile::tempdir().unwrap();
    let versions = Versions::open(&folder.path().join("v.json"), |one, other| one.cmp(other));
    let (root, _, maker) = plant();
    let gate = Gate::new(requiring(&root), versions.unwrap());
    let file = signed_by(&maker, begin());
    let path = Path::new("meter.wasm");
    let admitted = gate.ask("meter", path, file.clone()).unwrap();
    assert_eq!(admitted.bytes, component());
    let mut origin = admitted.origin.clone();
    let signed = admitted.signed.as_ref();
    gate.described(signed, &said("meter", "1.2.0"), &mut origin)
        .unwrap();
    for other in [said("meter", "1.2.1"), said("valve", "1.2.0")] {
        gate.described(signed, &other, &mut origin).unwrap_err();
    }
    let known = origin.clone().unwrap();
    gate.runs(&said("meter", "1.3.0"), &known);
    let older = gate.described(signed, &said("meter", "1.2.0"), &mut origin);
    assert!(older.unwrap_err().contains("1.3.0 has run here"));
    // An operator goes back: that version, and none before it, is let in again.
    gate.returns(&said("meter", "1.2.0"), &known);
    gate.described(signed, &said("meter", "1.2.0"), &mut origin)
        .unwrap();
    gate.runs(&said("meter", "1.3.0"), &known);
    let mut allowing = requiring(&root);
    allowing.older = vec!["met*".to_owned()];
    gate.set_policy(allowing);
    gate.described(signed, &said("meter", "1.2.0"), &mut origin)
        .unwrap();
    // With a warning, all of it runs, and what is compiled is the same.
    gate.set_policy(Policy {
        mode: Mode::Warn,
        ..requiring(&root)
    });
    gate.described(signed, &said("valve", "1.2.0"), &mut origin)
        .unwrap();
    let origin = origin.unwrap();
    assert_eq!(origin.signer, None);
    assert!(
        origin
            .warning
            .unwrap()
            .contains("calls itself `valve 1.2.0`")
    );
    let mut tampered = file;
    tampered[25] ^= 1;
    let admitted = gate.ask("meter", path, tampered.clone()).unwrap();
    assert_eq!(admitted.bytes, tampered[..component().len()]);
    let warning = admitted.origin.unwrap().warning.unwrap();
    assert!(warning.contains("changed after it was signed"), "{warning}");
    assert!(Sound::read(&tampered).is_err());
}
