//! The first file system of a board, which is its only one.

use std::fs;
use std::path::Path;

use crate::archive::Archive;
use crate::board::{Board, Processor};
use crate::host;
use crate::kernel::{Kernel, cache};

/// Writes it for a board, into a file.
pub fn write(board: &Board, kernel: &Kernel, to: &Path) -> Result<(), String> {
    let mut archive = Archive::default();
    for folder in ["dev", "proc", "sys", "tmp", "root", "systems", "components"] {
        archive.folder(folder);
    }
    // The first process has its console before anything is mounted.
    archive.character_device("dev/console", 5, 1);
    archive.file("init", true, include_bytes!("init"));
    archive.file("agent", true, include_bytes!("agent"));
    let architecture = match board.processor {
        Processor::X86 => "amd64",
        Processor::Arm => "arm64",
    };
    let busybox = cache().join("busybox").join(architecture).join("busybox");
    if !busybox.is_file() {
        return Err("no busybox: run tests/rig/prepare".to_owned());
    }
    archive.copy("bin/busybox", true, &busybox);
    archive.link("bin/sh", "busybox");
    let mut list = String::new();
    for (path, parameters) in kernel.modules(board.modules) {
        let name = path.file_name().expect("a name").to_string_lossy();
        archive.copy(&format!("modules/{name}"), false, &path);
        list.push_str(&format!("{name} {parameters}\n"));
    }
    archive.file("modules/list", false, list.as_bytes());
    for (path, contents) in host::files(board.processor)? {
        archive.file(path, true, contents);
    }
    for (path, contents) in &board.files {
        archive.file(path.trim_start_matches('/'), false, contents.as_bytes());
    }
    fs::write(to, archive.finish()).map_err(|error| format!("{}: {error}", to.display()))
}
