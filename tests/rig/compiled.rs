//! Components compiled in advance. Cranelift takes ten to twenty seconds for one in an emulated machine, where nothing is
//! learnt from it; what it makes of them runs there.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use weihe_kernel::runtime::engine_config;
use weihe_tests::{component, outputs, target};

use crate::board::Processor;
use crate::host;

/// A component, and what was compiled of it.
#[derive(Debug)]
pub struct Compiled {
    /// The component's own bytes.
    pub component: Vec<u8>,
    /// SHA-256 of these, as the host's cache names code.
    pub sha256: String,
    /// The code.
    pub code: Vec<u8>,
}

/// The file of a package's component. Two versions of one plugin are `outputs-1` and `outputs-2`.
fn file(package: &str) -> PathBuf {
    match package.strip_prefix("outputs-") {
        Some(version) => outputs(version.parse().expect("a version")),
        None => component(package),
    }
}

/// A package's component for a processor; compiled once, until it changes.
pub fn compiled(package: &str, processor: Processor) -> Result<Compiled, String> {
    // One at a time: the other check wants the second core.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = file(package);
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let bytes = read(&file)?;
    let sha256 = sha256(&bytes);
    let config = engine_config(Some(X86)).map_err(|error| error.to_string())?;
    let engine = wasmtime::Engine::new(&config).map_err(|error| error.to_string())?;
    // Version and settings of the engine are the same for both processors.
    let mut version = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut version);
    let folder = target().join("weihe-rig/compiled");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let path = folder.join(format!("{processor:?}-{sha256}-{:x}", version.finish()));
    if !path.is_file() {
        let scratch = folder.join(format!("scratch-{}", std::process::id()));
        match processor {
            Processor::X86 => {
                let code = engine.precompile_component(&bytes);
                let code = code.map_err(|error| format!("{package}: {error:#}"))?;
                fs::write(&scratch, code).map_err(|error| error.to_string())?;
            }
            Processor::Arm => compile_for_arm(&file, &scratch)?,
        }
        fs::rename(&scratch, &path).map_err(|error| error.to_string())?;
    }
    Ok(Compiled {
        component: bytes,
        sha256,
        code: read(&path)?,
    })
}

/// What every 64-bit PC can execute: an emulated one has other extensions than this machine.
const X86: &str = "x86_64-unknown-linux-gnu";

/// By the host that runs there, itself emulated, but without a kernel around it: three times faster.
fn compile_for_arm(component: &Path, to: &Path) -> Result<(), String> {
    let host: PathBuf = host::built_for_arm()?;
    let mut child = Command::new("qemu-aarch64")
        .args(["-L", "/usr/aarch64-linux-gnu", "-cpu", "cortex-a57"])
        .arg(host)
        .arg("compile-component")
        .args([component, to])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`qemu-aarch64` (Debian: qemu-user): {error}"))?;
    // It ends when its input does.
    let _input = child.stdin.take();
    let done = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{} does not compile for aarch64: {}",
            component.display(),
            String::from_utf8_lossy(&done.stderr)
        )),
    }
}

/// In lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
