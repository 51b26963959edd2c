//! The S-box of SM4 by that of AES, between two affine maps that are looked up in registers by halves of bytes.
//!
//! With the field's isomorphism M as in the module `gfni`, and S'(x) = A' x^-1 + 63 (FIPS 197, 5.1.1), S(x) is
//! A M^-1 A'^-1 (S'(M A x + M C) + 63) + C.

/// M A x + M C for x from 0 to 15.
pub(super) const IN_LOW: [u8; 16] = [
    0x3e, 0xb2, 0x0e, 0x82, 0xbb, 0x37, 0x8b, 0x07, 0xa1, 0x2d, 0x91, 0x1d, 0x24, 0xa8, 0x14, 0x98,
];
/// M A x for x from 0 to f0.
pub(super) const IN_HIGH: [u8; 16] = [
    0x00, 0xdc, 0x2e, 0xf2, 0xc5, 0x19, 0xeb, 0x37, 0x08, 0xd4, 0x26, 0xfa, 0xcd, 0x11, 0xe3, 0x3f,
];
/// A M^-1 A'^-1 (x + 63) + C for x from 0 to 15.
pub(super) const OUT_LOW: [u8; 16] = [
    0x6c, 0xd4, 0xa6, 0x1e, 0x52, 0xea, 0x98, 0x20, 0x0b, 0xb3, 0xc1, 0x79, 0x35, 0x8d, 0xff, 0x47,
];
/// A M^-1 A'^-1 x for x from 0 to f0.
pub(super) const OUT_HIGH: [u8; 16] = [
    0x00, 0xe0, 0x50, 0xb0, 0x9d, 0x7d, 0xcd, 0x2d, 0xc0, 0x20, 0x90, 0x70, 0x5d, 0xbd, 0x0d, 0xed,
];

/// The order of bytes that undoes the ShiftRows of AES (FIPS 197, 5.1.2), and rotates words by whole bytes towards
/// the highest.
pub(super) const fn unshift(bytes: usize) -> [u8; 16] {
    let mut order = [0; 16];
    let mut at = 0;
    while at < 16 {
        let row = (at % 4 + 4 - bytes) % 4;
        let column = (at / 4 + 4 - row) % 4;
        order[at] = (row + 4 * column) as u8;
        at += 1;
    }
    order
}

/// The order that turns the bytes of each word round, where there is no instruction for it.
#[cfg(target_arch = "x86_64")]
pub(super) const REVERSAL: [u8; 16] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
