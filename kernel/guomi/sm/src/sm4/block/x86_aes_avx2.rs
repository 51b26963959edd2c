//! AES instructions on registers of 256 bits, each with one word of eight blocks: the instruction itself takes halves,
//! where the processor has no wide one.

use std::arch::x86_64::*;

use super::{Keys, aes::*, avx2::*, schedule};

#[target_feature(enable = "avx2,aes")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    // Words that are all equal don't notice how rows are shifted.
    schedule::expand(
        key,
        |word| _mm256_cvtsi256_si32(sbox(_mm256_set1_epi32(word as i32))) as u32,
        keys,
    );
}

#[target_feature(enable = "avx2,aes")]
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
#[target_feature(enable = "avx2,aes")]
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

/// The S-box on each byte, with rows shifted as AES does.
#[inline]
#[target_feature(enable = "avx2,aes")]
fn sbox(words: __m256i) -> __m256i {
    let inner = halves(words, IN_LOW, IN_HIGH);
    let zero = _mm_setzero_si128();
    let low = _mm_aesenclast_si128(_mm256_castsi256_si128(inner), zero);
    let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(inner), zero);
    halves(_mm256_set_m128i(high, low), OUT_LOW, OUT_HIGH)
}

/// An affine map, from what it makes of the lower and the upper four bits.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(bytes: __m256i, low: [u8; 16], high: [u8; 16]) -> __m256i {
    let lowest = _mm256_set1_epi8(0x0f);
    let lower = _mm256_and_si256(bytes, lowest);
    let upper = _mm256_and_si256(_mm256_srli_epi32::<4>(bytes), lowest);
    xor(
        _mm256_shuffle_epi8(twice(low), lower),
        _mm256_shuffle_epi8(twice(high), upper),
    )
}

/// `word` XOR T of the others and the key (GB/T 32907-2016, 6.1). The last of the others is the newest.
#[inline]
#[target_feature(enable = "avx2,aes")]
fn round(word: __m256i, [old, older, newest]: [__m256i; 3], key: u32) -> __m256i {
    const TURNS: [[u8; 16]; 4] = [unshift(0), unshift(1), unshift(2), unshift(3)];
    let early = xor(xor(old, older), _mm256_set1_epi32(key as i32));
    let shifted = sbox(xor(early, newest));
    let [s, by_8, by_16, by_24] = TURNS.map(|order| turn(shifted, order));
    // L(B) = B + (B <<< 24) + ((B + (B <<< 8) + (B <<< 16)) <<< 2) (6.2, rearranged).
    let inner = xor(s, xor(by_8, by_16));
    let outer = xor(word, xor(s, by_24));
    let twice = xor(
        _mm256_slli_epi32::<2>(inner),
        _mm256_srli_epi32::<30>(inner),
    );
    xor(outer, twice)
}
