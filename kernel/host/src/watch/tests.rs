#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Duration;

use super::*;

/// Longer than anything here takes: what does not come within it does not come.
const LONG: Duration = Duration::from_secs(30);

/// How long nothing may come to count as nothing.
const SHORT: Duration = Duration::from_millis(300);

struct Rig {
    folder: tempfile::TempDir,
    watch: Watch,
}

impl Rig {
    fn new(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(PLUGINS)).unwrap();
        Self::of(folder, host)
    }

    fn of(folder: tempfile::TempDir, host: &str) -> Self {
        let text = format!("[host]\n{host}\n[plugin.far]\nfile = \"elsewhere/far.wasm\"\n");
        fs::write(folder.path().join(FILE), &text).unwrap();
        let config = Config::load(folder.path()).unwrap();
        let watch = Watch::start(&config).unwrap();
        Self { folder, watch }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    async fn changed(&mut self) -> Scope {
        tokio::time::timeout(LONG, self.watch.changed())
            .await
            .unwrap()
    }

    async fn component(&mut self) -> PathBuf {
        let scope = self.changed().await;
        assert!(
            !scope.configuration && scope.components.len() == 1,
            "{scope:?}"
        );
        scope.components.into_iter().next().unwrap()
    }

    async fn nothing(&mut self) {
        let waited = tokio::time::timeout(SHORT, self.watch.changed()).await;
        assert!(waited.is_err(), "{waited:?}");
    }
}

#[tokio::test]
async fn a_file_counts_when_it_is_closed_and_not_while_it_is_written() {
    use std::io::Write as _;
    let mut rig = Rig::new("");
    let path = rig.path("plugins/meter.wasm");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"half").unwrap();
    file.sync_all().unwrap();
    rig.nothing().await;
    drop(file);
    assert_eq!(rig.component().await, path);
}

#[tokio::test]
async fn a_file_counts_when_it_is_moved_in_over_another() {
    let mut rig = Rig::new("");
    let (aside, path) = (rig.path("aside"), rig.path("plugins/meter.wasm"));
    fs::write(&aside, "new").unwrap();
    rig.nothing().await;
    fs::rename(&aside, &path).unwrap();
    assert_eq!(rig.component().await, path);
}

#[tokio::test]
async fn a_link_counts_at_once() {
    let mut rig = Rig::new("");
    let aside = rig.path("aside");
    fs::write(&aside, "x").unwrap();
    rig.nothing().await;
    fs::hard_link(&aside, rig.path("plugins/hard.wasm")).unwrap();
    assert_eq!(rig.component().await, rig.path("plugins/hard.wasm"));
    std::os::unix::fs::symlink(&aside, rig.path("plugins/soft.wasm")).unwrap();
    assert_eq!(rig.component().await, rig.path("plugins/soft.wasm"));
}

#[tokio::test]
async fn the_configuration_and_components_elsewhere_count_and_other_files_do_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    let mut rig = Rig::of(folder, "");
    fs::write(rig.path("notes.txt"), "x").unwrap();
    fs::write(rig.path("elsewhere/other.wasm"), "x").unwrap();
    rig.nothing().await;
    fs::write(rig.path("elsewhere/far.wasm"), "x").unwrap();
    assert_eq!(rig.component().await, rig.path("elsewhere/far.wasm"));
    fs::write(rig.path(FILE), "").unwrap();
    assert!(rig.changed().await.configuration);
}

#[tokio::test]
async fn a_file_that_was_removed_counts_and_one_that_is_replaced_counts_once() {
    let mut rig = Rig::new("");
    let path = rig.path("plugins/meter.wasm");
    fs::write(&path, "one").unwrap();
    rig.component().await;
    fs::remove_file(&path).unwrap();
    fs::write(&path, "two").unwrap();
    assert_eq!(rig.component().await, path);
    assert!(path.exists());
    rig.nothing().await;
    fs::remove_file(&path).unwrap();
    assert_eq!(rig.component().await, path);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_folder_that_comes_later_is_followed_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::of(folder, "");
    // Made elsewhere and moved there, so that no file in it is told about.
    let aside = rig.path("aside");
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join("meter.wasm"), "x").unwrap();
    fs::rename(&aside, rig.path(PLUGINS)).unwrap();
    assert_eq!(rig.component().await, rig.path("plugins/meter.wasm"));
    fs::write(rig.path("plugins/other.wasm"), "x").unwrap();
    assert_eq!(rig.component().await, rig.path("plugins/other.wasm"));
}

#[tokio::test]
async fn a_folder_that_is_taken_away_removes_nothing() {
    let mut rig = Rig::new("");
    fs::write(rig.path("plugins/meter.wasm"), "x").unwrap();
    rig.component().await;
    fs::rename(rig.path(PLUGINS), rig.path("away")).unwrap();
    rig.nothing().await;
    fs::rename(rig.path("away"), rig.path(PLUGINS)).unwrap();
    assert_eq!(rig.component().await, rig.path("plugins/meter.wasm"));
}

#[tokio::test]
async fn folders_that_are_looked_at_tell_what_changed_and_stayed() {
    let mut rig = Rig::new("watch = \"poll\"");
    let path = rig.path("plugins/meter.wasm");
    fs::write(&path, "one").unwrap();
    assert_eq!(rig.component().await, path);
    fs::write(rig.path(FILE), "# other\n").unwrap();
    assert!(rig.changed().await.configuration);
    fs::remove_file(&path).unwrap();
    assert_eq!(rig.component().await, path);
}

#[test]
fn a_file_that_changes_between_two_looks_is_being_written() {
    let rig_folder = tempfile::tempdir().unwrap();
    fs::create_dir(rig_folder.path().join(PLUGINS)).unwrap();
    let config = Config::parse(rig_folder.path(), "").unwrap();
    let targets = Targets::of(&config);
    let path = rig_folder.path().join("plugins/meter.wasm");
    let mut poll = Poll::default();
    poll.place(targets.folders(), &targets, true);
    for content in ["a", "ab", "abc"] {
        fs::write(&path, content).unwrap();
        assert!(poll.look(&targets).is_empty(), "{content}");
    }
    assert_eq!(poll.look(&targets), std::slice::from_ref(&path));
    assert!(poll.look(&targets).is_empty());
    // A share that is not mounted removes nothing.
    fs::rename(
        rig_folder.path().join(PLUGINS),
        rig_folder.path().join("away"),
    )
    .unwrap();
    assert!(poll.look(&targets).is_empty() && poll.look(&targets).is_empty());
    fs::rename(
        rig_folder.path().join("away"),
        rig_folder.path().join(PLUGINS),
    )
    .unwrap();
    fs::remove_file(&path).unwrap();
    assert!(poll.look(&targets).is_empty());
    assert_eq!(poll.look(&targets), [path]);
    assert!(poll.look(&targets).is_empty());
}

#[test]
fn nothing_is_watched_when_nobody_wants_it() {
    let config = Config::parse(Path::new("/nowhere"), "[host]\nwatch = \"off\"\n").unwrap();
    assert!(Watch::start(&config).is_none());
}
