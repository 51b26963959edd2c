//! AES instructions on registers of 128 bits, each with one word of four blocks.

use std::arch::x86_64::*;

use super::{Keys, aes::*, schedule};

/// Blocks in a register.
const REGISTER: usize = 4;

/// The words of four blocks.
type Group = [__m128i; 4];

#[target_feature(enable = "aes,ssse3")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    // Words that are all equal don't notice how rows are shifted.
    schedule::expand(
        key,
        |word| _mm_cvtsi128_si32(sbox(_mm_set1_epi32(word as i32))) as u32,
        keys,
    );
}

#[target_feature(enable = "aes,ssse3")]
pub(super) fn blocks(keys: &Keys, blocks: &mut [[u8; 16]]) {
    // Four groups at a time hide how long an instruction takes, though the registers hold but two: what waits in memory
    // is there again in time.
    let (parts, rest) = blocks.as_chunks_mut::<{ 4 * REGISTER }>();
    for part in parts {
        crypt::<4>(keys, part);
    }
    let (parts, rest) = rest.as_chunks_mut::<{ 2 * REGISTER }>();
    for part in parts {
        crypt::<2>(keys, part);
    }
    for part in rest.chunks_mut(REGISTER) {
        let mut whole = [[0; 16]; REGISTER];
        whole[..part.len()].copy_from_slice(part);
        crypt::<1>(keys, &mut whole);
        part.copy_from_slice(&whole[..part.len()]);
    }
}

/// 4 N blocks, in their place.
#[inline]
#[target_feature(enable = "aes,ssse3")]
fn crypt<const N: usize>(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let (parts, _) = blocks.as_chunks_mut::<REGISTER>();
    let mut groups = [[_mm_setzero_si128(); 4]; N];
    for (group, part) in groups.iter_mut().zip(&*parts) {
        *group = transpose(part.map(|block| turn(vector(block), REVERSAL)));
    }
    for keys in keys.as_chunks::<4>().0 {
        for [a, b, c, d] in &mut groups {
            *a = round(*a, [*b, *c, *d], keys[0]);
        }
        for [a, b, c, d] in &mut groups {
            *b = round(*b, [*c, *d, *a], keys[1]);
        }
        for [a, b, c, d] in &mut groups {
            *c = round(*c, [*d, *a, *b], keys[2]);
        }
        for [a, b, c, d] in &mut groups {
            *d = round(*d, [*a, *b, *c], keys[3]);
        }
    }
    for ([a, b, c, d], part) in groups.into_iter().zip(parts) {
        for (row, block) in transpose([d, c, b, a]).into_iter().zip(part) {
            // SAFETY: a block is as long as a register; the instruction does not mind how it is aligned.
            unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), turn(row, REVERSAL)) };
        }
    }
}

/// The S-box on each byte, with rows shifted as AES does.
#[inline]
#[target_feature(enable = "aes,ssse3")]
fn sbox(words: __m128i) -> __m128i {
    let inner = halves(words, IN_LOW, IN_HIGH);
    let inverse = _mm_aesenclast_si128(inner, _mm_setzero_si128());
    halves(inverse, OUT_LOW, OUT_HIGH)
}

/// An affine map, from what it makes of the lower and the upper four bits.
#[inline]
#[target_feature(enable = "ssse3")]
fn halves(bytes: __m128i, low: [u8; 16], high: [u8; 16]) -> __m128i {
    let lowest = _mm_set1_epi8(0x0f);
    let lower = _mm_and_si128(bytes, lowest);
    let upper = _mm_and_si128(_mm_srli_epi32::<4>(bytes), lowest);
    xor(
        _mm_shuffle_epi8(vector(low), lower),
        _mm_shuffle_epi8(vector(high), upper),
    )
}

/// `word` XOR T of the others and the key (GB/T 32907-2016, 6.1). The last of the others is the newest.
#[inline]
#[target_feature(enable = "aes,ssse3")]
fn round(word: __m128i, [old, older, newest]: [__m128i; 3], key: u32) -> __m128i {
    const TURNS: [[u8; 16]; 4] = [unshift(0), unshift(1), unshift(2), unshift(3)];
    let early = xor(xor(old, older), _mm_set1_epi32(key as i32));
    let shifted = sbox(xor(early, newest));
    let [s, by_8, by_16, by_24] = TURNS.map(|order| turn(shifted, order));
    // L(B) = B + (B <<< 24) + ((B + (B <<< 8) + (B <<< 16)) <<< 2) (6.2, rearranged).
    let inner = xor(s, xor(by_8, by_16));
    let outer = xor(word, xor(s, by_24));
    let twice = xor(_mm_slli_epi32::<2>(inner), _mm_srli_epi32::<30>(inner));
    xor(outer, twice)
}

#[inline]
#[target_feature(enable = "sse2")]
fn xor(a: __m128i, b: __m128i) -> __m128i {
    _mm_xor_si128(a, b)
}

/// Takes the bytes in another order.
#[inline]
#[target_feature(enable = "ssse3")]
fn turn(words: __m128i, order: [u8; 16]) -> __m128i {
    _mm_shuffle_epi8(words, vector(order))
}

#[inline]
#[target_feature(enable = "sse2")]
fn vector(bytes: [u8; 16]) -> __m128i {
    // SAFETY: the array is as long as a register; the instruction does not mind how it is aligned.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Blocks to words and back.
#[inline]
#[target_feature(enable = "sse2")]
fn transpose([a, b, c, d]: Group) -> Group {
    let (ab, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    let (cd, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    [
        _mm_unpacklo_epi64(ab, cd),
        _mm_unpackhi_epi64(ab, cd),
        _mm_unpacklo_epi64(ab_high, cd_high),
        _mm_unpackhi_epi64(ab_high, cd_high),
    ]
}
