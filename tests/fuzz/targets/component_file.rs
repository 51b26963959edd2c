//! A file in the plugin folder: what is in it, or why it is no plugin. Nothing is compiled.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use weihe::component::Layout;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Layout::of(Path::new("any.wasm"), bytes) {
        assert!(!error.to_string().is_empty());
        assert!(!error.help().is_empty());
    }
});
