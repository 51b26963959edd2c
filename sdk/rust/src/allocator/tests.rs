use super::*;
use proptest::prelude::*;
use std::alloc::System;

/// Memory with a limit, which grows in pages as an instance's does.
struct Pages {
    whole: *mut u8,
    used: usize,
    limit: usize,
}

const PAGE: usize = 4096;
const WHOLE: Layout = match Layout::from_size_align(16 << 20, PAGE) {
    Ok(layout) => layout,
    Err(_) => panic!(),
};

impl Pages {
    fn with(limit: usize) -> Self {
        use std::alloc::GlobalAlloc;
        Pages {
            whole: unsafe { System.alloc(WHOLE) },
            used: 0,
            limit: limit.min(WHOLE.size()),
        }
    }
}

impl Memory for Pages {
    fn grow(&mut self, least: usize) -> Option<(*mut u8, usize)> {
        // The first begins anywhere, and so does one behind memory of somebody else.
        let start = match self.used {
            0 => 8,
            used if used % (5 * PAGE) == 0 => used + PAGE,
            used => used,
        };
        let end = (start + least).next_multiple_of(PAGE);
        if end > self.limit {
            return None;
        }
        self.used = end;
        Some((unsafe { self.whole.add(start) }, end - start))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        use std::alloc::GlobalAlloc;
        unsafe { System.dealloc(self.whole, WHOLE) };
    }
}

/// A block that a program holds, full of one byte.
struct Held {
    block: *mut u8,
    layout: Layout,
    fill: u8,
}

impl Held {
    fn range(&self) -> std::ops::Range<usize> {
        let start = self.block as usize;
        start..start + self.layout.size()
    }

    fn bytes(&self) -> &[u8] {
        unsafe { std::slice::from_raw_parts(self.block, self.layout.size()) }
    }

    fn is_untouched(&self) -> bool {
        self.bytes().iter().all(|byte| *byte == self.fill)
    }
}

/// A program that checks what it gets.
struct Program {
    heap: Heap<Pages>,
    held: Vec<Held>,
    fill: u8,
}

impl Program {
    fn with(limit: usize) -> Self {
        Program {
            heap: Heap::new(Pages::with(limit)),
            held: Vec::new(),
            fill: 0,
        }
    }

    /// Whether there was memory.
    fn take(&mut self, size: usize, align: usize) -> bool {
        let layout = Layout::from_size_align(size, align).unwrap();
        let block = unsafe { self.heap.allocate(layout) };
        self.hold(block, layout)
    }

    fn hold(&mut self, block: *mut u8, layout: Layout) -> bool {
        if block.is_null() {
            return false;
        }
        assert_eq!(block as usize % layout.align(), 0, "{layout:?}");
        self.fill = self.fill.wrapping_add(1);
        let held = Held {
            block,
            layout,
            fill: self.fill,
        };
        for other in &self.held {
            let (a, b) = (held.range(), other.range());
            assert!(a.end <= b.start || b.end <= a.start, "{a:x?} over {b:x?}");
        }
        unsafe { block.write_bytes(held.fill, layout.size()) };
        self.held.push(held);
        true
    }

    fn give(&mut self, index: usize) {
        let held = self.held.swap_remove(index);
        assert!(held.is_untouched());
        unsafe { self.heap.free(held.block, held.layout) };
    }

    /// As C takes it; whether there was memory.
    fn c_take(&mut self, size: usize, align: usize) -> bool {
        let block = match align {
            ..=ALIGNMENT => self.heap.c_take(size),
            _ => self.heap.c_take_aligned(align, size),
        };
        let layout = Layout::from_size_align(size, align.max(ALIGNMENT)).unwrap();
        self.hold(block, layout)
    }

    /// As C gives it back, who may have written up to the end of what there is.
    fn c_give(&mut self, index: usize) {
        let held = self.held.swap_remove(index);
        assert!(held.is_untouched());
        unsafe {
            let holds = self.heap.c_holds(held.block);
            assert!(holds >= held.layout.size(), "{holds} {:?}", held.layout);
            held.block.write_bytes(0xff, holds);
            self.heap.c_give(held.block);
        }
    }

    fn c_resize(&mut self, index: usize, size: usize) -> bool {
        let layout = Layout::from_size_align(size, ALIGNMENT).unwrap();
        self.resize_by(index, layout, |heap, old| unsafe {
            heap.c_resize(old.block, size)
        })
    }

    fn resize(&mut self, index: usize, size: usize) -> bool {
        let align = self.held[index].layout.align();
        let layout = Layout::from_size_align(size, align).unwrap();
        self.resize_by(index, layout, |heap, old| unsafe {
            heap.resize(old.block, old.layout, size)
        })
    }

    fn resize_by(
        &mut self,
        index: usize,
        layout: Layout,
        resize: impl FnOnce(&mut Heap<Pages>, &Held) -> *mut u8,
    ) -> bool {
        let old = self.held.swap_remove(index);
        let kept = old.layout.size().min(layout.size());
        let block = resize(&mut self.heap, &old);
        if block.is_null() {
            assert!(
                old.is_untouched(),
                "the old block stays when there is no new one"
            );
            self.held.push(old);
            return false;
        }
        let moved = unsafe { std::slice::from_raw_parts(block, kept) };
        assert!(moved.iter().all(|byte| *byte == old.fill));
        self.hold(block, layout)
    }

