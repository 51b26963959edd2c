//! Memory as C asks for it: blocks come back without their size.
//!
//! They are the same blocks as Rust's. So one may take a block and the other give it back: whatever
//! its size, C finds what it is by its address, and Rust by its layout, which says the same.

use super::large::Memory;
use super::marks::Classes;
use super::{ALIGNMENT, Heap, class_for, size};
use std::ptr;

// What one calls of another is not inlined: size matters more here.
impl<M: Memory> Heap<M> {
    /// `malloc`
    pub(crate) fn c_take(&mut self, size: usize) -> *mut u8 {
        self.c_take_aligned(ALIGNMENT, size)
    }

    /// `aligned_alloc`
    #[inline(never)]
    pub(crate) fn c_take_aligned(&mut self, align: usize, size: usize) -> *mut u8 {
        match align.is_power_of_two() {
            true => self.take(size, align),
            false => ptr::null_mut(),
        }
    }

    /// `calloc`
    pub(crate) fn c_take_zeroed(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else {
            return ptr::null_mut();
        };
        let block = self.c_take(size);
        if !block.is_null() {
            // SAFETY: it is that large.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    /// `free`
    ///
    /// # Safety
    ///
    /// `block` is null, or came from this heap, and nobody uses it any more.
    #[inline(never)]
    pub(crate) unsafe fn c_give(&mut self, block: *mut u8) {
        if block.is_null() {
            return;
        }
        // SAFETY: it is a block of that class, or a large one.
        unsafe {
            match self.class_of(block) {
                Some(class) => self.put(class, block),
                None => self.large.give(block),
            }
        }
    }

    /// `realloc`
    ///
    /// # Safety
    ///
    /// `block` is null, or came from this heap and is in use; if it moves, not any more.
    pub(crate) unsafe fn c_resize(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.c_take(size);
        }
        // SAFETY: it came from there, and the new one is another; each has the smaller size.
        unsafe {
            let stays = match (self.class_of(block), class_for(size, ALIGNMENT)) {
                (Some(old), Some(new)) => old == new,
                (None, None) => self.large.fit(block, size),
                _ => false,
            };
            if stays {
                return block;
            }
            let moved = self.c_take(size);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, self.c_holds(block).min(size));
                self.c_give(block);
            }
            moved
        }
    }

    /// `malloc_usable_size`
    ///
    /// # Safety
    ///
    /// `block` is null, or came from this heap and is in use.
    #[inline(never)]
    pub(crate) unsafe fn c_holds(&self, block: *mut u8) -> usize {
        if block.is_null() {
            return 0;
        }
        // SAFETY: it is a block of that class, or a large one.
        unsafe {
            match self.class_of(block) {
                Some(class) => size(class),
                None => self.large.holds(block),
            }
        }
    }

    /// The class of a block; `None` for a large one.
    ///
    /// # Safety
    ///
    /// `block` came from this heap.
    unsafe fn class_of(&self, block: *mut u8) -> Option<usize> {
        // SAFETY: a block in a chunk was cut from it, and its class set then.
        self.marks
            .is_small(block)
            .then(|| unsafe { Classes::of(block).get() })
    }
}
