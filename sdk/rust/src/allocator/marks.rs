//! What an address says about a block: whether it is small, and of which class.
//!
//! Rust says how large a block is when it gives it back, C does not. And blocks go from one to the
//! other: lists that the host returns are taken by Rust's `cabi_realloc`, and the C library, which
//! called the host, gives them back. What is in a block or before it may be anything, so nothing there
//! can be a mark: it is kept elsewhere where the chunks are.

use super::large::{Large, Memory};
use super::{ALIGNMENT, CHUNK, FRAME};
use std::ptr;

/// Frames in a part of the memory, which has a table of its own once there is a chunk in it: 32 MiB.
const FRAMES: usize = 8192;
/// Parts in the memory of an instance, 4 GiB.
const PARTS: usize = 128;

/// A bit for each frame.
type Table = [u8; FRAMES / 8];

/// Which frames of the memory are chunks.
pub(super) struct Marks {
    parts: [*mut Table; PARTS],
}

/// Where the mark of an address is: its part, the byte of the table, the bit.
fn place(address: *mut u8) -> (usize, usize, u8) {
    // In tests addresses are longer, but no memory there is larger than an instance's.
    let frame = address.addr() as u32 as usize / FRAME;
    let bit = frame % FRAMES;
    (frame / FRAMES, bit / 8, 1 << (bit % 8))
}

impl Marks {
    pub(super) const fn new() -> Self {
        Marks {
            parts: [ptr::null_mut(); PARTS],
        }
    }

    /// Notes a new chunk; whether there was memory for that.
    pub(super) fn add<M: Memory>(&mut self, chunk: *mut u8, memory: &mut Large<M>) -> bool {
        let (part, byte, bit) = place(chunk);
        let table = &mut self.parts[part];
        if table.is_null() {
            let new = memory.take(size_of::<Table>(), ALIGNMENT).cast::<Table>();
            if new.is_null() {
                return false;
            }
            // SAFETY: it is that large.
            unsafe { new.write([0; FRAMES / 8]) };
            *table = new;
        }
        // SAFETY: tables are written when they are made, and stay.
        unsafe { (**table)[byte] |= bit };
        true
    }

    /// Whether a block is in a chunk, which is to say: small.
    pub(super) fn is_small(&self, block: *mut u8) -> bool {
        let (part, byte, bit) = place(block);
        let table = self.parts[part];
        // SAFETY: as above.
        !table.is_null() && unsafe { (*table)[byte] } & bit != 0
    }
}

/// The class of one block, in the beginning of its chunk: a byte for each place where a block may
/// begin. It is written when the block is cut; blocks that are taken and given back keep it.
pub(super) struct Classes(*mut u8);

impl Classes {
    /// How much of each chunk it is.
    pub(super) const SIZE: usize = FRAME / ALIGNMENT;

    /// That of a block.
    ///
    /// # Safety
    ///
    /// The block is in a chunk.
    pub(super) unsafe fn of(block: *mut u8) -> Self {
        let behind = block.addr() % FRAME;
        debug_assert!((Self::SIZE..CHUNK).contains(&behind));
        // SAFETY: so the chunk begins so far before it, and there are as many bytes as places.
        Classes(unsafe { block.sub(behind).add(behind / ALIGNMENT) })
    }

    pub(super) fn set(self, class: usize) {
        // SAFETY: the byte belongs to the chunk, and to no block.
        unsafe { self.0.write(class as u8) };
    }

    /// # Safety
    ///
    /// It was set.
    pub(super) unsafe fn get(self) -> usize {
        // SAFETY: see the caller.
        unsafe { self.0.read().into() }
    }
}