    fn used(&self) -> usize {
        self.heap.large.memory.used
    }
}

#[test]
fn each_size_has_the_smallest_class_that_holds_it() {
    let sizes: Vec<usize> = (0..CLASSES).map(size).collect();
    assert_eq!(sizes[..10], [16, 32, 48, 64, 80, 96, 112, 128, 160, 192]);
    assert_eq!(sizes.last(), Some(&LARGEST_SMALL));
    assert!(sizes.is_sorted());
    for wanted in 1..=LARGEST_SMALL {
        let smallest = sizes.iter().position(|size| *size >= wanted).unwrap();
        assert_eq!(class(wanted), smallest, "{wanted}");
        assert!(sizes[smallest].is_multiple_of(ALIGNMENT));
        assert!(wanted <= 128 || (sizes[smallest] - wanted) * 5 <= sizes[smallest]);
    }
    assert_eq!(class(0), 0);
}

#[test]
fn a_block_given_back_is_the_next_of_its_size() {
    let mut program = Program::with(usize::MAX);
    program.take(100, 8);
    let first = program.held[0].block;
    program.give(0);
    program.take(112, 4);
    assert_eq!(program.held[0].block, first);
    // So however many events there are, what they need is taken once.
    for size in (0..100_000).map(|round| round % 900 + 1) {
        let before = program.held.len();
        program.take(size, 8);
        program.give(before);
    }
    assert!(program.used() <= 6 * PAGE, "{}", program.used());
}

#[test]
fn large_blocks_come_back_whole() {
    let mut program = Program::with(100_000);
    for _ in 0..1000 {
        assert!(program.take(60_000, 8));
        assert!(program.take(2_000, 512));
        assert!(!program.take(60_000, 8), "there is room for one");
        program.give(1);
        program.give(0);
        // In pieces, given back in another order than taken.
        for _ in 0..20 {
            assert!(program.take(3_000, 16));
        }
        for index in [7, 3, 11, 0, 1, 2, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0] {
            program.give(index);
        }
    }
}

#[test]
fn a_list_that_grows_stays_in_its_place_where_there_is_room() {
    let mut program = Program::with(WHOLE.size());
    program.take(2_000, 8);
    let place = program.held[0].block;
    for size in (2_000..10_000).step_by(100) {
        assert!(program.resize(0, size));
    }
    // The memory behind it is free, up to the first gap.
    assert_eq!(program.held[0].block, place);
    assert!(program.resize(0, 1_500));
    assert_eq!(program.held[0].block, place);
}

#[test]
fn without_memory_there_is_null_and_larger_free_blocks_serve() {
    let mut program = Program::with(3 * PAGE);
    while program.take(480, 8) {}
    let all = program.held.len();
    assert_eq!(all, (CHUNK - Classes::SIZE) / 512);
    // Nor is there memory for a large one; but the rest of the chunk serves small ones.
    assert!(!program.take(5_000, 8) && !program.take(1 << 40, 8));
    assert!(program.take(192, 8) && program.take(48, 8));
    while program.take(16, 8) {}
    let held = program.held.len();
    assert!(!program.resize(0, 5_000) && program.held.len() == held);
    // A block of 512 bytes is worth 32 of 16.
    let large = program
        .held
        .iter()
        .position(|held| held.layout.size() == 480);
    program.give(large.unwrap());
    for _ in 0..32 {
        assert!(program.take(16, 16));
    }
    assert!(!program.take(16, 16));
}

#[test]
fn c_gives_back_what_rust_took_and_the_reverse() {
    let sizes = (0..=LARGEST_SMALL + 1).chain([1500, 4080, 4096, 5000]);
    for (size, align) in sizes.flat_map(|size| [1, 8, 16, 64].map(|align| (size, align))) {
        let mut program = Program::with(usize::MAX);
        // Blocks before and behind, full of what could be taken for a head.
        program.take(size, align);
        program.take(size, align);
        program.take(size, align);
        let block = program.held[1].block;
        program.c_give(1);
        program.take(size, align);
        let same = program.held[2].block == block;
        assert!(same || class_for(size, align).is_none(), "it serves Rust");
        program.c_give(2);
        program.c_take(size, align);
        let same = program.held[2].block == block;
        assert!(same || class_for(size, align).is_none(), "it serves C");
        program.give(2);
        program.c_take(size, align);
        program.give(1);
        program.c_give(0);
        program.give(0);
    }
}

#[test]
fn c_asks_how_much_there_is_for_blocks_of_both() {
    let mut heap = Heap::new(Pages::with(usize::MAX));
    for (size, holds) in [(1, 16), (48, 48), (130, 160), (1024, 1024)] {
        let layout = Layout::from_size_align(size, 4).unwrap();
        unsafe {
            let of_rust = heap.allocate(layout);
            assert_eq!(heap.c_holds(of_rust), holds);
            let of_c = heap.c_take(size);
            assert_eq!(heap.c_holds(of_c), holds);
        }
    }
    unsafe {
        let large = heap.c_take(5000);
        assert!((5000..5040).contains(&heap.c_holds(large)));
        assert_eq!(heap.c_holds(ptr::null_mut()), 0);
        heap.c_give(ptr::null_mut());
    }
}

