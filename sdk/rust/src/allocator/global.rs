//! The allocator of a component: of Rust's code, and of the C library's.

use super::large::Memory;
use super::{Heap, pages};
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

// With threads the lists would need a lock; components have none.
#[cfg(target_feature = "atomics")]
compile_error!(
    "the SDK's allocator is for one thread: depend on weihe-sdk with `default-features = false`"
);

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
        let there = core::arch::wasm32::memory_size(0);
        let start = match self.started {
            false => (&raw const __heap_base).cast_mut(),
            true => ptr::with_exposed_provenance_mut(pages::end(there)),
        };
        let (grown, length) = pages::more(start.addr(), there, least)?;
        // The host's limit speaks here. Nobody else makes the memory grow, so it goes on where it ended.
        if grown > 0 && core::arch::wasm32::memory_grow(0, grown) == usize::MAX {
            return None;
        }
        self.started = true;
        Some((start, length))
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
// component, and the two would each hold memory that the other needs. Blocks go from one to the other,
// too: what the C library gives back may have been taken by `cabi_realloc`, which is Rust's.

/// The heap, for one call.
fn heap<R>(call: impl FnOnce(&mut Heap<Pages>) -> R) -> R {
    // SAFETY: there is one thread, and no call of the heap leads to another one.
    call(unsafe { &mut *ALLOCATOR.0.get() })
}

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut u8 {
    heap(|heap| heap.c_take(size))
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
    heap(|heap| heap.c_take_aligned(align, size))
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
    heap(|heap| heap.c_take_zeroed(count, size))
}

// Below: C's callers give back or change what they have from here, whether C took it or Rust, or null.

#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut u8) {
    // SAFETY: as above.
    heap(|heap| unsafe { heap.c_give(block) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as above.
    heap(|heap| unsafe { heap.c_resize(block, size) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut u8) -> usize {
    // SAFETY: as above.
    heap(|heap| unsafe { heap.c_holds(block) })
}
