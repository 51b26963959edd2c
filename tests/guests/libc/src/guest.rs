//! The plugin.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};

use weihe_sdk::prelude::*;

unsafe extern "C" {
    fn getentropy(bytes: *mut c_void, count: usize) -> c_int;
    fn strdup(text: *const c_char) -> *mut c_char;
    fn free(block: *mut c_void);
    fn malloc(size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
}

/// How often each call is made.
const ROUNDS: usize = 1000;

struct Libc {
    out: Topic,
}

impl Plugin for Libc {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("libc", "0.1.0", "Calls the C library")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        let input = format!("plugin/{}/in", ctx.device());
        ctx.subscribe(&input)?;
        Ok(Libc {
            out: ctx.own_topic("out")?,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let what = event.value.as_str().unwrap_or_default();
        let mut kept = Kept::default();
        let mut said = String::new();
        for round in 0..ROUNDS {
            said = call(what, round)?;
            kept.add(round);
        }
        if !kept.are_untouched() {
            said = "a block was overwritten".to_owned();
        }
        ctx.publish_on(self.out, &*format!("{what}: {said}"));
        Ok(())
    }
}

/// One call, and what came of it.
fn call(what: &str, round: usize) -> Result<String, Error> {
    match what {
        // Lists of the sizes of several small blocks, and of large ones.
        "entropy" => {
            let mut bytes = [0_u8; 256];
            for count in [1, 16, 48, 100, 256] {
                // SAFETY: there are as many bytes.
                let failed = unsafe { getentropy(bytes.as_mut_ptr().cast(), count) } != 0;
                if failed {
                    return Err(Error::rejected("no entropy"));
                }
            }
            // One in 2^2048 has none.
            Ok(bytes.iter().any(|byte| *byte != 0).to_string())
        }
        "environment" => Ok(std::env::vars_os().count().to_string()),
        "arguments" => Ok(std::env::args_os().count().to_string()),
        "random" => {
            let map: HashMap<usize, usize> = (0..10).map(|key| (key, round)).collect();
            Ok(map.len().to_string())
        }
        "folder" => Ok(std::fs::read_dir("/").is_ok().to_string()),
        "line" => {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            Ok(read.is_ok_and(|count| count == 0).to_string())
        }
        "own blocks" => Ok(own_blocks(round).to_string()),
        _ => Err(Error::rejected("no such call")),
    }
}

/// Whether blocks that the C library takes keep what is in them, and are given back.
fn own_blocks(round: usize) -> bool {
    let size = round % 1500 + 2;
    let text = vec![b'x'; size - 1];
    // SAFETY: each block is as large as said, and given back once; the text ends with a zero.
    unsafe {
        let block = malloc(size).cast::<u8>();
        block.copy_from_nonoverlapping(text.as_ptr(), size - 1);
        block.add(size - 1).write(0);
        let copy = strdup(block.cast());
        let longer = realloc(block.cast(), size * 2).cast::<u8>();
        let same = (0..size).all(|at| longer.add(at).read() == copy.cast::<u8>().add(at).read());
        free(copy.cast());
        free(longer.cast());
        same
    }
}

/// Blocks that Rust holds meanwhile.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Kept {
    fn add(&mut self, round: usize) {
        // So that what is given back serves others, too.
        if self.0.len() > 50 {
            self.0.swap_remove(round % 50);
        }
        self.0.push(vec![round as u8; 1 + round % 300]);
    }

    fn are_untouched(&self) -> bool {
        let is_whole = |block: &Vec<u8>| block.iter().all(|byte| *byte == block[0]);
        self.0.iter().all(is_whole)
    }
}

weihe_sdk::plugin!(Libc: events);
