//! The files that the compiler has read, so that `weihe dev` knows which ones to watch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files in a rule for make, as clang writes one: `object: file file \`, with lines that go on, and
/// with blanks and `#` in names behind a backslash, `$` twice.
pub(super) fn read_by_clang(rule: &str) -> Vec<PathBuf> {
    let Some((_, list)) = rule.split_once(": ") else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut name = String::new();
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('\n')) => {}
            ('\\', Some(' ' | '#')) | ('$', Some('$')) => name.extend(letters.next()),
            (' ' | '\n', _) => files.push(std::mem::take(&mut name)),
            (letter, _) => name.push(letter),
        }
    }
    files.push(name);
    files.retain(|file| !file.is_empty());
    files.into_iter().map(PathBuf::from).collect()
}

/// The same for a whole component, as cargo writes it.
pub(super) fn listed(component: &Path, files: &BTreeSet<PathBuf>) -> String {
    let name = |path: &Path| path.to_string_lossy().replace(' ', "\\ ");
    let mut list = format!("{}:", name(component));
    for file in files {
        list.push(' ');
        list.push_str(&name(file));
    }
    list.push('\n');
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_clang_writes_them() {
        let rule = "/t/my\\ x.o: /a/b.c \\\n  /a/my\\ words/../c\\#$$.h \\\n  /a/d.h\n";
        let files = ["/a/b.c", "/a/my words/../c#$.h", "/a/d.h"].map(PathBuf::from);
        assert_eq!(read_by_clang(rule), files);
        assert_eq!(read_by_clang(""), Vec::<PathBuf>::new());
        let files = ["/a/b c.h", "/d.h"].map(PathBuf::from);
        let list = listed(Path::new("/t/x.wasm"), &files.into_iter().collect());
        assert_eq!(list, "/t/x.wasm: /a/b\\ c.h /d.h\n");
    }
}
