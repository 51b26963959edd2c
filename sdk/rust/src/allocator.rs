//! Memory for components: small blocks from lists by size, large ones from blocks that know their
//! neighbours.
//!
//! Handling an event takes and gives back a few small blocks: the lists that crossed the border, a
//! topic's name, an error. A general allocator spends more time on them than the plugin on its
//! event, above all where WebAssembly is interpreted. Here a small block is the first of a list.
//!
//! Sizes up to [`LARGEST_SMALL`] are rounded up to one of [`CLASSES`] sizes, a quarter of a power of
//! two apart, so at most a fifth of a block is unused (below 128 bytes: at most 15 bytes). A block
//! that is given back joins the list of its class and serves the next of that class. New ones are
//! cut from a chunk of [`CHUNK`] bytes, which all classes share, so that a small plugin needs few.
//! Who gives a block back mostly says how large it is; C does not, so [`marks`] says for an address
//! whether it is in a chunk, and the chunk's beginning of which class the block is.
//! What is larger, or aligned to more than [`ALIGNMENT`], is in [`large`], where free neighbours are
//! joined.
//!
//! Small blocks stay small: memory that was full of blocks of one class does not come back for
//! larger ones. When there is no more memory, larger free blocks serve as smaller ones.
//!
//! All `unsafe` code of the SDK is here and below; see docs/decisions/0017.

mod c;
mod large;
mod marks;
mod pages;

use large::{Large, Memory};
use marks::{Classes, Marks};
use std::alloc::Layout;
use std::ptr::{self, NonNull};

/// What every small block is aligned to; the most that Rust's own types ask for on wasm32.
const ALIGNMENT: usize = 16;
/// The largest block from a list. Beyond it copying costs more than a general allocator.
const LARGEST_SMALL: usize = 1024;
/// How many sizes there are up to [`LARGEST_SMALL`]: 16, 32, … 128; then 160, 192, 224, 256, 320, …
const CLASSES: usize = 20;
/// What chunks are aligned to, so that the one of a block is found: a sixteenth of a page of WebAssembly.
const FRAME: usize = 4096;
/// What is taken at once for small blocks, with what says of which class they are. The rest of the frame
/// is for the head of the large block behind.
const CHUNK: usize = FRAME - ALIGNMENT;

/// The class of a size up to [`LARGEST_SMALL`].
#[inline]
const fn class(size: usize) -> usize {
    if size <= 128 {
        // No size at all is asked for only by mistake; it gets a block like any other.
        return size.saturating_sub(1) / ALIGNMENT;
    }
    // The power of two below, and which quarter above it.
    let power = (size - 1).ilog2() as usize;
    let quarter = (size - 1 - (1 << power)) >> (power - 2);
    8 + (power - 7) * 4 + quarter
}

/// The size of the blocks of a class.
#[inline]
const fn size(class: usize) -> usize {
    if class < 8 {
        return (class + 1) * ALIGNMENT;
    }
    let power = 7 + (class - 8) / 4;
    (1 << power) + (((class - 8) % 4 + 1) << (power - 2))
}

/// The class of the blocks of a size and alignment; `None` for large ones.
#[inline]
const fn class_for(size: usize, align: usize) -> Option<usize> {
    if size <= LARGEST_SMALL && align <= ALIGNMENT {
        Some(class(size))
    } else {
        None
    }
}

/// A free block holds the place of the next.
struct Free {
    next: Option<NonNull<Free>>,
}

/// All memory of a component.
pub(crate) struct Heap<M> {
    large: Large<M>,
    /// Where the chunks are.
    marks: Marks,
    free: [Option<NonNull<Free>>; CLASSES],
    /// What is left of the newest chunk: its first byte, and how many there are.
    rest: *mut u8,
    left: usize,
}

impl<M: Memory> Heap<M> {
    pub(crate) const fn new(memory: M) -> Self {
        Heap {
            large: Large::new(memory),
            marks: Marks::new(),
            free: [None; CLASSES],
            rest: ptr::null_mut(),
            left: 0,
        }
    }

    /// A block for `layout`; null when there is no memory.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::alloc`](std::alloc::GlobalAlloc::alloc).
    #[inline]
    pub(crate) unsafe fn allocate(&mut self, layout: Layout) -> *mut u8 {
        self.take(layout.size(), layout.align())
    }

