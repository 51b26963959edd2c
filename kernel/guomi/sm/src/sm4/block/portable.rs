//! Bit-sliced, in plain integers: no tables, no branches on data.
//!
//! A plane of 64 bits has one bit of each byte of one word of 16 blocks: bit 16 k + b is of byte k (from the lowest)
//! of block b. So a rotation of all words by eight bits is a rotation of planes by 16.

use std::ops::{BitAnd, BitXor, Not};

use super::{
    Keys,
    sbox::{INPUT, sbox},
    schedule,
};

/// Blocks in a plane of 64 bits.
const PLANE: usize = 16;

/// Planes side by side, for the compiler to put into vectors.
#[derive(Clone, Copy)]
struct Lanes<const N: usize>([u64; N]);

/// The planes of a word of each block, lowest bit first.
type Word<const N: usize> = [Lanes<N>; 8];

pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    schedule::expand(key, sub, keys);
}

pub(super) fn blocks(keys: &Keys, mut blocks: &mut [[u8; 16]]) {
    while blocks.len() > PLANE {
        let (now, later) = blocks.split_at_mut(blocks.len().min(4 * PLANE));
        crypt::<4>(keys, now);
        blocks = later;
    }
    if !blocks.is_empty() {
        crypt::<1>(keys, blocks);
    }
}

/// The S-box on each byte of a word.
fn sub(word: u32) -> u32 {
    const LOWEST: u32 = 0x0101_0101;
    let word = word ^ INPUT;
    let planes = sbox(std::array::from_fn(|bit| word >> bit & LOWEST));
    (0..)
        .zip(planes)
        .fold(0, |sum, (bit, plane)| sum | (plane & LOWEST) << bit)
}

/// Up to 16 N blocks, in their place.
fn crypt<const N: usize>(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let [mut a, mut b, mut c, mut d] = std::array::from_fn(|word| load::<N>(blocks, word));
    for keys in keys.as_chunks::<4>().0 {
        a = round(a, [&b, &c, &d], keys[0]);
        b = round(b, [&c, &d, &a], keys[1]);
        c = round(c, [&d, &a, &b], keys[2]);
        d = round(d, [&a, &b, &c], keys[3]);
    }
    for (word, planes) in [d, c, b, a].into_iter().enumerate() {
        store(blocks, word, planes);
    }
}

#[inline(always)]
fn round<const N: usize>(word: Word<N>, others: [&Word<N>; 3], key: u32) -> Word<N> {
    let key = key ^ INPUT;
    let s = sbox(std::array::from_fn(|bit| {
        others[0][bit] ^ others[1][bit] ^ others[2][bit] ^ everywhere(key, bit)
    }));
    // L(B) = B + (B <<< 24) + ((B + (B <<< 8) + (B <<< 16)) <<< 2) (GB/T 32907-2016, 6.2, rearranged).
    let inner: Word<N> = std::array::from_fn(|bit| s[bit] ^ s[bit].turn(1) ^ s[bit].turn(2));
    std::array::from_fn(|bit| {
        let twice = match bit {
            0 | 1 => inner[bit + 6].turn(1),
            _ => inner[bit - 2],
        };
        word[bit] ^ s[bit] ^ s[bit].turn(3) ^ twice
    })
}

/// The plane of one bit of a round key: the same for all blocks.
#[inline(always)]
fn everywhere<const N: usize>(key: u32, bit: usize) -> Lanes<N> {
    let ones = spread(key >> bit & 0x0101_0101);
    Lanes([(ones << 16).wrapping_sub(ones); N])
}

/// Puts each byte of a word into 16 bits of its own.
#[inline(always)]
fn spread(word: u32) -> u64 {
    let mut wide = u64::from(word);
    wide = (wide | wide << 16) & 0x0000_ffff_0000_ffff;
    (wide | wide << 8) & 0x00ff_00ff_00ff_00ff
}

/// Undoes [`spread`]; the bytes between have to be zero.
#[inline(always)]
fn gather(wide: u64) -> u32 {
    let wide = (wide | wide >> 8) & 0x0000_ffff_0000_ffff;
    (wide | wide >> 16) as u32
}

/// The planes of one word of each block.
#[inline(always)]
fn load<const N: usize>(blocks: &[[u8; 16]], word: usize) -> Word<N> {
    let read = |at: usize| match blocks.get(at) {
        Some(block) => spread(u32::from_be_bytes(block.as_chunks::<4>().0[word])),
        None => 0,
    };
    transpose(std::array::from_fn(|at| {
        Lanes(std::array::from_fn(|lane| {
            let first = lane * PLANE + at;
            read(first) | read(first + 8) << 8
        }))
    }))
}

#[inline(always)]
fn store<const N: usize>(blocks: &mut [[u8; 16]], word: usize, planes: Word<N>) {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let bytes = transpose(planes);
    for (at, block) in blocks.iter_mut().enumerate() {
        let wide = bytes[at % 8].0[at / PLANE] >> (at % PLANE / 8 * 8) & EVEN;
        block.as_chunks_mut::<4>().0[word] = gather(wide).to_be_bytes();
    }
}

/// Swaps bit i of each byte in integer j with bit j of the same byte in integer i.
#[inline(always)]
fn transpose<const N: usize>(mut rows: Word<N>) -> Word<N> {
    for (step, mask) in [
        (1, 0x5555_5555_5555_5555),
        (2, 0x3333_3333_3333_3333),
        (4, 0x0f0f_0f0f_0f0f_0f0f_u64),
    ] {
        for low in (0..8).filter(|low| low & step == 0) {
            let (mut a, mut b) = (rows[low], rows[low + step]);
            for (a, b) in a.0.iter_mut().zip(&mut b.0) {
                let swapped = (*a >> step ^ *b) & mask;
                *a ^= swapped << step;
                *b ^= swapped;
            }
            (rows[low], rows[low + step]) = (a, b);
        }
    }
    rows
}

impl<const N: usize> Lanes<N> {
    /// Rotates the words by bytes towards the highest.
    #[inline(always)]
    fn turn(self, bytes: u32) -> Self {
        Self(self.0.map(|plane| plane.rotate_left(16 * bytes)))
    }
}

impl<const N: usize> BitXor for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] ^ other.0[lane]))
    }
}

impl<const N: usize> BitAnd for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] & other.0[lane]))
    }
}

impl<const N: usize> Not for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(self.0.map(|plane| !plane))
    }
}
