//! The report of a trap: what the plugin said last, and where it was, with the names of its functions.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_demangle::demangle;
use wasmtime::WasmBacktrace;

use crate::device::Trap;

/// Bytes of a message that are kept: what a plugin says when it panics can be a whole dump.
const MAX_MESSAGE: usize = 2 << 10;

/// Bytes of a backtrace that are kept with the last error of a device, and shown.
const MAX_BACKTRACE: usize = 4 << 10;

/// Bytes of one function's name: generic ones run over several screens.
const MAX_NAME: usize = 160;

/// Lines printed last that are looked through for a panic: its headline, its words, and a note.
const MAX_LINES: usize = 16;

/// How Rust begins to tell of a panic.
const PANICKED: &str = "panicked at ";

/// How the engine says that a host call took in too much; it knows no name of ours.
const HOST_CALL_DATA: &str = "fuel allocated for hostcalls";

/// What a call has printed to standard error last, and the panic it announced.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWords(Arc<Spoken>);

#[derive(Debug, Default)]
struct Spoken {
    /// Whether there are any, so that a call that says nothing takes no lock.
    any: AtomicBool,
    words: Mutex<Words>,
}

#[derive(Debug, Default)]
struct Words {
    printed: Vec<String>,
    panic: Option<String>,
}

impl LastWords {
    fn lock(&self) -> MutexGuard<'_, Words> {
        self.0.any.store(true, Ordering::Relaxed);
        let words = self.0.words.lock();
        words.unwrap_or_else(PoisonError::into_inner)
    }

    /// A line on standard error.
    pub(super) fn printed(&self, line: &str) {
        let mut words = self.lock();
        if words.printed.len() >= MAX_LINES {
            words.printed.remove(0);
        }
        words.printed.push(clipped(line, MAX_MESSAGE).to_owned());
    }

    /// A panic, with its place, as the SDK announces it.
    pub(super) fn panicked(&self, text: &str) {
        self.lock().panic = Some(clipped(text, MAX_MESSAGE).to_owned());
    }

    /// Forgets what an earlier call said.
    pub(super) fn forget(&self) {
        if self.0.any.load(Ordering::Relaxed) {
            *self.lock() = Words::default();
            self.0.any.store(false, Ordering::Relaxed);
        }
    }

    /// The panic in a line, or else what was printed last.
    fn told(&self) -> Option<String> {
        if !self.0.any.load(Ordering::Relaxed) {
            return None;
        }
        let words = self.lock();
        let panic = words.panic.clone().or_else(|| panic(&words.printed));
        match panic {
            Some(panic) => Some(format!("{PANICKED}{panic}")),
            None => words
                .printed
                .iter()
                .rfind(|line| !line.trim().is_empty() && !line.starts_with("note: "))
                .cloned(),
        }
    }
}

/// The panic that Rust's standard library printed: place and words.
fn panic(printed: &[String]) -> Option<String> {
    let at = printed.iter().rposition(|line| line.contains(PANICKED))?;
    let (_, place) = printed[at].split_once(PANICKED)?;
    let words = printed[at + 1..]
        .iter()
        .take_while(|line| !line.starts_with("note: ") && !line.starts_with("stack backtrace:"))
        .map(|line| line.trim())
        .filter(|line| !line.is_empty());
    let words: Vec<&str> = words.collect();
    Some(format!(
        "{}: {}",
        place.trim_end_matches(':'),
        words.join(" ")
    ))
}

/// What happened, in a line, and where.
pub(super) fn trap(error: &wasmtime::Error, words: Option<&LastWords>) -> Trap {
    let mut cause = error.root_cause().to_string();
    if cause.contains(HOST_CALL_DATA) {
        cause.push_str(" (limit `host-call-data`)");
    }
    // A plugin that aborts has mostly said why; where the host ends it, the host's reason counts.
    let aborted = matches!(
        error.downcast_ref(),
        Some(wasmtime::Trap::UnreachableCodeReached)
    );
    let told = words.filter(|_| aborted).and_then(LastWords::told);
    let message = match told {
        Some(told) if told.starts_with(PANICKED) => told,
        Some(told) => format!("{told} ({cause})"),
        None => cause,
    };
    let names = error
        .downcast_ref::<WasmBacktrace>()
        .map(|backtrace| backtrace.frames().iter().map(name).collect());
    Trap {
        message: clipped(&message, MAX_MESSAGE + 128).to_owned(),
        backtrace: names
            .map(|names: Vec<String>| told_by(&names))
            .unwrap_or_default(),
        no_memory: false,
    }
}

/// The name of a frame's function, and its place in the source where the component has it.
fn name(frame: &wasmtime::FrameInfo) -> String {
    let symbol = frame.symbols().first();
    let mangled = symbol
        .and_then(|symbol| symbol.name())
        .or_else(|| frame.func_name());
    let Some(mangled) = mangled else {
        return format!("function {}", frame.func_index());
    };
    // Without the hash at its end.
    let full = format!("{:#}", demangle(mangled));
    let mut name = clipped(&full, MAX_NAME).to_owned();
    if name.len() < full.len() {
        name.push('…');
    }
    if let Some(symbol) = symbol
        && let (Some(file), Some(line)) = (symbol.file(), symbol.line())
    {
        let _ = write!(name, " ({file}:{line})");
    }
    name
}

/// Beginnings of the names of functions that say nothing about the fault: how a panic ends the
/// instance, and what generated code and the libraries below it do between the host's call and the
/// plugin's own function.
const NOISE: [&str; 22] = [
    "core::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "core::ops::function::",
    "core::slice::index::slice_",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::handle_error",
    "std::panicking::",
    "std::panic::",
    "std::process::",
    "std::rt::",
    "std::sys",
    "std::thread::local::",
    "std::alloc::",
    "__rustc",
    "__rust_",
    "rust_begin_unwind",
    "rust_panic",
    "wit_bindgen",
    "abort",
    "_Exit",
];

