use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, IntRef, Null, ObjectIdentifier, OctetStringRef},
};
use pbkdf2::pbkdf2_hmac;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::sm4::{BLOCK, Cbc, Key, Padding};
use crate::{Error, random};

/// How often PBKDF2 goes round for a key that is written here: what is recommended for passphrases that people choose
/// (OWASP, 2023); a fraction of a second here, and one or two on a small board.
pub const ITERATIONS: u32 = 600_000;

/// How often PBKDF2 may go round for a key that is read: a file must not keep the machine busy for minutes.
pub const MAX_ITERATIONS: u32 = 2_000_000;

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
/// HMAC-SM3 as appendix A of GM/T 0091-2020 calls it, and with it OpenSSL 4; this one is written.
const HMAC_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.401.3.1");
/// HMAC-SM3 as it is commonly called elsewhere, in Go's gmsm for one.
const HMAC_SM3_BEFORE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.401.2");
const SM4_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.104.2");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

/// Bytes of the salt of a key that is written here (RFC 8018, 4.1: 8 at least).
const SALT: usize = 16;

/// PBES2-params (RFC 8018, A.4).
#[derive(Sequence)]
struct Parameters<'a> {
    derivation: AlgorithmIdentifierRef<'a>,
    encryption: AlgorithmIdentifierRef<'a>,
}

/// PBKDF2-params (RFC 8018, A.2). Without `prf` it is HMAC-SHA1, which is not known here.
#[derive(Sequence)]
struct Derivation<'a> {
    salt: &'a OctetStringRef,
    /// Of any size, so that it can be said of a file that wants too many.
    iterations: IntRef<'a>,
    length: Option<u32>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

#[derive(Clone, Copy)]
enum Cipher {
    Sm4,
    Aes128,
    Aes256,
}

impl Cipher {
    fn key(self) -> usize {
        match self {
            Self::Sm4 | Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }
}

/// What PBKDF2 makes a key of a passphrase with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prf {
    /// HMAC-SM3. OpenSSL 3.0 doesn't read such a file; OpenSSL 4 does.
    #[default]
    Sm3,
    /// HMAC-SHA256, for who reads the file with an older OpenSSL.
    Sha256,
}

/// Undoes the encryption of a key.
pub(super) fn decrypt(
    algorithm: &AlgorithmIdentifierRef<'_>,
    passphrase: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if algorithm.oid != PBES2 {
        return Err(Error::Encryption(format!(
            "a scheme other than PBES2 ({})",
            algorithm.oid
        )));
    }
    let parameters: Parameters<'_> = decode(algorithm.parameters)?;
    if parameters.derivation.oid != PBKDF2 {
        return Err(Error::Encryption(format!(
            "a key derivation other than PBKDF2 ({})",
            parameters.derivation.oid
        )));
    }
    let derivation: Derivation<'_> = decode(parameters.derivation.parameters)?;
    let iterations = iterations(&derivation.iterations)?;
    let prf = match derivation.prf.map(|prf| prf.oid) {
        Some(HMAC_SM3 | HMAC_SM3_BEFORE) => Prf::Sm3,
        Some(HMAC_SHA256) => Prf::Sha256,
        Some(other) => return Err(Error::Encryption(format!("PBKDF2 over {other}"))),
        None => return Err(Error::Encryption("PBKDF2 over HMAC-SHA1".to_owned())),
    };
    let cipher = match parameters.encryption.oid {
        SM4_CBC => Cipher::Sm4,
        AES_128_CBC => Cipher::Aes128,
        AES_256_CBC => Cipher::Aes256,
        other => return Err(Error::Encryption(format!("the cipher {other}"))),
    };
    if derivation
        .length
        .is_some_and(|length| usize::try_from(length) != Ok(cipher.key()))
    {
        return Err(Error::Passphrase);
    }
    let iv: &OctetStringRef = decode(parameters.encryption.parameters)?;
    let iv: &[u8; BLOCK] = iv.as_bytes().try_into().map_err(|_| Error::Passphrase)?;
    let key = derive(
        prf,
        passphrase,
        derivation.salt.as_bytes(),
        iterations,
        cipher,
    );
    let plain = match cipher {
        Cipher::Sm4 => sm4(&key)
            .ok()
            .and_then(|sm4| sm4.decrypt(iv, Padding::Pkcs7, data).ok())
            .map(Zeroizing::new),
        Cipher::Aes128 => open::<cbc::Decryptor<aes::Aes128>>(&key, iv, data),
        Cipher::Aes256 => open::<cbc::Decryptor<aes::Aes256>>(&key, iv, data),
    };
    plain.ok_or(Error::Passphrase)
}

/// How often PBKDF2 goes round, where that is not too much.
fn iterations(number: &IntRef<'_>) -> Result<u32, Error> {
    let said = match number.as_bytes() {
        [0x80..=0xff, ..] => "less than 0".to_owned(),
        bytes => {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let number = match bytes[zeros..].len() {
                ..=8 => bytes
                    .iter()
                    .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)),
                _ => u64::MAX,
            };
            match u32::try_from(number) {
                Ok(rounds @ 1..=MAX_ITERATIONS) => return Ok(rounds),
                _ if number == u64::MAX => format!("{number} or more"),
                _ => number.to_string(),
            }
        }
    };
    Err(Error::Encryption(format!(
        "{said} iterations of PBKDF2; 1 to {MAX_ITERATIONS} are taken"
    )))
}

