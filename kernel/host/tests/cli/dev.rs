//! `weihe dev` with a compiler that is played: a script in the place of cargo, which counts what it is
//! asked to build, waits where it is told to, and fails where it is told to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::running::Host;
use super::weihe;

/// A real plugin, which needs nothing.
const COMPONENT: &[u8] = include_bytes!("../../src/bench/relay.wasm");

/// `cargo metadata` and `cargo build`, for the crate in `$PLAY/source`. Each build begins with a line
/// in `$PLAY/builds`, waits as long as there is `$PLAY/gate`, and makes a component of its own.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata)
    printf '{"packages":[{"name":"played","manifest_path":"%s/source/Cargo.toml","dependencies":[]}],' "$PLAY"
    printf '"target_directory":"%s/target","workspace_root":"%s/source"}\n' "$PLAY" "$PLAY"
    ;;
build)
    echo build >> "$PLAY/builds"
    number=$(wc -l < "$PLAY/builds")
    while [ -e "$PLAY/gate" ]; do sleep 0.01; done
    if [ -e "$PLAY/broken" ]; then
        echo "error: this does not fit" >&2
        exit 101
    fi
    mkdir -p "$PLAY/target" "$PLAY/source/target"
    echo built > "$PLAY/source/target/own-output"
    cp "$PLAY/component" "$PLAY/target/played.wasm"
    printf '\000\005\004%04d' "$number" | head -c 7 >> "$PLAY/target/played.wasm"
    printf '{"reason":"compiler-artifact","manifest_path":"%s/source/Cargo.toml","fresh":false,' "$PLAY"
    printf '"target":{"crate_types":["cdylib"]},"filenames":["%s/target/played.wasm"]}\n' "$PLAY"
    ;;
esac
"#;

/// `rustc --print target-libdir`: the target is there.
const RUSTC: &str = "#!/bin/sh\necho \"$PLAY\"\n";

struct Dev {
    root: tempfile::TempDir,
    host: Host,
}

impl Dev {
    fn start(host: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let here = fs::canonicalize(root.path()).unwrap();
        for folder in ["bin", "source/src", "system"] {
            fs::create_dir_all(here.join(folder)).unwrap();
        }
        for (name, script) in [("cargo", CARGO), ("rustc", RUSTC)] {
            let file = here.join("bin").join(name);
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(here.join("component"), COMPONENT).unwrap();
        fs::write(here.join("source/Cargo.toml"), "[package]").unwrap();
        fs::write(here.join("source/src/lib.rs"), "0").unwrap();
        let system = format!("{host}[plugin.played]\nsource = \"../source\"\n");
        fs::write(here.join("system/weihe.toml"), system).unwrap();
        let path = std::env::var("PATH").unwrap();
        let host = Host::of(
            weihe(&here.join("system"))
                .args(["dev", "."])
                .env("PLAY", &here)
                .env("PATH", format!("{}:{path}", here.join("bin").display())),
        );
        Self { root, host }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Saves the source, as editors do.
    fn save(&self, text: &str) {
        let new = self.path("source/src/lib.rs.tmp");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path("source/src/lib.rs")).unwrap();
    }

    fn builds(&self) -> usize {
        let builds = fs::read_to_string(self.path("builds")).unwrap_or_default();
        builds.lines().count()
    }

    fn wait_for_builds(&self, count: usize) {
        while self.builds() < count {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn times(&self, words: &str) -> usize {
        self.host
            .said
            .iter()
            .filter(|line| line.contains(words))
            .count()
    }
}

fn touch(file: &Path) {
    fs::write(file, "").unwrap();
}

#[test]
fn however_often_it_is_saved_during_a_build_one_more_build_follows() {
    let mut dev = Dev::start("");
    assert_eq!(dev.builds(), 1);
    touch(&dev.path("gate"));
    dev.save("1");
    dev.wait_for_builds(2);
    for text in ["2", "3", "4"] {
        dev.save(text);
    }
    fs::remove_file(dev.path("gate")).unwrap();
    // The one that was saved last is built and taken.
    dev.wait_for_builds(3);
    dev.host.wait_for("swapped");
    dev.save("5");
    dev.wait_for_builds(4);
    dev.host.wait_for("swapped");
    assert_eq!(dev.builds(), 4, "{:#?}", dev.host.said);
}

#[test]
fn an_error_is_shown_once_and_what_builds_write_is_no_change() {
    // Its own components are taken even where a system does not follow its files.
    let mut dev = Dev::start("[host]\nwatch = \"off\"\n");
    touch(&dev.path("broken"));
    dev.save("1");
    dev.host.wait_for("what ran before goes on running");
    assert_eq!(
        dev.times("error: this does not fit"),
        1,
        "{:#?}",
        dev.host.said
    );
    assert_eq!(dev.builds(), 2);
    // None of these is the source.
    for file in [
        "source/target/more",
        "source/Cargo.lock",
        "source/src/.lib.rs.swp",
        "source/src/lib.rs~",
        "system/data/file",
        "system/plugins/note.txt",
    ] {
        let file = dev.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        touch(&file);
    }
    fs::remove_file(dev.path("broken")).unwrap();
    dev.save("2");
    dev.host.wait_for("swapped");
    assert_eq!(dev.builds(), 3, "{:#?}", dev.host.said);
    assert_eq!(
        dev.times("error: this does not fit"),
        1,
        "{:#?}",
        dev.host.said
    );
}

#[test]
fn a_target_that_is_missing_is_named_with_how_to_get_it() {
    let root = tempfile::tempdir().unwrap();
    let here = fs::canonicalize(root.path()).unwrap();
    let build = |rustup: Option<&str>| {
        let bin = here.join("bin");
        let _ = fs::remove_dir_all(&bin);
        for folder in ["bin", "source/src"] {
            fs::create_dir_all(here.join(folder)).unwrap();
        }
        fs::write(here.join("source/Cargo.toml"), "[package]").unwrap();
        // A compiler that has no library for the target.
        let scripts = [
            ("cargo", Some(CARGO)),
            ("rustc", Some("#!/bin/sh\necho /nowhere\n")),
            ("rustup", rustup),
        ];
        for (name, script) in scripts {
            let Some(script) = script else { continue };
            fs::write(bin.join(name), script).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = weihe(&here)
            .args(["build", "source"])
            .env("PLAY", &here)
            .env("PATH", &bin)
            .env("HOME", &here)
            .env_remove("CARGO_HOME")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        super::text(&output.stderr)
    };
    let said = build(None);
    assert!(said.contains("wasm32-wasip2"), "{said}");
    assert!(said.contains("rustup is not here to add it"), "{said}");
    assert!(said.contains("https://rustup.rs"), "{said}");
    let said = build(Some("#!/bin/sh\necho 'error: no network' >&2\nexit 1\n"));
    assert!(
        said.contains("could not add it: error: no network"),
        "{said}"
    );
    assert!(said.contains("rustup target add wasm32-wasip2"), "{said}");
}
