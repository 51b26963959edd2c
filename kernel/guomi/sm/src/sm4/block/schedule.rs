use super::Keys;

/// The system parameter (GB/T 32907-2016, 7.3).
const FK: [u32; 4] = [0xa3b1_bac6, 0x56aa_3350, 0x677d_9197, 0xb270_22dc];

/// The fixed parameter of each round: byte j of number i is (4i + j) * 7 (GB/T 32907-2016, 7.3).
const CK: [u32; 32] = {
    let mut all = [0; 32];
    let mut at = 0;
    while at < 128 {
        all[at / 4] = all[at / 4] << 8 | (at as u32 * 7) & 0xff;
        at += 1;
    }
    all
};

/// The round keys (GB/T 32907-2016, 7.3), with the S-box that `sub` puts each byte of a word through.
#[inline(always)]
pub(super) fn expand(key: &[u8; 16], sub: impl Fn(u32) -> u32, keys: &mut Keys) {
    let mut last = FK;
    for (word, bytes) in last.iter_mut().zip(key.as_chunks::<4>().0) {
        *word ^= u32::from_be_bytes(*bytes);
    }
    for (round, constant) in keys.iter_mut().zip(CK) {
        let [oldest, a, b, c] = last;
        let s = sub(a ^ b ^ c ^ constant);
        *round = oldest ^ s ^ s.rotate_left(13) ^ s.rotate_left(23);
        last = [a, b, c, *round];
    }
}
