//! Large blocks, joined with their free neighbours when they come back.
//!
//! Each block carries its size and that of the block before it, so both neighbours are found from
//! it. Free blocks are in lists by size, a quarter of a power of two apart ("two-level segregated
//! fit", M. Masmano and others, 2004): taking and giving back cost the same however many there are.

use super::ALIGNMENT;
use std::ptr;

/// Where blocks come from.
pub(crate) trait Memory {
    /// At least so many more bytes: where they begin, and how many there are. `None` when there are
    /// no more. They may begin where the last ones ended. The address behind them is one, too: no
    /// memory goes to the very end of what addresses there are.
    fn grow(&mut self, least: usize) -> Option<(*mut u8, usize)>;
}

/// The head of a block. What the block holds begins behind `size`, aligned to [`ALIGNMENT`]; while
/// it is free, the places of its neighbours in the list of its size are there.
#[repr(C)]
struct Block {
    /// The size of the block before it in memory; zero for the first.
    before: usize,
    /// Its own size with its head, a multiple of the alignment; one more while it is free.
    size: usize,
    next: *mut Block,
    previous: *mut Block,
}

/// The part of a head that is there in a block that is taken.
const HEAD: usize = 2 * size_of::<usize>();
/// The smallest block.
const LEAST: usize = size_of::<Block>().next_multiple_of(ALIGNMENT);
/// The largest block; all sizes below have a list.
const MOST: usize = 1 << 31;
/// Lists of free blocks, and in how many words there is a bit for each.
const LISTS: usize = 128;
const WORDS: usize = LISTS / 32;
/// How many blocks of a list are looked at whose sizes may be too small. The first is often the one
/// that was given back last, and fits.
const LOOKED_AT: usize = 8;
const FREE: usize = 1;

/// The list of a size.
fn list(size: usize) -> usize {
    let units = size / ALIGNMENT;
    if units < 8 {
        return units;
    }
    let power = units.ilog2() as usize;
    8 + (power - 3) * 4 + (units >> (power - 2)) % 4
}

/// The size of the block that a layout needs; `None` where there is none so large.
fn needed(size: usize) -> Option<usize> {
    let size = size.checked_add(HEAD)?.max(LEAST);
    (size < MOST - ALIGNMENT).then(|| size.next_multiple_of(ALIGNMENT))
}

/// All memory there is, in blocks.
pub(crate) struct Large<M> {
    lists: [*mut Block; LISTS],
    /// Which lists hold something.
    filled: [u32; WORDS],
    /// The head at the end of the newest memory, which counts as taken.
    end: *mut Block,
    pub(super) memory: M,
}

// Throughout: blocks that are reached from one another by `size` and `before`, and those in lists,
// lie in memory that `grow` gave, and nobody else touches their heads. Blocks that are taken belong
// to whoever took them, but for their heads.
impl<M: Memory> Large<M> {
    pub(crate) const fn new(memory: M) -> Self {
        Large {
            lists: [ptr::null_mut(); LISTS],
            filled: [0; WORDS],
            end: ptr::null_mut(),
            memory,
        }
    }

