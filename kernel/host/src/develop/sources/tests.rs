#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn sources(directory: &Path) -> Sources {
    Sources {
        packages: Packages {
            directories: vec![directory.to_path_buf()],
            ..Packages::default()
        },
        read: BTreeSet::new(),
    }
}

#[test]
fn what_editors_and_builds_leave_is_no_change() {
    let here = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = here.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, name).unwrap();
    };
    file("src/lib.rs");
    let sources = sources(here.path());
    let before = sources.stamps();
    for name in [
        "src/.lib.rs.swp",
        "src/lib.rs~",
        "src/4913",
        "src/#lib.rs#",
        "src/.#lib.rs",
        "src/lib.rs.tmp",
        "target/x",
        "data/weihe.db",
        "plugins/a.wasm",
        "Cargo.lock",
    ] {
        file(name);
    }
    assert_eq!(changed(&before, &sources.stamps()), Vec::<&Path>::new());
    for name in [
        "src/deep/er/new.rs",
        "wit/world.wit",
        "build.rs",
        "Cargo.toml",
        "src/data.json",
    ] {
        let before = sources.stamps();
        file(name);
        let after = sources.stamps();
        assert_eq!(changed(&before, &after), [here.path().join(name)], "{name}");
    }
    let before = sources.stamps();
    std::fs::remove_file(here.path().join("src/deep/er/new.rs")).unwrap();
    assert_eq!(
        changed(&before, &sources.stamps()).len(),
        1,
        "gone is changed"
    );
    assert!(sources.folders().contains(&here.path().join("src/deep/er")));
}

#[test]
fn a_file_that_is_saved_by_renaming_counts_though_its_size_and_time_are_the_same() {
    let here = tempfile::tempdir().unwrap();
    let (old, new) = (here.path().join("src/lib.rs"), here.path().join("src/.new"));
    std::fs::create_dir(here.path().join("src")).unwrap();
    std::fs::write(&old, "one").unwrap();
    let sources = sources(here.path());
    let before = sources.stamps();
    let time = std::fs::metadata(&old).unwrap().modified().unwrap();
    std::fs::write(&new, "two").unwrap();
    std::fs::File::open(&new)
        .unwrap()
        .set_modified(time)
        .unwrap();
    std::fs::rename(&new, &old).unwrap();
    assert_eq!(changed(&before, &sources.stamps()), [old]);
}

#[test]
fn what_the_compiler_has_read_is_known_with_blanks_in_names() {
    let list = "/t/a.wasm: /a/src/lib.rs /a/my\\ words/table.json relative.rs\n";
    let files: Vec<_> = read_by_compiler(list).into_iter().collect();
    let expected = [
        Path::new("/a/my words/table.json"),
        Path::new("/a/src/lib.rs"),
    ];
    assert_eq!(files, expected);
    assert_eq!(read_by_compiler(""), BTreeSet::new());
}