fn is_noise(name: &str) -> bool {
    // `<T as core::ops::function::FnOnce>::call_once` belongs to the trait.
    let path = name.trim_start_matches('<');
    let path = path.split_once(" as ").map_or(path, |(_, of)| of);
    NOISE.iter().any(|noise| path.starts_with(noise))
        || name.contains("::_export_")
        || name.ends_with("_cabi")
        || name.starts_with("wit-component:")
}

/// Frames as text, the innermost first. Runs of noise are a line, and so is a function that called
/// itself; the hook that the host called is the last.
fn told_by(names: &[String]) -> String {
    let mut text = String::new();
    // Of a backtrace that is noise alone, something is better than nothing.
    let all_noise = names.iter().all(|name| is_noise(name));
    let noise = |name: &str| !all_noise && is_noise(name);
    let alike = |one: &String, other: &String| (noise(one) && noise(other)) || one == other;
    let mut index = 0;
    for run in names.chunk_by(alike) {
        let name = &run[0];
        if text.len() + name.len() > MAX_BACKTRACE {
            let _ = writeln!(text, "     … {} more", names.len() - index);
            break;
        }
        let _ = match (noise(name), run.len()) {
            (true, 1) => writeln!(text, "     … a frame of libraries"),
            (true, count) => writeln!(text, "     … {count} frames of libraries"),
            (false, 1) => writeln!(text, "{index:4}: {name}"),
            (false, count) => writeln!(text, "{index:4}: {name}, {count} times"),
        };
        index += run.len();
    }
    text
}

fn clipped(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(lines: &[&str]) -> LastWords {
        let words = LastWords::default();
        for line in lines {
            words.printed(line);
        }
        words
    }

    #[test]
    fn a_panic_is_told_with_its_place_and_all_its_words() {
        let words = words(&[
            "reading 7 registers",
            "",
            "thread '<unnamed>' (1) panicked at src/rule.rs:41:9:",
            "assertion `left == right` failed",
            "  left: 1",
            " right: 2",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        ]);
        assert_eq!(
            words.told().as_deref(),
            Some("panicked at src/rule.rs:41:9: assertion `left == right` failed left: 1 right: 2")
        );
        words.panicked("src/plugin.rs:3:5: no");
        assert_eq!(
            words.told().as_deref(),
            Some("panicked at src/plugin.rs:3:5: no"),
            "the SDK's own words go first"
        );
        words.forget();
        assert_eq!(words.told(), None);
    }

    #[test]
    fn what_other_languages_print_before_they_abort_is_their_last_line() {
        let words = words(&["Assertion failed: n > 0 (codec.c: parse: 12)", ""]);
        assert_eq!(
            words.told().as_deref(),
            Some("Assertion failed: n > 0 (codec.c: parse: 12)")
        );
    }

    #[test]
    fn the_limit_of_what_a_host_call_takes_in_is_named() {
        let error = wasmtime::Error::msg(
            "too much data is being copied between the host and the guest: fuel allocated for \
             hostcalls has been exhausted",
        );
        let message = trap(&error, None).message;
        assert!(message.ends_with("(limit `host-call-data`)"), "{message}");
    }

    #[test]
    fn advice_about_backtraces_is_not_what_went_wrong() {
        let words = words(&[
            "memory allocation of 65536 bytes failed",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        ]);
        let told = words.told();
        assert_eq!(
            told.as_deref(),
            Some("memory allocation of 65536 bytes failed")
        );
    }

    #[test]
    fn of_endless_words_the_last_are_kept() {
        let long = "x".repeat(MAX_MESSAGE * 2);
        let words = words(&[&long]);
        for line in 0..1_000 {
            words.printed(&line.to_string());
        }
        assert_eq!(words.told().as_deref(), Some("999"));
        assert!(words.lock().printed.len() <= MAX_LINES);
    }

    fn told(names: &[&str]) -> String {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("{:#}", demangle(name)))
            .collect();
        told_by(&names)
    }

    #[test]
    fn frames_of_libraries_are_a_line_and_the_plugins_own_have_their_names() {
        let text = told(&[
            "abort",
            "std::process::abort",
            "std::panicking::panic_with_hook",
            "core::panicking::panic_fmt",
            "_ZN4rule4Rule8on_event17h0123456789abcdefE",
            "<rule::Rule as weihe_sdk::plugin::Plugin>::on_event",
            "rule::bindings::_export_handle_cabi",
            "weihe:plugin/events@0.1.0#handle",
        ]);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "… 4 frames of libraries",
                "4: rule::Rule::on_event",
                "5: <rule::Rule as weihe_sdk::plugin::Plugin>::on_event",
                "… a frame of libraries",
                "7: weihe:plugin/events@0.1.0#handle",
            ]
        );
        assert!(
            told(&["abort"]).contains("0: abort"),
            "nothing else is there"
        );
    }

    #[test]
    fn a_backtrace_of_any_depth_is_bounded() {
        let names = vec!["plugin::recurse".to_owned(); 10_000];
        assert_eq!(told_by(&names), "   0: plugin::recurse, 10000 times\n");
        let names: Vec<String> = (0..10_000).map(|n| format!("plugin::f{n}")).collect();
        let text = told_by(&names);
        assert!(text.len() < MAX_BACKTRACE + 64);
        assert!(text.trim_end().ends_with("more"), "{text}");
    }
}