    /// A block of `size` bytes, aligned to `align` (a power of two); null when there is no memory.
    pub(crate) fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        // With room to begin further back, the part before being a block of its own.
        let room = if align > ALIGNMENT { align + LEAST } else { 0 };
        let sizes = size
            .checked_add(room)
            .and_then(|size| Some((needed(size)?, needed(size - room)?)));
        let Some((with_room, wanted)) = sizes else {
            return ptr::null_mut();
        };
        let Some(mut block) = self.find(with_room).or_else(|| self.grow(with_room)) else {
            return ptr::null_mut();
        };
        // SAFETY: the block is free, in no list, and at least as large as asked for. What is cut off
        // in front begins at its head and is at least a block long.
        unsafe {
            let content = block.cast::<u8>().add(HEAD);
            if content.addr() % align != 0 {
                let aligned = (content.addr() + LEAST).next_multiple_of(align);
                let behind = self.split(block, aligned - content.addr());
                self.put(block);
                block = behind;
            }
            (*block).size &= !FREE;
            self.cut(block, wanted);
            block.cast::<u8>().add(HEAD)
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `content` came from here, and nobody uses it any more.
    pub(crate) unsafe fn give(&mut self, content: *mut u8) {
        // SAFETY: so its head is before it.
        unsafe {
            let block = content.sub(HEAD).cast::<Block>();
            self.free(block);
        }
    }

    /// Makes a block larger or smaller where it is; whether that was possible.
    ///
    /// # Safety
    ///
    /// `content` came from here and is in use.
    pub(crate) unsafe fn fit(&mut self, content: *mut u8, size: usize) -> bool {
        let Some(wanted) = needed(size) else {
            return false;
        };
        // SAFETY: its head is before it, and the block behind it is there, if only the end.
        unsafe {
            let block = content.sub(HEAD).cast::<Block>();
            if (*block).size < wanted {
                let behind = after(block);
                let free = match (*behind).size & FREE {
                    0 => 0,
                    _ => (*behind).size & !FREE,
                };
                let missing = wanted.saturating_sub((*block).size + free);
                if missing == 0 {
                    self.unlist(behind);
                } else {
                    // The last block grows with the memory.
                    let last = behind == self.end || free > 0 && after(behind) == self.end;
                    let Some(grown) = last.then(|| self.grow(missing)).flatten() else {
                        return false;
                    };
                    if grown != behind {
                        self.put(grown);
                        return false;
                    }
                }
                join(block, behind);
            }
            self.cut(block, wanted);
        }
        true
    }

    /// How many bytes a block holds.
    ///
    /// # Safety
    ///
    /// `content` came from here and is in use.
    pub(crate) unsafe fn holds(&self, content: *mut u8) -> usize {
        // SAFETY: its head is before it.
        unsafe { (*content.sub(HEAD).cast::<Block>()).size - HEAD }
    }

    /// A free block of at least this size, taken out of its list.
    fn find(&mut self, size: usize) -> Option<*mut Block> {
        let own = list(size);
        // SAFETY: what is in lists are free blocks.
        unsafe {
            let mut block = self.lists[own];
            for _ in 0..LOOKED_AT {
                if block.is_null() {
                    break;
                }
                if (*block).size & !FREE >= size {
                    self.unlist(block);
                    return Some(block);
                }
                block = (*block).next;
            }
            // All blocks in the lists above are large enough.
            let mut mask = u32::MAX.checked_shl(own as u32 % 32 + 1).unwrap_or(0);
            for word in own / 32..WORDS {
                let filled = self.filled[word] & mask;
                if filled != 0 {
                    let block = self.lists[word * 32 + filled.trailing_zeros() as usize];
                    self.unlist(block);
                    return Some(block);
                }
                mask = u32::MAX;
            }
        }
        None
    }

    /// A new free block of at least this size.
    #[cold]
    fn grow(&mut self, size: usize) -> Option<*mut Block> {
        // Both ends may be unaligned, and each memory has a head at its end.
        let (start, length) = self.memory.grow(size + 3 * ALIGNMENT)?;
        // SAFETY: these bytes are ours now.
        unsafe {
            let past = start.add(length);
            let last = past.sub(past.addr() % ALIGNMENT + HEAD).cast::<Block>();
            let old = self.end;
            // Where the memory before ended, its end becomes the head of what is new.
            let follows = !old.is_null() && old.cast::<u8>().add(HEAD) <= start && {
                let gap = start.addr() - old.addr() - HEAD;
                gap < ALIGNMENT
            };
            let block = if follows {
                old
            } else {
                let content = start.add(HEAD);
                let content = content.add(content.align_offset(ALIGNMENT));
                let block = content.sub(HEAD).cast::<Block>();
                (*block).before = 0;
                block
            };
            let size = last.addr() - block.addr();
            (*block).size = size | FREE;
            (*last).before = size;
            (*last).size = HEAD;
            self.end = last;
            // What was free at the end before belongs to it.
            Some(self.with_neighbours(block))
        }
    }

    /// Frees a block that is taken.
    unsafe fn free(&mut self, block: *mut Block) {
        // SAFETY: see the caller.
        unsafe {
            (*block).size |= FREE;
            let block = self.with_neighbours(block);
            self.put(block);
        }
    }

    /// Joins a block that is in no list with its free neighbours.
    unsafe fn with_neighbours(&mut self, mut block: *mut Block) -> *mut Block {
        // SAFETY: there is always a block behind, if only the end.
        unsafe {
            let behind = after(block);
            if (*behind).size & FREE != 0 {
                self.unlist(behind);
                join(block, behind);
            }
            if (*block).before != 0 {
                let before = block.byte_sub((*block).before);
                if (*before).size & FREE != 0 {
                    self.unlist(before);
                    join(before, block);
                    block = before;
                }
            }
            block
        }
    }

    /// Frees what a taken block has beyond a size.
    unsafe fn cut(&mut self, block: *mut Block, wanted: usize) {
        // SAFETY: the rest is large enough for a block.
        unsafe {
            if (*block).size - wanted >= LEAST {
                let rest = self.split(block, wanted);
                self.free(rest);
            }
        }
    }

    /// Makes two of a block, the first of this size; returns the second, which is in no list.
    #[inline(never)]
    unsafe fn split(&mut self, block: *mut Block, size: usize) -> *mut Block {
        // SAFETY: both parts are large enough for blocks; see the callers.
        unsafe {
            let rest = block.byte_add(size);
            (*rest).before = size;
            (*rest).size = (*block).size - size;
            (*after(rest)).before = (*rest).size & !FREE;
            (*block).size = size | (*block).size & FREE;
            rest
        }
    }

    /// Puts a free block into the list of its size.
    #[inline(never)]
    unsafe fn put(&mut self, block: *mut Block) {
        // SAFETY: the block is free and in no list.
        unsafe {
            let list = list((*block).size);
            let first = self.lists[list];
            (*block).next = first;
            (*block).previous = ptr::null_mut();
            if !first.is_null() {
                (*first).previous = block;
            }
            self.lists[list] = block;
            self.filled[list / 32] |= 1 << (list % 32);
        }
    }

    /// Takes a free block out of its list.
    #[inline(never)]
    unsafe fn unlist(&mut self, block: *mut Block) {
        // SAFETY: it is in the list of its size.
        unsafe {
            let Block { next, previous, .. } = *block;
            if !next.is_null() {
                (*next).previous = previous;
            }
            if !previous.is_null() {
                (*previous).next = next;
                return;
            }
            let list = list((*block).size);
            self.lists[list] = next;
            if next.is_null() {
                self.filled[list / 32] &= !(1 << (list % 32));
            }
        }
    }
}

/// The block behind.
unsafe fn after(block: *mut Block) -> *mut Block {
    // SAFETY: there is one behind each but the end.
    unsafe { block.byte_add((*block).size & !FREE) }
}

/// Makes one block of two neighbours; it is free as the first is.
unsafe fn join(block: *mut Block, behind: *mut Block) {
    // SAFETY: both are blocks; the second is in no list.
    unsafe {
        (*block).size += (*behind).size & !FREE;
        (*after(block)).before = (*block).size & !FREE;
    }
}

#[cfg(test)]
impl<M> Large<M> {
    /// The sizes of the blocks in the newest memory and whether they are free, from the end on; fails
    /// where they do not fit together.
    pub(crate) fn blocks(&self) -> Vec<(usize, bool)> {
        let mut blocks = Vec::new();
        let mut behind = self.end;
        unsafe {
            while !behind.is_null() && (*behind).before != 0 {
                let block = behind.byte_sub((*behind).before);
                assert_eq!(after(block), behind);
                let free = (*block).size & FREE != 0;
                let both = free && (*behind).size & FREE != 0;
                assert!(!both, "free neighbours are joined");
                blocks.push(((*block).size & !FREE, free));
                behind = block;
            }
        }
        blocks
    }
}
