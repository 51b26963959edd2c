//! Galois field instructions on registers of 256 bits, each with one word of eight blocks.

use std::arch::x86_64::*;

use super::{Keys, avx2::*, gfni::*, schedule};

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
            turn(s, [3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14]),
            turn(s, [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]),
        ),
    );
    let outer = xor(
        word,
        xor(
            s,
            turn(s, [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12]),
        ),
    );
    let twice = xor(
        _mm256_slli_epi32::<2>(inner),
        _mm256_srli_epi32::<30>(inner),
    );
    xor(outer, twice)
}
