//! The allocator of a component: of Rust's code, and of the C library's.

use super::large::Memory;
use super::{ALIGNMENT, Heap};
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

// With threads the lists would need a lock; components have none.
#[cfg(target_feature = "atomics")]
compile_error!(
    "the SDK's allocator is for one thread: depend on weihe-sdk with `default-features = false`"
);

/// A page of WebAssembly.
const PAGE: usize = 65_536;

/// The memory of the instance.
struct Pages {
    /// Whether what was there at the start, behind the stack and the constants, is in use.
    started: bool,
}

impl Memory for Pages {
    fn grow(&mut self, least: usize) -> Option<(*mut u8, usize)> {
        unsafe extern "C" {
            /// Set by the linker to the first byte that the module does not use.
            static __heap_base: u8;
        }
        let start = match self.started {
            false => (&raw const __heap_base).cast_mut(),
            true => ptr::with_exposed_provenance_mut(core::arch::wasm32::memory_size(0) * PAGE),
        };
        let there = core::arch::wasm32::memory_size(0) * PAGE - start.addr();
        let pages = least.saturating_sub(there).div_ceil(PAGE);
        // The host's limit speaks here. Nobody else makes the memory grow, so it goes on where it ended.
        if pages > 0 && core::arch::wasm32::memory_grow(0, pages) == usize::MAX {
            return None;
        }
        self.started = true;
        Some((start, there + pages * PAGE))
    }
}

struct Allocator(UnsafeCell<Heap<Pages>>);

// SAFETY: there is one thread (see above), and no call of the heap leads to another one.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Heap::new(Pages { started: false })));

// SAFETY: blocks do not overlap, are as large and aligned as asked for, and are found by their layout
// when they come back; nothing here unwinds. The heap is borrowed for one call at a time.
//
// Nothing is inlined into its callers: there are hundreds.
unsafe impl GlobalAlloc for Allocator {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above, here and below.
        unsafe { (*self.0.get()).allocate(layout) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(block, layout) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).resize(block, layout, size) }
    }
}

// The C library's own functions, so that its allocator is not linked: it would be a tenth of a small
// component, and the two would each hold memory that the other needs. C does not say the size when it
// gives a block back, so its blocks are all large ones, which know theirs.

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut u8 {
    aligned_alloc(ALIGNMENT, size)
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
    if !align.is_power_of_two() {
        return ptr::null_mut();
    }
    // SAFETY: the heap is borrowed for this call.
    unsafe { (*ALLOCATOR.0.get()).large.take(size, align) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(place: *mut *mut u8, align: usize, size: usize) -> i32 {
    /// There is no memory, in wasi-libc's `errno.h`.
    const ENOMEM: i32 = 48;
    let block = aligned_alloc(align, size);
    if block.is_null() {
        return ENOMEM;
    }
    // SAFETY: the caller's place for the result.
    unsafe { place.write(block) };
    0
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some(size) = count.checked_mul(size) else {
        return ptr::null_mut();
    };
    let block = malloc(size);
    if !block.is_null() {
        // SAFETY: it is that large.
        unsafe { block.write_bytes(0, size) };
    }
    block
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut u8) {
    if !block.is_null() {
        // SAFETY: C's blocks all come from there.
        unsafe { (*ALLOCATOR.0.get()).large.give(block) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: C's blocks all come from there; the new one is another, and each has the smaller size.
    unsafe {
        let heap = &mut *ALLOCATOR.0.get();
        if heap.large.fit(block, size) {
            return block;
        }
        let moved = heap.large.take(size, ALIGNMENT);
        if !moved.is_null() {
            ptr::copy_nonoverlapping(block, moved, heap.large.holds(block).min(size));
            heap.large.give(block);
        }
        moved
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut u8) -> usize {
    if block.is_null() {
        return 0;
    }
    // SAFETY: C's blocks all come from there.
    unsafe { (*ALLOCATOR.0.get()).large.holds(block) }
}
