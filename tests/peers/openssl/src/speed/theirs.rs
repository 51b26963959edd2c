//! OpenSSL's side: a small program in C, built against the library.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stack::Stack;
use crate::{pki, text};

/// How many were started here.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// The program.
const SOURCE: &str = include_str!("openssl.c");

pub struct Theirs {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// As the library that was linked says it.
    pub version: String,
}

impl Theirs {
    /// Builds the program as OpenSSL builds its own, and starts it.
    pub fn start(stack: &Stack, folder: &Path) -> Result<Self, String> {
        // Of its own: two runs at once don't write one program.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let program = folder.join(format!("speed-{}-{number}", std::process::id()));
        let source = program.with_extension("c");
        fs::write(&source, SOURCE).map_err(|error| format!("{}: {error}", source.display()))?;
        let built = Command::new("cc")
            .args(["-O3", "-Wall", "-Wextra", "-pthread"])
            .arg(&source)
            .arg("-I")
            .arg(stack.root.join("include"))
            .arg("-o")
            .arg(&program)
            .args([stack.root.join("libssl.a"), stack.root.join("libcrypto.a")])
            .arg("-ldl")
            .status();
        match built.map_err(|error| format!("cc: {error}"))? {
            status if status.success() => {}
            status => return Err(format!("cc: {status}")),
        }
        let process = Command::new(&program)
            .arg(pki(""))
            .env_remove("OPENSSL_CONF")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        // It runs without its name.
        let _ = fs::remove_file(&program);
        let _ = fs::remove_file(&source);
        let mut process = process.map_err(text)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("no pipes to OpenSSL".to_owned());
        };
        let mut theirs = Self {
            process,
            input,
            output: BufReader::new(output),
            version: String::new(),
        };
        theirs.version = theirs.line()?;
        Ok(theirs)
    }

    /// What the work comes to over so many bytes, or over what it is told.
    pub fn check(&mut self, work: &str, size: usize, told: &[u8]) -> Result<Vec<u8>, String> {
        let told: String = told.iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = self.ask(&format!("check {work} {size} {told}"))?;
        let digits = answer.as_bytes().chunks(2);
        digits
            .map(|two| {
                let two = std::str::from_utf8(two).map_err(text)?;
                u8::from_str_radix(two, 16).map_err(text)
            })
            .collect()
    }

    /// Nanoseconds of the processor that so many of it took.
    pub fn run(&mut self, work: &str, size: usize, count: u64) -> Result<f64, String> {
        let answer = self.ask(&format!("run {work} {size} {count}"))?;
        answer.parse().map_err(|_| format!("{answer:?} is no time"))
    }

    fn ask(&mut self, question: &str) -> Result<String, String> {
        writeln!(self.input, "{question}").map_err(text)?;
        self.line()
            .map_err(|error| format!("{question}: OpenSSL gave no answer: {error}"))
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line).map_err(text)? {
            0 => Err("it has ended".to_owned()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