#[test]
fn what_c_asks_for_amiss_is_null_and_what_is_zeroed_is_zero() {
    let mut heap = Heap::new(Pages::with(usize::MAX));
    unsafe {
        assert!(heap.c_take_zeroed(usize::MAX, 2).is_null());
        assert!(heap.c_take_zeroed(usize::MAX / 2, 1).is_null());
        assert!(heap.c_take_aligned(24, 10).is_null());
        for count in [5, 500] {
            let block = heap.c_take(count * 8);
            block.write_bytes(0xff, count * 8);
            heap.c_give(block);
            let again = heap.c_take_zeroed(count, 8);
            assert_eq!(again, block);
            let bytes = std::slice::from_raw_parts(again, count * 8);
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
        let taken = heap.c_resize(ptr::null_mut(), 48);
        assert_eq!(heap.c_holds(taken), 48);
        assert!(heap.c_resize(taken, usize::MAX).is_null());
        assert_eq!(heap.c_holds(taken), 48, "the old block stays");
    }
}

#[test]
fn a_chunk_whose_place_cannot_be_noted_is_none() {
    let mut marks = Marks::new();
    let mut pages = Pages::with(WHOLE.size());
    let (start, _) = pages.grow(2 * PAGE).unwrap();
    let chunk = start.wrapping_add(start.align_offset(FRAME));
    assert!(!marks.add(chunk, &mut Large::new(Pages::with(0))));
    assert!(!marks.is_small(chunk));
    let mut memory = Large::new(Pages::with(2 * PAGE));
    assert!(marks.add(chunk, &mut memory));
    assert!(marks.is_small(chunk) && marks.is_small(chunk.wrapping_add(CHUNK - 1)));
    assert!(!marks.is_small(chunk.wrapping_add(FRAME)));
    assert!(!marks.is_small(chunk.wrapping_sub(1)));
    // However little there is left for it, what is taken is given back.
    for taken in (1040..4096).step_by(16) {
        let mut program = Program::with(3 * PAGE);
        while program.take(taken, 8) {}
        program.give(0);
        while program.take(16, 8) {}
        while !program.held.is_empty() {
            program.c_give(0);
        }
        for (size, free) in program.heap.large.blocks() {
            assert!(free || CHUNK_BLOCKS.contains(&size) || TABLE_BLOCKS.contains(&size));
        }
    }
}

/// The sizes of large blocks that stay: chunks, and tables of where they are.
const CHUNK_BLOCKS: std::ops::Range<usize> = CHUNK..CHUNK + 64;
const TABLE_BLOCKS: std::ops::Range<usize> = 1024..1024 + 64;

#[derive(Debug, Clone)]
enum Step {
    Take(By, usize, usize),
    Give(By, prop::sample::Index),
    Resize(By, prop::sample::Index, usize),
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Rust,
    C,
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![8 => 1..200_usize, 4 => 1..1100_usize, 1 => 1..20_000_usize];
    let align = prop_oneof![8 => 0..5_u32, 1 => 5..8_u32];
    let by = || prop_oneof![2 => Just(By::Rust), 1 => Just(By::C)];
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (by(), size(), align).prop_map(|(by, size, power)| Step::Take(by, size, 1 << power)),
        3 => (by(), at()).prop_map(|(by, at)| Step::Give(by, at)),
        2 => (by(), at(), size()).prop_map(|(by, at, size)| Step::Resize(by, at, size)),
    ]
}

proptest! {
    #[test]
    fn blocks_never_overlap_and_keep_what_is_in_them(
        steps in prop::collection::vec(step(), 1..300),
        limit in prop_oneof![Just(usize::MAX), 5_000..60_000_usize],
    ) {
        let mut program = Program::with(limit);
        for step in steps {
            match step {
                Step::Take(By::Rust, size, align) => { program.take(size, align); }
                Step::Take(By::C, size, align) => { program.c_take(size, align); }
                Step::Give(by, at) if !program.held.is_empty() => {
                    let at = at.index(program.held.len());
                    match by {
                        By::Rust => program.give(at),
                        By::C => program.c_give(at),
                    }
                }
                Step::Resize(by, at, size) if !program.held.is_empty() => {
                    let at = at.index(program.held.len());
                    match by {
                        By::Rust => program.resize(at, size),
                        By::C => program.c_resize(at, size),
                    };
                }
                Step::Give(..) | Step::Resize(..) => {}
            }
        }
        while !program.held.is_empty() {
            program.give(0);
        }
        // What was large is whole again, and what was small stays in chunks.
        for (size, free) in program.heap.large.blocks() {
            let stays = CHUNK_BLOCKS.contains(&size) || TABLE_BLOCKS.contains(&size);
            prop_assert!(free || stays, "{size}");
        }
    }
}
