//! The rows of the table: what is measured, and what it should come to.

use weihe_sm::sm4::Backend;

use super::theirs::Theirs;
use super::works::{self, Work};
use super::{KIB, MIB, tls};

/// What a figure counts.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Megabytes of so many bytes at once.
    Bytes,
    /// Operations.
    Times,
}

pub struct Row {
    pub what: &'static str,
    /// Which of our backends.
    pub on: String,
    /// What OpenSSL's program calls it.
    pub work: &'static str,
    pub size: usize,
    pub unit: Unit,
    /// Ours for each of OpenSSL's.
    pub goal: Option<f64>,
    pub ours: Ours,
}

pub enum Ours {
    Ready(Box<dyn Work>),
    /// This processor lacks something.
    Skipped(&'static str),
}

/// SM4's backends for x86-64, what each needs, and what it should come to in GCM and CTR.
#[cfg(target_arch = "x86_64")]
const BACKENDS: [(&str, &str, Option<f64>); 5] = [
    ("GFNI with AVX-512", "GFNI and AVX-512", Some(6.0)),
    ("GFNI with AVX2", "GFNI", Some(6.0)),
    ("AES-NI with AVX2", "AVX2", Some(2.5)),
    ("AES-NI", "AES-NI", Some(2.5)),
    ("portable", "", None),
];
/// Those for ARM, of which nothing was promised.
#[cfg(not(target_arch = "x86_64"))]
const BACKENDS: [(&str, &str, Option<f64>); 3] = [
    ("ARMv8 SM4", "instructions for SM4", None),
    ("ARMv8 AES", "instructions for AES", None),
    ("portable", "", None),
];

/// Whether what is measured best here has instructions that a goal was set for.
fn has_gfni() -> bool {
    Backend::here().name().starts_with("GFNI")
}

type Mode = fn(Backend, usize) -> Result<Box<dyn Work>, String>;

/// All rows. What one side needs of the other, a signature or a ciphertext, comes from OpenSSL.
pub fn all(theirs: &mut Theirs) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let modes: [(&str, Mode, bool); 4] = [
        ("SM4-GCM", works::gcm, true),
        ("SM4-CTR", works::ctr, true),
        ("SM4-CBC", works::cbc, false),
        ("SM4-CCM", works::ccm, false),
    ];
    for (mode, make, promised) in modes {
        for (name, needs, goal) in BACKENDS {
            let backend = Backend::all_here();
            let backend = backend.into_iter().find(|backend| backend.name() == name);
            rows.push(Row {
                what: mode,
                on: name.to_owned(),
                work: mode,
                size: 16 * KIB,
                unit: Unit::Bytes,
                goal: goal.filter(|_| promised),
                ours: match backend {
                    Some(backend) => Ours::Ready(make(backend, 16 * KIB)?),
                    None => Ours::Skipped(needs),
                },
            });
        }
    }
    let mut add = |what, work, size, unit, goal, ours| {
        rows.push(Row {
            what,
            on: String::new(),
            work,
            size,
            unit,
            goal,
            ours: Ours::Ready(ours),
        });
    };
    use Unit::{Bytes, Times};
    let (short, long) = (16 * KIB, MIB);
    add("SM3", "SM3", short, Bytes, Some(1.0), works::sm3(short)?);
    add("SM3", "SM3", long, Bytes, Some(1.0), works::sm3(long)?);
    add(
        "HMAC-SM3",
        "HMAC-SM3",
        short,
        Bytes,
        None,
        works::hmac(short)?,
    );

    let signature = theirs.check("SM2-sign", DIGEST, &[])?;
    let signature = signature.get(DIGEST..).unwrap_or_default();
    let ciphertext = theirs.check("SM2-encrypt", DIGEST, &[])?;
    let ciphertext = ciphertext.get(DIGEST..).unwrap_or_default();
    let verify = works::verify(signature)?;
    let (encrypt, decrypt) = (works::encrypt(DIGEST)?, works::decrypt(ciphertext)?);
    add(
        "SM2, signing",
        SIGN,
        DIGEST,
        Times,
        Some(3.0),
        works::sign()?,
    );
    add("SM2, verifying", VERIFY, DIGEST, Times, Some(1.2), verify);
    add("SM2, encrypting", ENCRYPT, DIGEST, Times, None, encrypt);
    add("SM2, decrypting", DECRYPT, DIGEST, Times, None, decrypt);

    let goal = Some(1.8);
    let (one, both) = (tls::handshake(false)?, tls::handshake(true)?);
    add(
        "TLS handshakes, the server proved",
        "TLS-handshake",
        0,
        Times,
        goal,
        one,
    );
    add(
        "TLS handshakes, both proved",
        "TLS-mutual",
        0,
        Times,
        goal,
        both,
    );
    let goal = has_gfni().then_some(6.0);
    add(
        "TLS records, both ends",
        "TLS-bulk",
        short,
        Bytes,
        goal,
        tls::bulk(short)?,
    );
    Ok(rows)
}

pub const SIGN: &str = "SM2-sign";
pub const VERIFY: &str = "SM2-verify";
pub const ENCRYPT: &str = "SM2-encrypt";
pub const DECRYPT: &str = "SM2-decrypt";

/// Bytes of a digest, and of what is encrypted with SM2.
pub const DIGEST: usize = 32;
