//! Which clang there is, and what it says.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::super::build::{BuildError, printed};
use super::super::stop::Stop;
use super::error::CError;
use crate::keys::without_secrets;

/// Names the folder of a WASI SDK, as that SDK's own documentation does.
const WASI_SDK: &str = "WASI_SDK_PATH";

/// clang on this machine.
pub(super) struct Compiler {
    program: PathBuf,
}

impl Compiler {
    /// That of a WASI SDK, when one is named; else the one on the path.
    pub(super) fn find() -> Self {
        Self::of(std::env::var_os(WASI_SDK))
    }

    /// That of the SDK in a folder. A variable that is set to nothing names none.
    fn of(sdk: Option<OsString>) -> Self {
        let sdk = sdk.filter(|folder| !folder.is_empty()).map(PathBuf::from);
        Self {
            program: sdk.map_or_else(|| PathBuf::from("clang"), |sdk| sdk.join("bin/clang")),
        }
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        without_secrets(&mut command);
        command
    }

    pub(super) fn run(
        &self,
        command: &mut Command,
        name: &str,
        said: &mut (impl FnMut(&str) + Send),
        stop: &Stop,
    ) -> Result<(), BuildError> {
        let fail = |source: io::Error| {
            if source.kind() == io::ErrorKind::NotFound {
                return CError::NoCompiler(self.program.clone());
            }
            CError::Io {
                what: "run",
                path: self.program.clone(),
                source,
            }
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = stop.start(command).map_err(fail)?;
        let mut child = started.ok_or(BuildError::Stopped)?;
        let output = printed(child.stderr.take(), said);
        let status = stop.wait(&mut child).map_err(fail)?;
        if stop.is_said() {
            return Err(BuildError::Stopped);
        }
        if status.success() {
            return Ok(());
        }
        let name = name.to_owned();
        Err(match missing(&output) {
            Some(missing) => CError::NoLibrary {
                name,
                missing,
                output,
            },
            None => CError::Compile { name, output },
        }
        .into())
    }
}

/// What a compiler lacks, when that is why it failed: its own words name a file that means nothing
/// to who wrote the plugin.
fn missing(output: &str) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 5] = [
        (
            "unable to create target",
            "this clang does not know WebAssembly",
        ),
        (
            "No available targets are compatible",
            "this clang does not know WebAssembly",
        ),
        (
            "unable to execute command: Executable \"wasm-ld\"",
            "the linker wasm-ld is missing",
        ),
        (
            "crt1-reactor.o",
            "the C library for WebAssembly (wasi-libc) is missing",
        ),
        (
            "libclang_rt.builtins",
            "clang's runtime for WebAssembly is missing",
        ),
    ];
    let known = SIGNS.iter().find(|(sign, _)| output.contains(sign));
    // Headers of the C library that only it has.
    let header = ["stdlib.h", "stdint.h", "string.h"]
        .iter()
        .any(|header| output.contains(&format!("'{header}' file not found")));
    known
        .map(|(_, what)| *what)
        .or(header.then_some("the C library for WebAssembly (wasi-libc) is missing"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sdk_is_taken_where_one_is_named() {
        let program = |sdk: Option<&str>| Compiler::of(sdk.map(OsString::from)).program;
        assert_eq!(program(None), PathBuf::from("clang"));
        assert_eq!(program(Some("")), PathBuf::from("clang"));
        assert_eq!(
            program(Some("/opt/wasi")),
            PathBuf::from("/opt/wasi/bin/clang")
        );
    }

    #[test]
    fn what_a_machine_lacks_is_told_from_what_the_source_lacks() {
        let told = |output| missing(output);
        assert_eq!(told("meter.c:3:1: error: expected ';'"), None);
        assert_eq!(
            told("meter.c:1:10: fatal error: 'meter.h' file not found"),
            None
        );
        assert!(
            told("wasm-ld: error: cannot open crt1-reactor.o: No such file")
                .unwrap()
                .contains("wasi-libc")
        );
        assert!(
            told("x.h:7:10: fatal error: 'stdlib.h' file not found")
                .unwrap()
                .contains("wasi-libc")
        );
        assert!(
            told("error: unable to execute command: Executable \"wasm-ld\" doesn't exist!")
                .unwrap()
                .contains("linker")
        );
        assert!(told("wasm-ld: error: cannot open /usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a").unwrap().contains("runtime"));
    }
}
