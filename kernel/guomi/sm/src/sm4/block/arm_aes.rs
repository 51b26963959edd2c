//! AES instructions on registers of 128 bits, each with one word of four blocks.

use std::arch::aarch64::*;

use super::{Keys, aes::*, schedule};

/// Blocks in a register.
const REGISTER: usize = 4;

/// The words of four blocks.
type Group = [uint8x16_t; 4];

#[target_feature(enable = "neon,aes")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    // Words that are all equal don't notice how rows are shifted.
    schedule::expand(
        key,
        |word| vgetq_lane_u32::<0>(vreinterpretq_u32_u8(sbox(all(word)))),
        keys,
    );
}

#[target_feature(enable = "neon,aes")]
pub(super) fn blocks(keys: &Keys, blocks: &mut [[u8; 16]]) {
    // Four groups at a time are what the registers hold.
    let (parts, rest) = blocks.as_chunks_mut::<{ 4 * REGISTER }>();
    for part in parts {
        crypt::<4>(keys, part);
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
#[target_feature(enable = "neon,aes")]
fn crypt<const N: usize>(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let (parts, _) = blocks.as_chunks_mut::<REGISTER>();
    let mut groups = [[vdupq_n_u8(0); 4]; N];
    for (group, part) in groups.iter_mut().zip(&*parts) {
        *group = transpose(part.map(|block| vrev32q_u8(vector(block))));
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
            unsafe { vst1q_u8(block.as_mut_ptr(), vrev32q_u8(row)) };
        }
    }
}

/// The S-box on each byte, with rows shifted as AES does.
#[inline]
#[target_feature(enable = "neon,aes")]
fn sbox(words: uint8x16_t) -> uint8x16_t {
    let inner = halves(words, IN_LOW, IN_HIGH);
    let inverse = vaeseq_u8(inner, vdupq_n_u8(0));
    halves(inverse, OUT_LOW, OUT_HIGH)
}

/// An affine map, from what it makes of the lower and the upper four bits.
#[inline]
#[target_feature(enable = "neon")]
fn halves(bytes: uint8x16_t, low: [u8; 16], high: [u8; 16]) -> uint8x16_t {
    let lower = vandq_u8(bytes, vdupq_n_u8(0x0f));
    let upper = vshrq_n_u8::<4>(bytes);
    veorq_u8(
        vqtbl1q_u8(vector(low), lower),
        vqtbl1q_u8(vector(high), upper),
    )
}

/// `word` XOR T of the others and the key (GB/T 32907-2016, 6.1). The last of the others is the newest.
#[inline]
#[target_feature(enable = "neon,aes")]
fn round(word: uint8x16_t, [old, older, newest]: [uint8x16_t; 3], key: u32) -> uint8x16_t {
    const TURNS: [[u8; 16]; 4] = [unshift(0), unshift(1), unshift(2), unshift(3)];
    let early = veorq_u8(veorq_u8(old, older), all(key));
    let shifted = sbox(veorq_u8(early, newest));
    let [s, by_8, by_16, by_24] = TURNS.map(|order| vqtbl1q_u8(shifted, vector(order)));
    // L(B) = B + (B <<< 24) + ((B + (B <<< 8) + (B <<< 16)) <<< 2) (6.2, rearranged).
    let inner = vreinterpretq_u32_u8(veorq_u8(s, veorq_u8(by_8, by_16)));
    let outer = veorq_u8(word, veorq_u8(s, by_24));
    let twice = vsliq_n_u32::<2>(vshrq_n_u32::<30>(inner), inner);
    veorq_u8(outer, vreinterpretq_u8_u32(twice))
}

/// A word for each block.
#[inline]
#[target_feature(enable = "neon")]
fn all(word: u32) -> uint8x16_t {
    vreinterpretq_u8_u32(vdupq_n_u32(word))
}

#[inline]
#[target_feature(enable = "neon")]
fn vector(bytes: [u8; 16]) -> uint8x16_t {
    // SAFETY: the array is as long as a register; the instruction does not mind how it is aligned.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Blocks to words and back.
#[inline]
#[target_feature(enable = "neon")]
fn transpose(rows: Group) -> Group {
    let [a, b, c, d] = rows.map(|row| vreinterpretq_u32_u8(row));
    let (ab, ab_high) = (vzip1q_u32(a, b), vzip2q_u32(a, b));
    let (cd, cd_high) = (vzip1q_u32(c, d), vzip2q_u32(c, d));
    let pairs = [(ab, cd), (ab_high, cd_high)].map(|(low, high)| {
        let (low, high) = (vreinterpretq_u64_u32(low), vreinterpretq_u64_u32(high));
        [vzip1q_u64(low, high), vzip2q_u64(low, high)]
    });
    let [[a, b], [c, d]] = pairs;
    [a, b, c, d].map(|row| vreinterpretq_u8_u64(row))
}
