//! Notices when `weihe.toml` or a component changes. A file counts when it is whole: closed after it
//! was written, or moved in; where the kernel does not tell (network file systems), when it has
//! stayed as it is for a while.

mod bell;
mod inotify;
mod pending;
mod poll;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::{Config, FILE, PLUGINS, Watching, is_component};
use crate::system::Scope;

pub(crate) use bell::Bell;

use inotify::Inotify;
use pending::Pending;
use poll::Poll;

/// How often folders are looked at for which the kernel tells nothing, and those that are gone.
const LOOK: Duration = Duration::from_secs(1);

/// So often a folder is looked at that the kernel begins to tell about while the host runs: files
/// may have been put there before. A file counts at the second look that finds it the same.
const FIRST_LOOKS: u8 = 3;

/// The files of a system that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Targets {
    /// The system's directory.
    directory: PathBuf,
    /// Its folder for plugins.
    plugins: PathBuf,
    /// Components elsewhere, which entries name.
    named: BTreeSet<PathBuf>,
}

impl Targets {
    fn of(config: &Config) -> Self {
        let plugins = config.directory.join(PLUGINS);
        let files = config.plugins.iter().flat_map(|plugin| plugin.files());
        Self {
            named: files
                .filter(|file| file.parent() != Some(&plugins))
                .map(Path::to_path_buf)
                .collect(),
            directory: config.directory.clone(),
            plugins,
        }
    }

    /// The folders in which they are.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let parents = self.named.iter().filter_map(|file| file.parent());
        [self.directory.as_path(), self.plugins.as_path()]
            .into_iter()
            .chain(parents)
            .map(named)
            .collect()
    }

    /// Whether a file matters.
    fn has(&self, file: &Path) -> bool {
        self.is_configuration(file)
            || self.named.contains(file)
            || (file.parent() == Some(&self.plugins) && is_component(file))
    }

    fn is_configuration(&self, file: &Path) -> bool {
        file == self.directory.join(FILE)
    }

    /// The whole path of a name in a folder, as the configuration writes it.
    fn file(&self, folder: &Path, name: &Path) -> PathBuf {
        match folder == Path::new(".") && self.directory != Path::new(".") {
            true => name.to_path_buf(),
            false => folder.join(name),
        }
    }
}

/// A folder by a name that can be opened: the parent of a bare file name has an empty one.
fn named(folder: &Path) -> PathBuf {
    match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_path_buf(),
    }
}

/// Watches the files of a system.
pub(crate) struct Watch {
    targets: Targets,
    inotify: Option<Inotify>,
    /// The folders that the kernel tells about, with what tells one folder of a name from the next.
    told: BTreeMap<PathBuf, i32>,
    /// Those that are looked at all the same, and how often yet.
    fresh: BTreeMap<PathBuf, u8>,
    poll: Poll,
    pending: Pending,
}

impl Watch {
    /// Begins to watch; none when nothing is to be watched.
    pub(crate) fn start(config: &Config) -> Option<Self> {
        Self::start_as(config.host.watch, config)
    }

    /// The same, with another way of noticing than the configuration names.
    pub(crate) fn start_as(watching: Watching, config: &Config) -> Option<Self> {
        let inotify = match watching {
            Watching::Off => return None,
            Watching::Poll => None,
            Watching::Auto => Inotify::start()
                .map_err(|error| {
                    tracing::warn!("changes of files are looked for once a second: {error}");
                })
                .ok(),
        };
        let mut watch = Self {
            targets: Targets::of(config),
            inotify,
            told: BTreeMap::new(),
            fresh: BTreeMap::new(),
            poll: Poll::default(),
            pending: Pending::default(),
        };
        watch.place(true);
        Some(watch)
    }

    /// Watches what a configuration names now.
    pub(crate) fn follow(&mut self, config: &Config) {
        let targets = Targets::of(config);
        if targets != self.targets {
            self.targets = targets;
            self.place(false);
        }
    }

    /// Sees to it that each folder is either told about or looked at. At the first time, what is in
    /// them is known.
    fn place(&mut self, first: bool) {
        let folders = self.targets.folders();
        let told = match &mut self.inotify {
            Some(inotify) => inotify.place(&folders),
            None => BTreeMap::new(),
        };
        if !first {
            let new = told
                .iter()
                .filter(|(folder, watch)| self.told.get(*folder) != Some(watch));
            self.fresh
                .extend(new.map(|(folder, _)| (folder.clone(), FIRST_LOOKS)));
        }
        self.told = told;
        let mut looked_at = folders;
        looked_at
            .retain(|folder| !self.told.contains_key(folder) || self.fresh.contains_key(folder));
        self.poll.place(looked_at, &self.targets, first);
    }

    /// Looks at the folders about which nothing is told.
    fn look(&mut self) {
        self.place(false);
        for file in self.poll.look(&self.targets) {
            self.pending.whole(file);
        }
        self.fresh.retain(|_, looks| {
            *looks -= 1;
            *looks > 0
        });
    }

    /// Waits until files have changed and are whole.
    pub(crate) async fn changed(&mut self) -> Scope {
        let mut look = Instant::now() + LOOK;
        loop {
            let mut everything = false;
            let due = self.pending.next();
            // A host about whose folders the kernel tells all sleeps.
            let next_look = self.poll.is_needed().then_some(look);
            tokio::select! {
                happened = told(&mut self.inotify) => {
                    for event in happened {
                        match event {
                            inotify::Event::Whole(folder, name) => {
                                self.pending.whole(self.targets.file(&folder, &name));
                            }
                            inotify::Event::Gone(folder, name) => {
                                let file = self.targets.file(&folder, &name);
                                self.pending.gone(file, Instant::now());
                            }
                            // A folder came or went.
                            inotify::Event::Folder => self.place(false),
                            inotify::Event::Overflow => everything = true,
                        }
                    }
                }
                () = until(next_look) => {
                    self.look();
                    look = Instant::now() + LOOK;
                }
                () = until(due) => {}
            }
            if everything {
                return Scope::all();
            }
            let mut scope = Scope::default();
            for file in self.pending.take(Instant::now()) {
                if self.targets.is_configuration(&file) {
                    scope.configuration = true;
                } else if self.targets.has(&file) {
                    scope.components.insert(file);
                }
            }
            if scope != Scope::default() {
                return scope;
            }
        }
    }
}

async fn told(inotify: &mut Option<Inotify>) -> Vec<inotify::Event> {
    match inotify {
        Some(inotify) => inotify.read().await,
        None => std::future::pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