    /// A block of `size` bytes, aligned to `align` (a power of two); null when there is no memory.
    #[inline]
    fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        let Some(class) = class_for(size, align) else {
            return self.large.take(size, align);
        };
        match self.free[class] {
            Some(block) => {
                // SAFETY: what is in a list is a free block of this heap, which begins with a `Free`.
                self.free[class] = unsafe { block.as_ref().next };
                block.as_ptr().cast()
            }
            None => self.cut(class),
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::dealloc`](std::alloc::GlobalAlloc::dealloc): `block` came from this heap,
    /// for this layout.
    #[inline]
    pub(crate) unsafe fn free(&mut self, block: *mut u8, layout: Layout) {
        match class_for(layout.size(), layout.align()) {
            // SAFETY: the layout says which class the block is of, as it did when it was taken.
            Some(class) => unsafe { self.put(class, block) },
            // SAFETY: so it came from there.
            None => unsafe { self.large.give(block) },
        }
    }

    /// A block for `size` bytes with what the old one holds; null, and the old one stays, when there
    /// is no memory.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::realloc`](std::alloc::GlobalAlloc::realloc).
    #[inline]
    pub(crate) unsafe fn resize(&mut self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `realloc` is called with sizes that make a layout with the old alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let class_of = |layout: Layout| class_for(layout.size(), layout.align());
        match (class_of(layout), class_of(new)) {
            // SAFETY: it came from there.
            (None, None) if unsafe { self.large.fit(block, size) } => block,
            (Some(old), Some(new)) if old == new => block,
            // SAFETY: two blocks that do not overlap, of which each has the smaller size.
            _ => unsafe {
                let moved = self.allocate(new);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                    self.free(block, layout);
                }
                moved
            },
        }
    }

    /// A new block: of what is left of the chunk, of a new one, or of a larger free block.
    #[cold]
    #[inline(never)]
    fn cut(&mut self, class: usize) -> *mut u8 {
        let wanted = size(class);
        if self.left < wanted {
            let found = self.chunk().or_else(|| self.take_larger(class));
            let Some((from, length)) = found else {
                return ptr::null_mut();
            };
            // SAFETY: the rest belongs to nobody else.
            unsafe { self.keep_rest() };
            (self.rest, self.left) = (from, length);
        }
        let block = self.rest;
        // SAFETY: there are at least as many bytes left, and they are of a chunk.
        unsafe {
            Classes::of(block).set(class);
            self.rest = block.add(wanted);
        }
        self.left -= wanted;
        block
    }

    /// What blocks are cut from in a new chunk, and its size.
    fn chunk(&mut self) -> Option<(*mut u8, usize)> {
        let chunk = self.large.take(CHUNK, FRAME);
        if chunk.is_null() {
            return None;
        }
        if !self.marks.add(chunk, &mut self.large) {
            // SAFETY: it came from there, and nobody knows it.
            unsafe { self.large.give(chunk) };
            return None;
        }
        // SAFETY: it is longer.
        let from = unsafe { chunk.add(Classes::SIZE) };
        Some((from, CHUNK - Classes::SIZE))
    }

    /// A free block of a larger class, and its size.
    fn take_larger(&mut self, class: usize) -> Option<(*mut u8, usize)> {
        (class + 1..CLASSES).find_map(|larger| {
            let block = self.free[larger]?;
            // SAFETY: what is in a list is a free block of this heap, which begins with a `Free`.
            self.free[larger] = unsafe { block.as_ref().next };
            Some((block.as_ptr().cast(), size(larger)))
        })
    }

    /// Puts what is left of a chunk into the lists.
    ///
    /// # Safety
    ///
    /// `rest` and `left` are free bytes of this heap, or none.
    unsafe fn keep_rest(&mut self) {
        for class in (0..CLASSES).rev() {
            // All sizes are multiples of the alignment, so nothing is left in the end.
            while self.left >= size(class) {
                // SAFETY: they are free, and as many as the class asks for; the next begins behind.
                unsafe {
                    Classes::of(self.rest).set(class);
                    self.put(class, self.rest);
                    self.rest = self.rest.add(size(class));
                }
                self.left -= size(class);
            }
        }
    }

    /// Puts a free block into the list of its class.
    ///
    /// # Safety
    ///
    /// The block is free, aligned to [`ALIGNMENT`] and as large as the class says.
    #[inline]
    unsafe fn put(&mut self, class: usize, block: *mut u8) {
        let block = block.cast::<Free>();
        // SAFETY: it is large enough for a `Free` and aligned to more, and nobody else uses it.
        unsafe {
            block.write(Free {
                next: self.free[class],
            });
        }
        self.free[class] = NonNull::new(block);
    }
}

#[cfg(target_arch = "wasm32")]
mod global;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
