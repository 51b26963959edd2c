//! Galois field instructions on registers of 512 bits, each with one word of 16 blocks.

use std::arch::x86_64::*;

use super::{Keys, gfni::*, schedule};

/// Blocks in a register.
const REGISTER: usize = 16;

/// The truth table of XOR of three.
const XOR: i32 = 0x96;

/// The words of 16 blocks.
type Group = [__m512i; 4];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,gfni")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    schedule::expand(
        key,
        |word| {
            // A closure has the instructions of the function around it.
            let s = sbox(_mm512_set1_epi32(word as i32));
            _mm512_cvtsi512_si32(s) as u32
        },
        keys,
    );
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,gfni")]
pub(super) fn blocks(keys: &Keys, blocks: &mut [[u8; 16]]) {
    if let [block] = blocks {
        return one(keys, block);
    }
    // Four groups at a time hide how long an instruction takes.
    for part in blocks.chunks_mut(4 * REGISTER) {
        match part.len().div_ceil(REGISTER) {
            1 => crypt::<1>(keys, part),
            2 => crypt::<2>(keys, part),
            _ => crypt::<4>(keys, part),
        }
    }
}

/// Up to 16 N blocks, in their place.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn crypt<const N: usize>(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let mut groups = [[_mm512_setzero_si512(); 4]; N];
    for (group, part) in groups.iter_mut().zip(blocks.chunks(REGISTER)) {
        *group = load(part);
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
    for (group, part) in groups.into_iter().zip(blocks.chunks_mut(REGISTER)) {
        store(group, part);
    }
}

#[inline]
#[target_feature(enable = "avx512f,gfni")]
fn sbox(words: __m512i) -> __m512i {
    let inner = _mm512_gf2p8affine_epi64_epi8::<INNER_ADD>(words, _mm512_set1_epi64(INNER));
    _mm512_gf2p8affineinv_epi64_epi8::<OUTER_ADD>(inner, _mm512_set1_epi64(OUTER))
}

/// `word` XOR T of the others and the key (GB/T 32907-2016, 6.1). The last of the others is the newest.
#[inline]
#[target_feature(enable = "avx512f,gfni")]
fn round(word: __m512i, [old, older, newest]: [__m512i; 3], key: u32) -> __m512i {
    let early = _mm512_ternarylogic_epi32::<XOR>(old, older, _mm512_set1_epi32(key as i32));
    let s = sbox(_mm512_xor_si512(early, newest));
    let a = _mm512_ternarylogic_epi32::<XOR>(word, s, _mm512_rol_epi32::<2>(s));
    let b = _mm512_ternarylogic_epi32::<XOR>(
        _mm512_rol_epi32::<10>(s),
        _mm512_rol_epi32::<18>(s),
        _mm512_rol_epi32::<24>(s),
    );
    _mm512_xor_si512(a, b)
}

/// One block: what chains of them wait for.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,gfni")]
fn one(keys: &Keys, block: &mut [u8; 16]) {
    let words = block.as_chunks::<4>().0;
    let word = |at: usize| _mm_cvtsi32_si128(i32::from_be_bytes(words[at]));
    let (mut a, mut b, mut c, mut d) = (word(0), word(1), word(2), word(3));
    for keys in keys.as_chunks::<4>().0 {
        a = round_of_one(a, [b, c, d], keys[0]);
        b = round_of_one(b, [c, d, a], keys[1]);
        c = round_of_one(c, [d, a, b], keys[2]);
        d = round_of_one(d, [a, b, c], keys[3]);
    }
    for (bytes, word) in block.as_chunks_mut::<4>().0.iter_mut().zip([d, c, b, a]) {
        *bytes = _mm_cvtsi128_si32(word).to_be_bytes();
    }
}

/// [`round`], on a register that is no wider than it has to be.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,gfni")]
fn round_of_one(word: __m128i, [old, older, newest]: [__m128i; 3], key: u32) -> __m128i {
    let early = _mm_ternarylogic_epi32::<XOR>(old, older, _mm_cvtsi32_si128(key as i32));
    let inner = _mm_gf2p8affine_epi64_epi8::<INNER_ADD>(
        _mm_xor_si128(early, newest),
        _mm_set1_epi64x(INNER),
    );
    let s = _mm_gf2p8affineinv_epi64_epi8::<OUTER_ADD>(inner, _mm_set1_epi64x(OUTER));
    let a = _mm_ternarylogic_epi32::<XOR>(word, s, _mm_rol_epi32::<2>(s));
    let b = _mm_ternarylogic_epi32::<XOR>(
        _mm_rol_epi32::<10>(s),
        _mm_rol_epi32::<18>(s),
        _mm_rol_epi32::<24>(s),
    );
    _mm_xor_si128(a, b)
}

/// Which quarters of a group's registers have blocks.
#[inline]
#[target_feature(enable = "avx512f")]
fn mask(blocks: usize, register: usize) -> __mmask8 {
    let quarters = blocks.saturating_sub(4 * register).min(4);
    (1_u16 << (2 * quarters)).wrapping_sub(1) as u8
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(blocks: &[[u8; 16]]) -> Group {
    let start = blocks.as_ptr().cast::<i64>();
    let mut rows = [_mm512_setzero_si512(); 4];
    for (at, row) in rows.iter_mut().enumerate() {
        // SAFETY: the mask lets through no more than the blocks that are there; what it does not is not touched, so
        // that the pointer may lie beyond.
        let bytes =
            unsafe { _mm512_maskz_loadu_epi64(mask(blocks.len(), at), start.wrapping_add(8 * at)) };
        *row = _mm512_shuffle_epi8(bytes, reversal());
    }
    transpose(rows)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store([a, b, c, d]: Group, blocks: &mut [[u8; 16]]) {
    let length = blocks.len();
    let start = blocks.as_mut_ptr().cast::<i64>();
    for (at, row) in transpose([d, c, b, a]).into_iter().enumerate() {
        let bytes = _mm512_shuffle_epi8(row, reversal());
        // SAFETY: as in `load`.
        unsafe { _mm512_mask_storeu_epi64(start.wrapping_add(8 * at), mask(length, at), bytes) };
    }
}

/// Turns the bytes of each word round.
#[inline]
#[target_feature(enable = "avx512f")]
fn reversal() -> __m512i {
    _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203))
}

/// Blocks to words and back, in each quarter.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose([a, b, c, d]: Group) -> Group {
    let (ab, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(ab, cd),
        _mm512_unpackhi_epi64(ab, cd),
        _mm512_unpacklo_epi64(ab_high, cd_high),
        _mm512_unpackhi_epi64(ab_high, cd_high),
    ]
}
