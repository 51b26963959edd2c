//! weihe.toml: any text is a configuration or a list of faults, each with a place within the text.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use weihe::config::{Config, LoadError};

fuzz_target!(|text: &str| {
    if let Err(LoadError::Invalid(invalid)) = Config::parse(Path::new("/nowhere"), text) {
        let lines = text.lines().count().max(1) + 1;
        for problem in invalid.problems() {
            assert!(
                problem.line() <= lines,
                "line {} of {lines}",
                problem.line()
            );
            let _ = problem.to_json();
        }
    }
});
