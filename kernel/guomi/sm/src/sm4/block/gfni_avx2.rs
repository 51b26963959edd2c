//! Galois field instructions on registers of 256 bits, each with one word of eight blocks.

use std::arch::x86_64::*;

use super::{Keys, gfni::*, schedule};

/// Blocks in a register.
const REGISTER: usize = 8;

/// The words of eight blocks.
type Group = [__m256i; 4];

#[target_feature(enable = "avx2,gfni")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    schedule::expand(
        key,
        |word| _mm256_cvtsi256_si32(sbox(_mm256_set1_epi32(word as i32))) as u32,
        keys,
    );
}

#[target_feature(enable = "avx2,gfni")]
pub(super) fn blocks(keys: &Keys, blocks: &mut [[u8; 16]]) {
    // Two groups at a time are what the registers hold.
    let (parts, rest) = blocks.as_chunks_mut::<{ 2 * REGISTER }>();
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

/// 8 N blocks, in their place.
#[inline]
#[target_feature(enable = "avx2,gfni")]
fn crypt<const N: usize>(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let (parts, _) = blocks.as_chunks_mut::<REGISTER>();
    let mut groups = [[_mm256_setzero_si256(); 4]; N];
    for (group, part) in groups.iter_mut().zip(&*parts) {
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
    for (group, part) in groups.into_iter().zip(parts) {
        store(group, part);
    }
}

#[inline]
#[target_feature(enable = "avx2,gfni")]
fn sbox(words: __m256i) -> __m256i {
    let inner = _mm256_gf2p8affine_epi64_epi8::<INNER_ADD>(words, _mm256_set1_epi64x(INNER));
    _mm256_gf2p8affineinv_epi64_epi8::<OUTER_ADD>(inner, _mm256_set1_epi64x(OUTER))
}

/// `word` XOR T of the others and the key (GB/T 32907-2016, 6.1). The last of the others is the newest.
#[inline]
#[target_feature(enable = "avx2,gfni")]
fn round(word: __m256i, [old, older, newest]: [__m256i; 3], key: u32) -> __m256i {
    let early = xor(xor(old, older), _mm256_set1_epi32(key as i32));
    let s = sbox(xor(early, newest));
    // L(B) = B + (B <<< 24) + ((B + (B <<< 8) + (B <<< 16)) <<< 2) (6.2, rearranged).
    let inner = xor(
        s,
        xor(
            turn(s, 0x0e0d0c0f_0a09080b, 0x06050407_02010003),
            turn(s, 0x0d0c0f0e_09080b0a, 0x05040706_01000302),
        ),
    );
    let outer = xor(
        word,
        xor(s, turn(s, 0x0c0f0e0d_080b0a09, 0x04070605_00030201)),
    );
    let twice = xor(
        _mm256_slli_epi32::<2>(inner),
        _mm256_srli_epi32::<30>(inner),
    );
    xor(outer, twice)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

/// Takes the bytes of each half in another order.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(words: __m256i, high: i64, low: i64) -> __m256i {
    _mm256_shuffle_epi8(
        words,
        _mm256_broadcastsi128_si256(_mm_set_epi64x(high, low)),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(blocks: &[[u8; 16]; REGISTER]) -> Group {
    let start = blocks.as_ptr().cast::<__m256i>();
    let mut rows = [_mm256_setzero_si256(); 4];
    for (at, row) in rows.iter_mut().enumerate() {
        // SAFETY: four times two blocks are what there is; the instruction does not mind how they are aligned.
        let bytes = unsafe { _mm256_loadu_si256(start.add(at)) };
        *row = turn(bytes, 0x0c0d0e0f_08090a0b, 0x04050607_00010203);
    }
    transpose(rows)
}

#[inline]
#[target_feature(enable = "avx2")]
fn store([a, b, c, d]: Group, blocks: &mut [[u8; 16]; REGISTER]) {
    let start = blocks.as_mut_ptr().cast::<__m256i>();
    for (at, row) in transpose([d, c, b, a]).into_iter().enumerate() {
        let bytes = turn(row, 0x0c0d0e0f_08090a0b, 0x04050607_00010203);
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_si256(start.add(at), bytes) };
    }
}

/// Blocks to words and back, in each half.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose([a, b, c, d]: Group) -> Group {
    let (ab, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab, cd),
        _mm256_unpackhi_epi64(ab, cd),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}
