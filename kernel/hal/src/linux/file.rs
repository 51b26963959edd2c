//! Files of sysfs: one value each.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long files are waited for that have just come into being: udev gives them to their group a little later.
const SETTLING: Duration = Duration::from_millis(500);

/// How often they are looked for meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// Writes a value. In a copy of a board's files none is made that is not there.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let file = File::options().write(true).truncate(true).open(path)?;
    file.write_all_at(text.as_bytes(), 0)
}

/// Reads a value.
pub(super) fn read(path: &Path) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

/// Reads a number.
pub(super) fn number<N: std::str::FromStr>(path: &Path) -> io::Result<N> {
    let text = read(path)?;
    text.parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("`{text}` is no number")))
}

/// Opens a file for writing and, where it may be, for reading, that may just be coming into being.
pub(super) fn settled(path: &Path, read: bool) -> io::Result<File> {
    let end = Instant::now() + SETTLING;
    loop {
        let opened = File::options().read(read).write(true).open(path);
        match &opened {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) && Instant::now() < end =>
            {
                std::thread::sleep(LOOK);
            }
            _ => return opened,
        }
    }
}
