//! The S-box of SM4 by the inversion that processors do in the field of AES.
//!
//! S(x) = A (A x + C)^-1 + C in the field of x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1 (Liu and others, "Analysis of the
//! SMS4 block cipher", 2007), with A the circulant of a7 and C = d3, both hexadecimal. With M, which carries that field
//! over to the one of AES, it is A M^-1 (M A x + M C)^-1 + C.

/// M A, as the instruction `gf2p8affineqb` takes matrices.
pub(super) const INNER: i64 = 0x4c28_7db9_1a22_505d;
/// M C.
pub(super) const INNER_ADD: i32 = 0x3e;
/// A M^-1.
pub(super) const OUTER: i64 = 0xf3ab_34a9_74a6_b589_u64 as i64;
/// C.
pub(super) const OUTER_ADD: i32 = 0xd3;
