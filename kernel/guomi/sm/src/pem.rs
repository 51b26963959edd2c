//! The text form of keys, requests and certificates (RFC 7468).

use der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use crate::Error;

/// The label of a certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a request for a certificate.
pub const REQUEST: &str = "CERTIFICATE REQUEST";
/// The label of a private key in PKCS#8.
pub const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of an encrypted private key in PKCS#8.
pub const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";
/// The label of a private key in the form of SEC 1.
pub const EC_PRIVATE_KEY: &str = "EC PRIVATE KEY";
/// What OpenSSL calls the same of a key of SM2 (`openssl ec`).
pub const SM2_PRIVATE_KEY: &str = "SM2 PRIVATE KEY";
/// The label of a public key.
pub const PUBLIC_KEY: &str = "PUBLIC KEY";

/// The most that a text may be, in bytes: a bundle of some hundred certificates.
pub const MOST: usize = 1 << 20;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block of a text.
pub struct Block {
    /// What stands after `BEGIN`.
    pub label: String,
    /// What it holds, in DER.
    pub der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Block {
    // It may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pem::Block({})", self.label)
    }
}

/// The blocks of a text; what stands between them is left out (OpenSSL writes certificates in words there).
///
/// # Errors
/// [`Error::Form`] of a block that doesn't end, or isn't Base64; [`Error::TooLong`].
pub fn blocks(text: &str) -> Result<Vec<Block>, Error> {
    if text.len() > MOST {
        return Err(Error::TooLong {
            what: "a text in PEM",
            limit: MOST as u64,
        });
    }
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim).enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(label) = boundary(line, BEGIN) else {
            continue;
        };
        let mut body = Vec::new();
        loop {
            match lines.next() {
                Some((_, line)) if boundary(line, END) == Some(label) => break,
                Some((_, line)) if line.contains(':') => {
                    return Err(wrong(
                        number,
                        label,
                        "it has headers, as OpenSSL's old encryption of keys; `openssl pkcs8 -topk8` writes it anew",
                    ));
                }
                Some((_, line)) if !line.starts_with(DASHES) => body.push(line),
                _ => return Err(wrong(number, label, "it has no end")),
            }
        }
        let body = Zeroizing::new(body.concat());
        let der = decode(label, &body).ok_or_else(|| wrong(number, label, "it is not Base64"))?;
        blocks.push(Block {
            label: label.to_owned(),
            der,
        });
    }
    Ok(blocks)
}

/// The label of a line that begins or ends a block.
fn boundary<'a>(line: &'a str, which: &str) -> Option<&'a str> {
    line.strip_prefix(which)?.strip_suffix(DASHES)
}

fn wrong(line: usize, label: &str, why: &str) -> Error {
    let label: String = label.chars().filter(|c| !c.is_control()).take(40).collect();
    Error::Form {
        what: "a text in PEM",
        why: format!("the block `{label}` in line {}: {why}", line + 1),
    }
}

/// What stands in the lines of a block, of whatever length they were; in constant time.
fn decode(label: &str, body: &str) -> Option<Zeroizing<Vec<u8>>> {
    // One line of Base64 is what the decoder takes at any width.
    let parts = [
        BEGIN, label, DASHES, "\n", body, "\n", END, label, DASHES, "\n",
    ];
    // In one piece: what grows leaves copies behind that nobody erases.
    let block = Zeroizing::new(parts.concat());
    let mut decoder = pem::Decoder::new_wrapped(block.as_bytes(), body.len().max(4)).ok()?;
    let mut der = Zeroizing::new(Vec::with_capacity(body.len()));
    decoder.decode_to_end(&mut der).ok()?;
    Some(der)
}

/// A block as text.
///
/// # Errors
/// [`Error::Form`] of a label that cannot stand in PEM.
pub fn encode(label: &str, der: &[u8]) -> Result<Zeroizing<String>, Error> {
    pem::encode_string(label, LineEnding::LF, der)
        .map(Zeroizing::new)
        .map_err(|error| Error::Form {
            what: "a label of PEM",
            why: error.to_string(),
        })
}

/// The one block with this label in a text.
pub(crate) fn only(text: &str, label: &str, what: &'static str) -> Result<Block, Error> {
    let blocks = blocks(text)?;
    let found: Vec<_> = blocks.iter().map(|block| block.label.clone()).collect();
    let mut wanted = blocks.into_iter().filter(|block| block.label == label);
    match (wanted.next(), wanted.next()) {
        (Some(block), None) => Ok(block),
        (Some(_), Some(_)) => Err(Error::Form {
            what,
            why: format!("it holds more than one `{label}`"),
        }),
        (None, _) => Err(missing(what, label, &found)),
    }
}

/// What to say of a text that has not the block that is wanted.
pub(crate) fn missing(what: &'static str, label: &str, found: &[String]) -> Error {
    let has = match found {
        [] => "no block of PEM".to_owned(),
        found => format!("only `{}`", found.join("`, `")),
    };
    let has: String = has.chars().filter(|c| !c.is_control()).take(200).collect();
    Error::Form {
        what,
        why: format!("`-----BEGIN {label}-----` is wanted, and it has {has}"),
    }
}