fn decode<'a, T: der::Choice<'a> + der::DecodeValue<'a>>(
    any: Option<AnyRef<'a>>,
) -> Result<T, Error> {
    any.and_then(|any| any.decode_as().ok())
        .ok_or(Error::Passphrase)
}

fn derive(
    prf: Prf,
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    cipher: Cipher,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; cipher.key()]);
    match prf {
        Prf::Sm3 => pbkdf2_hmac::<sm3::Sm3>(passphrase, salt, iterations, &mut key),
        Prf::Sha256 => pbkdf2_hmac::<sha2_0_11::Sha256>(passphrase, salt, iterations, &mut key),
    }
    key
}

fn sm4(key: &[u8]) -> Result<Cbc, Error> {
    Ok(Cbc::new(&Key::from_bytes(key)?))
}

fn open<C: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8; BLOCK],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(data.to_vec());
    let length = C::new_from_slices(key, iv)
        .ok()?
        .decrypt_padded::<Pkcs7>(&mut plain)
        .ok()?
        .len();
    plain.truncate(length);
    Some(plain)
}

/// Encrypts a key; gives the algorithm in DER and the ciphertext.
pub(super) fn encrypt(
    prf: Prf,
    iterations: u32,
    passphrase: &[u8],
    plain: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (mut salt, mut iv) = ([0; SALT], [0; BLOCK]);
    random(&mut salt)?;
    random(&mut iv)?;
    let key = derive(prf, passphrase, &salt, iterations, Cipher::Sm4);
    let data = sm4(&key)?.encrypt(&iv, Padding::Pkcs7, plain)?;
    let algorithm = algorithm(prf, iterations, &salt, &iv).map_err(form)?;
    Ok((algorithm, data))
}

fn algorithm(prf: Prf, iterations: u32, salt: &[u8], iv: &[u8]) -> der::Result<Vec<u8>> {
    let iterations = iterations.to_der()?;
    let derivation = Derivation {
        salt: OctetStringRef::new(salt)?,
        iterations: IntRef::from_der(&iterations)?,
        length: None,
        prf: Some(AlgorithmIdentifierRef {
            oid: match prf {
                Prf::Sm3 => HMAC_SM3,
                Prf::Sha256 => HMAC_SHA256,
            },
            parameters: Some(Null.into()),
        }),
    }
    .to_der()?;
    let parameters = Parameters {
        derivation: AlgorithmIdentifierRef {
            oid: PBKDF2,
            parameters: Some(AnyRef::try_from(derivation.as_slice())?),
        },
        encryption: AlgorithmIdentifierRef {
            oid: SM4_CBC,
            parameters: Some(AnyRef::new(der::Tag::OctetString, iv)?),
        },
    }
    .to_der()?;
    AlgorithmIdentifierRef {
        oid: PBES2,
        parameters: Some(AnyRef::try_from(parameters.as_slice())?),
    }
    .to_der()
}

pub(super) fn form(why: impl ToString) -> Error {
    Error::Form {
        what: "an encrypted private key",
        why: why.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn encrypted(iterations: u32) -> (Vec<u8>, Vec<u8>) {
        encrypt(Prf::Sm3, iterations, b"secret", b"a key").unwrap()
    }

    fn open(algorithm: &[u8], passphrase: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
        let algorithm = AlgorithmIdentifierRef::from_der(algorithm).unwrap();
        decrypt(&algorithm, passphrase, data).map(|plain| plain.to_vec())
    }

    #[test]
    fn a_file_that_would_take_minutes_is_refused_at_once() {
        let (algorithm, data) = encrypted(1);
        for iterations in [0, MAX_ITERATIONS + 1, u32::MAX] {
            let salt = [0; SALT];
            let algorithm = super::algorithm(Prf::Sm3, iterations, &salt, &salt).unwrap();
            let refused = open(&algorithm, b"secret", &data);
            assert!(matches!(refused, Err(Error::Encryption(_))), "{refused:?}");
        }
        assert_eq!(open(&algorithm, b"secret", &data).unwrap(), b"a key");
    }

    #[test]
    fn hmac_sm3_is_read_under_both_of_its_names() {
        let (algorithm, data) = encrypted(3);
        // 1.2.156.10197.1.401.3.1 gives way to 1.2.156.10197.1.401.2, which is a byte shorter.
        let new = HMAC_SM3.to_der().unwrap();
        let at = algorithm
            .windows(new.len())
            .position(|bytes| bytes == new)
            .unwrap();
        let mut before = algorithm.clone();
        before.splice(at..at + new.len(), HMAC_SM3_BEFORE.to_der().unwrap());
        // The lengths of what it stands in: of PBES2, its parameters, PBKDF2, its parameters, and of the PRF.
        for length in [1, 14, 16, 29, at - 1] {
            before[length] -= 1;
        }
        assert_eq!(open(&before, b"secret", &data).unwrap(), b"a key");
    }
}
