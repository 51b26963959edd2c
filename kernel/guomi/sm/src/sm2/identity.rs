use crate::{Error, sm3::Sm3};

/// The identity of a signer where nothing else was agreed on (GM/T 0009-2012, 10; RFC 8998, 3.2.1 for certificates).
pub const DEFAULT_ID: &[u8] = b"1234567812345678";

/// a, b and the base point of the curve (GB/T 32918.5-2017, 2), each coordinate in 32 bytes.
const CURVE: [[u8; 32]; 4] = [
    hex("fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"),
    hex("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"),
    hex("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"),
    hex("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"),
];

/// The 32 bytes that 64 digits stand for.
pub(super) const fn hex(digits: &str) -> [u8; 32] {
    let digits = digits.as_bytes();
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 64 {
        let value = match digits[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit => digit - b'a' + 10,
        };
        bytes[at / 2] = bytes[at / 2] << 4 | value;
        at += 1;
    }
    bytes
}

/// Z, the digest over an identity and a public key (GB/T 32918.2-2016, 5.5). `point` is x and y.
pub(super) fn z(id: &[u8], point: &[u8; 64]) -> Result<[u8; 32], Error> {
    let bits = id
        .len()
        .checked_mul(8)
        .and_then(|bits| u16::try_from(bits).ok());
    let bits = bits.ok_or(Error::Identity(id.len()))?;
    let mut digest = Sm3::new();
    digest.update(&bits.to_be_bytes());
    digest.update(id);
    for number in &CURVE {
        digest.update(number);
    }
    digest.update(point);
    Ok(digest.finish())
}

/// e, the digest that is signed (GB/T 32918.2-2016, 6.1, A1 and A2).
pub(super) fn e(id: &[u8], point: &[u8; 64], message: &[u8]) -> Result<[u8; 32], Error> {
    let mut digest = Sm3::new();
    digest.update(&z(id, point)?);
    digest.update(message);
    Ok(digest.finish())
}
