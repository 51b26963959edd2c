//! Registers of 256 bits, each with one word of eight blocks, as the backends on them have it.

use std::arch::x86_64::*;

use super::aes::REVERSAL;

/// Blocks in a register.
pub(super) const REGISTER: usize = 8;

/// The words of eight blocks.
pub(super) type Group = [__m256i; 4];

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

/// Takes the bytes of each half in another order.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn turn(words: __m256i, order: [u8; 16]) -> __m256i {
    _mm256_shuffle_epi8(words, twice(order))
}

/// The same in both halves.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn twice(bytes: [u8; 16]) -> __m256i {
    // SAFETY: the array is as long as half a register; the instruction does not mind how it is aligned.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(blocks: &[[u8; 16]; REGISTER]) -> Group {
    let start = blocks.as_ptr().cast::<__m256i>();
    let mut rows = [_mm256_setzero_si256(); 4];
    for (at, row) in rows.iter_mut().enumerate() {
        // SAFETY: four times two blocks are what there is; the instruction does not mind how they are aligned.
        let bytes = unsafe { _mm256_loadu_si256(start.add(at)) };
        *row = turn(bytes, REVERSAL);
    }
    transpose(rows)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store([a, b, c, d]: Group, blocks: &mut [[u8; 16]; REGISTER]) {
    let start = blocks.as_mut_ptr().cast::<__m256i>();
    for (at, row) in transpose([d, c, b, a]).into_iter().enumerate() {
        let bytes = turn(row, REVERSAL);
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_si256(start.add(at), bytes) };
    }
}

/// Blocks to words and back, in each half.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn transpose([a, b, c, d]: Group) -> Group {
    let (ab, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab, cd),
        _mm256_unpackhi_epi64(ab, cd),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}
