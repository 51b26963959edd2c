//! One folder under which all of /proc, /sys, /dev and /etc lie: `/`, or a copy of a board's.

use std::cmp::Ordering;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

/// The longest file that is read: /proc/self/smaps of a large process has some hundred kilobytes.
const FILE_LIMIT: u64 = 4 << 20;

/// Symbolic links that are followed in one path, as in Linux (path_resolution(7)).
const LINKS: usize = 40;

/// Where /proc, /sys, /dev and /etc are: `/`, or a copy of a board's files.
///
/// Paths that go in and come out are those of the machine (`/sys/class/tty`), whatever the root is; only
/// [`Root::path`] gives one to open. Symbolic links lead to where they would on the machine: an absolute one
/// begins at the root, and `..` does not leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self::new(Path::new("/"))
    }
}

impl Root {
    /// Looks below a directory.
    pub fn new(root: &Path) -> Self {
        Self(root.to_path_buf())
    }

    /// Whether this is the running machine, and no copy.
    pub fn is_machine(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// The path by which this process opens a path of the machine. Links in it are followed as far as it
    /// exists, so that none leads out of a copy.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        if self.is_machine() {
            return Path::new("/").join(path);
        }
        self.below(&self.resolve(path).0)
    }

    /// A path of the machine without links in it; none where nothing is there.
    pub fn real(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let path = path.as_ref();
        if self.is_machine() {
            return Path::new("/").join(path).canonicalize().ok();
        }
        let (real, exists) = self.resolve(path);
        exists.then_some(real)
    }

    /// A path of the machine without links in it, and whether it exists.
    fn resolve(&self, path: &Path) -> (PathBuf, bool) {
        let mut rest: Vec<PathBuf> = parts(path);
        rest.reverse();
        let mut real = PathBuf::from("/");
        let mut exists = true;
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == Path::new("..") {
                real.pop();
                continue;
            }
            let next = real.join(&part);
            let here = self.below(&next);
            match fs::symlink_metadata(&here) {
                Ok(metadata) if metadata.is_symlink() => {}
                found => {
                    exists &= found.is_ok();
                    real = next;
                    continue;
                }
            }
            links += 1;
            let Some(target) = fs::read_link(&here).ok().filter(|_| links <= LINKS) else {
                // A name that nobody has: what is there is a link out of the copy, perhaps.
                return (real.join("(too many links)"), false);
            };
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            rest.extend(parts(&target).into_iter().rev());
        }
        (real, exists)
    }

    /// The text of a file, with what is not UTF-8 replaced; none where it cannot be read, or is no file (a
    /// pipe in a copy would never end).
    pub fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bytes of a file, as [`Root::read`].
    pub fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let path = self.path(path);
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(path).ok()?;
        file.take(FILE_LIMIT).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A file's one value, without blanks and NULs around it; none where there is none.
    pub fn value(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = self.read(path)?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether something is there.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.real(path).is_some()
    }

    /// The names in a folder, numbers in their order: `ttyS9` before `ttyS10`.
    pub fn list(&self, path: impl AsRef<Path>) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(path))? {
            // What is not UTF-8 is no name of the kernel's.
            names.extend(entry?.file_name().into_string());
        }
        names.sort_by(|a, b| natural(a, b));
        Ok(names)
    }

    /// The last name of what a link leads to, which need not be there.
    pub fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let path = path.as_ref();
        let folder = self.real(path.parent()?)?;
        let target = fs::read_link(self.below(&folder.join(path.file_name()?))).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    fn below(&self, path: &Path) -> PathBuf {
        let inner = path.components().filter_map(|part| match part {
            Component::Normal(part) => Some(part),
            _ => None,
        });
        self.0.join(inner.collect::<PathBuf>())
    }
}

/// The names of a path, with `..` as one.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(PathBuf::from(part)),
            Component::ParentDir => Some(PathBuf::from("..")),
            _ => None,
        })
        .collect()
}

/// The order of names in which a number counts by its value.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(&pieces(b)).then_with(|| a.cmp(b))
}

/// A name as words, each with the number behind it.
fn pieces(name: &str) -> Vec<(&str, u64)> {
    let mut rest = name;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit());
        let (word, tail) = rest.split_at(digits.unwrap_or(rest.len()));
        let end = tail.find(|c: char| !c.is_ascii_digit());
        let (number, tail) = tail.split_at(end.unwrap_or(tail.len()));
        pieces.push((word, number.parse().unwrap_or_default()));
        rest = tail;
    }
    pieces
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_to_where_they_would_on_the_machine_and_never_out_of_the_copy() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "outside").unwrap();
        let copy = tempfile::tempdir().unwrap();
        let at = |path: &str| copy.path().join(path);
        fs::create_dir_all(at("sys/devices/uart")).unwrap();
        fs::create_dir_all(at("sys/class/tty")).unwrap();
        fs::write(at("sys/devices/uart/type"), "4\n").unwrap();
        symlink("/sys/devices/uart", at("sys/class/tty/absolute")).unwrap();
        symlink("../../devices/uart", at("sys/class/tty/relative")).unwrap();
        let up = "../../../../../../../../../../../../sys/devices/uart";
        symlink(up, at("sys/class/tty/above")).unwrap();
        symlink(outside.path(), at("sys/class/tty/outside")).unwrap();
        symlink("loop", at("sys/class/tty/loop")).unwrap();
        let root = Root::new(copy.path());
        for name in ["absolute", "relative", "above"] {
            let folder = format!("/sys/class/tty/{name}");
            assert_eq!(root.value(format!("{folder}/type")).unwrap(), "4", "{name}");
            assert_eq!(root.real(&folder).unwrap(), Path::new("/sys/devices/uart"));
            assert_eq!(root.link_name(&folder).unwrap(), "uart");
        }
        assert_eq!(root.read("/sys/class/tty/outside/secret"), None);
        let above = format!("/../../..{}/secret", outside.path().display());
        assert_eq!(root.read(above), None);
        assert_eq!(root.real("/sys/class/tty/loop"), None);
        assert!(
            root.path("/sys/class/tty/outside/x")
                .starts_with(copy.path())
        );
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("odd"), b"\xff\xfe 4\0\n").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, copy.path().join("pipe"), 0o600.into()).unwrap();
        let root = Root::new(copy.path());
        assert_eq!(root.value("/odd").unwrap(), "\u{fffd}\u{fffd} 4");
        assert_eq!(root.read("/pipe"), None);
        assert_eq!(root.read("/"), None);
        assert!(root.list("/nothing").is_err());
    }

    #[test]
    fn numbers_in_names_are_in_their_order() {
        let mut names = ["spi10.1", "spi2.10", "spi2.9", "spi"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["spi", "spi2.9", "spi2.10", "spi10.1"]);
    }
}
