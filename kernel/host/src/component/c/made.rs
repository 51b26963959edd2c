//! The files that builds leave, by name: when the world gets another one, those of the old name go. A
//! header that stayed would still be found, and declare what nobody defines.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::error::CError;

/// Where their names are, one a line. No world has a name with `_` at the beginning.
const LIST: &str = "_made";

/// Notes what a build is about to make in a folder, and removes what one before it has made and this
/// one does not. What others have put there stays.
pub(super) fn replace(folder: &Path, files: BTreeSet<String>) -> Result<(), CError> {
    let list = folder.join(LIST);
    let before = std::fs::read_to_string(&list).unwrap_or_default();
    for name in before.lines() {
        if files.contains(name) || !is_name(name) {
            continue;
        }
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                let what = "remove";
                return Err(CError::Io { what, path, source });
            }
            _ => {}
        }
    }
    // Before they are made: a build that ends in the middle leaves none that is not in the list.
    let names: String = files.iter().map(|name| format!("{name}\n")).collect();
    if names == before {
        return Ok(());
    }
    std::fs::write(&list, names).map_err(|source| CError::Io {
        what: "write",
        path: list,
        source,
    })
}

/// Whether it is the name of a file in the folder itself, as those are that builds make.
fn is_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let first = parts.next();
    matches!(first, Some(std::path::Component::Normal(part)) if part == name)
        && parts.next().is_none()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_build_has_made_goes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("made");
        std::fs::create_dir(&folder).unwrap();
        let there = |name: &str| folder.join(name).exists();
        let make = |names: &[&str]| {
            replace(
                &folder,
                names.iter().map(|name| (*name).to_owned()).collect(),
            )
            .unwrap();
            for name in names {
                std::fs::write(folder.join(name), "").unwrap();
            }
        };
        std::fs::write(folder.join("mine.h"), "").unwrap();
        make(&["old.h", "old.c", "same.o"]);
        make(&["new.h", "new.c", "same.o"]);
        assert!(!there("old.h") && !there("old.c"));
        assert!(there("new.h") && there("new.c") && there("same.o") && there("mine.h"));
        // Whatever the list says, nothing elsewhere goes, nor do folders.
        let outside = root.path().join("outside");
        std::fs::write(&outside, "").unwrap();
        let list = format!("../outside\n{}\n.\n..\n\ngone.h\n", outside.display());
        std::fs::write(folder.join(LIST), list).unwrap();
        make(&["new.h"]);
        assert!(outside.exists() && there("new.h") && there("mine.h"));
    }
}
