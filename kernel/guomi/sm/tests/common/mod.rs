//! What the tests share: bytes from digits, and peers.

#![allow(dead_code, reason = "each test uses some of it")]

pub mod der;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// n, the order of the curve (GB/T 32918.5-2017, 2).
pub const N: &str = "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123";

/// Bytes from hexadecimal digits with spaces between them.
pub fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number and a small one, modulo 2^256.
pub fn plus(number: &[u8], add: i64) -> [u8; 32] {
    let mut sum: [u8; 32] = number.try_into().unwrap();
    let mut carry = add;
    for byte in sum.iter_mut().rev() {
        carry += i64::from(*byte);
        *byte = carry.rem_euclid(256) as u8;
        carry = carry.div_euclid(256);
    }
    sum
}

/// Runs a peer. Nothing where it isn't installed: then the test says so and ends, but where `CI` is set it fails.
pub fn run(program: &Path, arguments: &[&str], folder: &Path) -> Option<Ran> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(Ran {
            good: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }),
        Err(error) => {
            skip(&format!("{}: {error}", program.display()));
            None
        }
    }
}

/// `openssl`, which has to be one of version 3 or later with SM2.
pub fn openssl(arguments: &[&str], folder: &Path) -> Option<Ran> {
    run(Path::new("openssl"), arguments, folder)
}

/// Says that a test is left out.
pub fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by a macro: the harness keeps back what those print in a passing test.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {reason}\n");
}

pub struct Ran {
    pub good: bool,
    pub out: String,
    pub said: String,
    pub bytes: Vec<u8>,
}

impl Ran {
    /// What it printed; it has to have ended well.
    #[track_caller]
    pub fn good(self) -> String {
        assert!(self.good, "{}{}", self.out, self.said);
        self.out
    }

    /// What it said; it has to have failed.
    #[track_caller]
    pub fn bad(self) -> String {
        assert!(!self.good, "it should have failed: {}", self.out);
        format!("{}{}", self.out, self.said)
    }
}
