//! More memory and more stack than anybody needs.

use std::hint::black_box;

/// Takes memory until there is none.
pub fn grow() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        black_box(&hoard);
    }
}

/// How much memory there is to take, up to 256 MiB.
pub fn hoard() -> String {
    const PIECE: usize = 64 << 10;
    let mut hoard: Vec<Vec<u8>> = Vec::with_capacity(4096);
    while hoard.len() < hoard.capacity() {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(PIECE).is_err() {
            break;
        }
        hoard.push(black_box(piece));
    }
    let pieces = hoard.len();
    drop(hoard);
    format!("{} KiB", pieces * PIECE / 1024)
}

/// Uses the engine's stack alone: nothing of it lies in memory.
pub fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        0
    } else {
        recurse(depth + 1) / 3 + depth
    }
}
