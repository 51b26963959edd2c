//! The SM4 instructions of ARMv8.2 (Arm ARM, C7.2: SM4E, SM4EKEY), which Rust has no stable intrinsics for.

use std::arch::asm;

use super::{Keys, portable};

/// Blocks that go side by side, to hide how long an instruction takes.
const SIDE_BY_SIDE: usize = 8;

/// The key schedule happens once a key: the portable one does.
#[target_feature(enable = "neon")]
pub(super) fn expand(key: &[u8; 16], keys: &mut Keys) {
    portable::expand(key, keys);
}

#[target_feature(enable = "neon,sm4")]
pub(super) fn blocks(keys: &Keys, blocks: &mut [[u8; 16]]) {
    let (parts, rest) = blocks.as_chunks_mut::<SIDE_BY_SIDE>();
    for part in parts {
        eight(keys, part);
    }
    for block in rest {
        one(keys, block);
    }
}

/// Four rounds of eight blocks, with the round keys of one register.
macro_rules! rounds {
    ($key:literal) => {
        concat!(
            "sm4e v16.4s, v",
            $key,
            ".4s\n",
            "sm4e v17.4s, v",
            $key,
            ".4s\n",
            "sm4e v18.4s, v",
            $key,
            ".4s\n",
            "sm4e v19.4s, v",
            $key,
            ".4s\n",
            "sm4e v20.4s, v",
            $key,
            ".4s\n",
            "sm4e v21.4s, v",
            $key,
            ".4s\n",
            "sm4e v22.4s, v",
            $key,
            ".4s\n",
            "sm4e v23.4s, v",
            $key,
            ".4s\n",
        )
    };
}

/// Puts the words of a block, which come out last first, into their order, and their bytes.
macro_rules! turn {
    ($block:literal) => {
        concat!(
            "rev64 v",
            $block,
            ".4s, v",
            $block,
            ".4s\n",
            "ext v",
            $block,
            ".16b, v",
            $block,
            ".16b, v",
            $block,
            ".16b, #8\n",
            "rev32 v",
            $block,
            ".16b, v",
            $block,
            ".16b\n",
        )
    };
}

#[target_feature(enable = "neon,sm4")]
fn eight(keys: &Keys, blocks: &mut [[u8; 16]; SIDE_BY_SIDE]) {
    // SAFETY: reads the 32 round keys and reads and writes the eight blocks, both borrowed for as long, and changes
    // no registers but those named.
    unsafe {
        asm!(
            ".arch_extension sm4",
            "ld1 {{v0.4s, v1.4s, v2.4s, v3.4s}}, [{keys}], #64",
            "ld1 {{v4.4s, v5.4s, v6.4s, v7.4s}}, [{keys}]",
            "ld1 {{v16.16b, v17.16b, v18.16b, v19.16b}}, [{low}]",
            "ld1 {{v20.16b, v21.16b, v22.16b, v23.16b}}, [{high}]",
            "rev32 v16.16b, v16.16b", "rev32 v17.16b, v17.16b",
            "rev32 v18.16b, v18.16b", "rev32 v19.16b, v19.16b",
            "rev32 v20.16b, v20.16b", "rev32 v21.16b, v21.16b",
            "rev32 v22.16b, v22.16b", "rev32 v23.16b, v23.16b",
            rounds!("0"), rounds!("1"), rounds!("2"), rounds!("3"),
            rounds!("4"), rounds!("5"), rounds!("6"), rounds!("7"),
            turn!("16"), turn!("17"), turn!("18"), turn!("19"),
            turn!("20"), turn!("21"), turn!("22"), turn!("23"),
            "st1 {{v16.16b, v17.16b, v18.16b, v19.16b}}, [{low}]",
            "st1 {{v20.16b, v21.16b, v22.16b, v23.16b}}, [{high}]",
            keys = inout(reg) keys.as_ptr() => _,
            low = in(reg) blocks.as_mut_ptr(),
            high = in(reg) blocks[4..].as_mut_ptr(),
            out("v0") _, out("v1") _, out("v2") _, out("v3") _,
            out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v16") _, out("v17") _, out("v18") _, out("v19") _,
            out("v20") _, out("v21") _, out("v22") _, out("v23") _,
            options(nostack, preserves_flags),
        );
    }
}

#[target_feature(enable = "neon,sm4")]
fn one(keys: &Keys, block: &mut [u8; 16]) {
    // SAFETY: reads the 32 round keys and reads and writes the block, both borrowed for as long, and changes no
    // registers but those named.
    unsafe {
        asm!(
            ".arch_extension sm4",
            "ld1 {{v0.4s, v1.4s, v2.4s, v3.4s}}, [{keys}], #64",
            "ld1 {{v4.4s, v5.4s, v6.4s, v7.4s}}, [{keys}]",
            "ld1 {{v16.16b}}, [{block}]",
            "rev32 v16.16b, v16.16b",
            "sm4e v16.4s, v0.4s", "sm4e v16.4s, v1.4s",
            "sm4e v16.4s, v2.4s", "sm4e v16.4s, v3.4s",
            "sm4e v16.4s, v4.4s", "sm4e v16.4s, v5.4s",
            "sm4e v16.4s, v6.4s", "sm4e v16.4s, v7.4s",
            turn!("16"),
            "st1 {{v16.16b}}, [{block}]",
            keys = inout(reg) keys.as_ptr() => _,
            block = in(reg) block.as_mut_ptr(),
            out("v0") _, out("v1") _, out("v2") _, out("v3") _,
            out("v4") _, out("v5") _, out("v6") _, out("v7") _, out("v16") _,
            options(nostack, preserves_flags),
        );
    }
}
