//! Where plugins are built while their system runs: one build at a time, of what was saved last.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::sources::{Sources, Stamps, changed};
use super::swap::{Before, Fate};
use crate::component::{BuildError, Built, Cargo, Stop, build_crate_until, place};
use crate::config::{Config, PluginEntry};
use crate::language::{Text, say};
use crate::output::{Failure, Progress, Style};
use crate::system::System;
use crate::watch::Bell;

/// How long the source must stay as it is before it is built: an editor saves several files one after
/// the other, and a tool that formats comes right behind.
const QUIET: Duration = Duration::from_millis(80);

/// How often the source is looked at while a new version is taken up.
const LOOK: Duration = Duration::from_millis(250);

/// A plugin whose source is watched.
struct Bench {
    plugin: String,
    source: PathBuf,
    /// Where its component goes.
    component: PathBuf,
    sources: Sources,
    /// The files as they were when they were built last, with success or without; none: not yet.
    built: Option<Stamps>,
    /// The component that was placed last, while it is not told what became of it.
    placed: Option<Placed>,
}

/// A component that was put where the host looks for it.
struct Placed {
    before: Before,
    /// When its source was saved.
    saved: Instant,
}

/// The plugins of a system that are built from source.
pub(crate) struct Workshop {
    cargo: Cargo,
    benches: Vec<Bench>,
}

impl Workshop {
    /// Notes how the sources of all plugins are now, just before they are built for the first time.
    pub(crate) fn open(cargo: Cargo, config: &Config) -> Self {
        let benches = plugins(config)
            .map(|(plugin, source)| {
                let sources = Sources::find(&cargo, source);
                Bench {
                    built: Some(sources.stamps()),
                    ..Bench::new(plugin, source, sources)
                }
            })
            .collect();
        Self { cargo, benches }
    }

    /// Notes what a plugin was built of.
    pub(crate) fn note(&mut self, plugin: &str, built: &Built) {
        let bench = self.benches.iter_mut().find(|bench| bench.plugin == plugin);
        if let Some(bench) = bench {
            bench.note(built);
        }
    }

    /// Builds what is saved, as long as the system runs. Dropped in the middle of a build, it ends
    /// that.
    pub(crate) async fn work(mut self, system: &System) {
        let stop = StopWhenDropped(Stop::default());
        let mut bell = Bell::new();
        loop {
            self.follow(&system.config());
            let folders: BTreeSet<PathBuf> = self
                .benches
                .iter()
                .flat_map(|bench| bench.sources.folders())
                .collect();
            // Before they are looked at, so that nothing gets lost in between.
            bell.place(&folders);
            let saved = self
                .benches
                .iter()
                .position(|bench| !bench.changed().is_empty());
            let Some(saved) = saved else {
                bell.rung().await;
                continue;
            };
            let began = Instant::now();
            self.settle(saved).await;
            // It may be as it was by now.
            if !self.benches[saved].changed().is_empty() {
                self.build(saved, began, &stop.0, system).await;
            }
        }
    }

    /// Takes up the plugins that `weihe.toml` names now.
    fn follow(&mut self, config: &Config) {
        let is_named = |bench: &Bench| {
            plugins(config).any(|(plugin, source)| {
                plugin.name == bench.plugin
                    && *source == bench.source
                    && plugin.file == bench.component
            })
        };
        self.benches.retain(is_named);
        for (plugin, source) in plugins(config) {
            if self.benches.iter().all(|bench| bench.plugin != plugin.name) {
                let sources = Sources::find(&self.cargo, source);
                self.benches.push(Bench::new(plugin, source, sources));
            }
        }
    }

    /// Waits until the source of a plugin stays as it is.
    async fn settle(&self, index: usize) {
        let sources = &self.benches[index].sources;
        let mut before = sources.stamps();
        loop {
            tokio::time::sleep(QUIET).await;
            let now = sources.stamps();
            if now == before {
                return;
            }
            before = now;
        }
    }

    async fn build(&mut self, index: usize, began: Instant, stop: &Stop, system: &System) {
        let bench = &mut self.benches[index];
        let style = Style::stderr();
        let title = say::progress_done(style.bold(&bench.plugin), bench.what_changed());
        let mut changed = bench.changed().into_iter();
        if !bench.sources.is_known() || changed.any(|file| file.ends_with("Cargo.toml")) {
            bench.sources.find_again(&self.cargo, &bench.source);
        }
        // Before the build, so that what is saved meanwhile is another change.
        bench.built = Some(bench.sources.stamps());
        let progress = Arc::new(Progress::start(title, false));
        let built = {
            let (cargo, source) = (self.cargo.clone(), bench.source.clone());
            let (stop, progress) = (stop.clone(), Arc::clone(&progress));
            let work = move || build_crate_until(&stop, &cargo, &source, |line| progress.say(line));
            tokio::task::spawn_blocking(work).await
        };
        let progress = Arc::into_inner(progress);
        let placed = match built {
            Ok(Ok(built)) => {
                bench.note(&built);
                let before = Before::note(system, &bench.plugin);
                place(&built.artifact, &bench.component).map(|placed| placed.then_some(before))
            }
            Ok(Err(error)) => Err(error),
            // The host ends, or the build has panicked, which is in the log.
            Err(_) => return,
        };
        match placed {
            Ok(before) => {
                if let Some(progress) = progress {
                    progress.done(say::build_built());
                }
                match before {
                    Some(before) => {
                        let saved = began;
                        bench.placed = Some(Placed { before, saved });
                    }
                    None => eprintln!("{}", say::dev_same(&bench.plugin)),
                }
            }
            Err(BuildError::Stopped) => return,
            Err(error) => {
                if let Some(progress) = progress {
                    progress.fail();
                }
                eprint!("{}", Failure::from(error).render(style));
                let plugins = system.kernel().status().plugins;
                let runs = match plugins.iter().any(|plugin| plugin.name == bench.plugin) {
                    true => say::dev_goes_on(&bench.plugin),
                    false => say::dev_nothing_yet(&bench.plugin),
                };
                eprintln!("{runs}");
            }
        }
        bench.tell_fate(system, style).await;
    }
}

impl Bench {
    fn new(plugin: &PluginEntry, source: &Path, sources: Sources) -> Self {
        Self {
            plugin: plugin.name.clone(),
            source: source.to_path_buf(),
            component: plugin.file.clone(),
            sources,
            built: None,
            placed: None,
        }
    }

    /// Tells what becomes of the component that was placed last, unless it is saved again before that:
    /// then after the next build, which may fail, or make the same component.
    async fn tell_fate(&mut self, system: &System, style: Style) {
        let Some(placed) = self.placed.take() else {
            return;
        };
        tokio::select! {
            fate = placed.before.fate(system, &self.component) => {
                let took = placed.saved.elapsed();
                eprintln!("{}", told(&self.plugin, &fate, took, style));
            }
            () = self.saved_again() => self.placed = Some(placed),
        }
    }

    /// Files that are other than they were built.
    fn changed(&self) -> Vec<PathBuf> {
        let now = self.sources.stamps();
        let before = self.built.clone().unwrap_or_default();
        changed(&before, &now)
            .into_iter()
            .map(Path::to_path_buf)
            .collect()
    }

    /// Waits until it is saved again.
    async fn saved_again(&self) {
        while self.changed().is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The same as [`Bench::changed`], for people.
    fn what_changed(&self) -> Text {
        let changed = self.changed();
        let root = std::fs::canonicalize(&self.source).unwrap_or_else(|_| self.source.clone());
        match changed.as_slice() {
            _ if self.built.is_none() => say::dev_new(),
            [one] => say::dev_saved(one.strip_prefix(&root).unwrap_or(one).display()),
            more => say::dev_many_saved(more.len()),
        }
    }

    /// Notes what was read for a component. Files that nobody looked at before have not changed.
    fn note(&mut self, built: &Built) {
        for (file, stamp) in self.sources.note(built) {
            if let Some(built) = &mut self.built {
                built.insert(file, stamp);
            }
        }
    }
}

/// Plugins that have a source.
fn plugins(config: &Config) -> impl Iterator<Item = (&PluginEntry, &PathBuf)> {
    let plugins = config.plugins.iter();
    plugins.filter_map(|plugin| Some((plugin, plugin.source.as_ref()?)))
}

fn told(plugin: &str, fate: &Fate, took: Duration, style: Style) -> String {
    let took = style.dim(say::dev_after(format!("{:.1}", took.as_secs_f64())));
    let plugin = style.bold(plugin);
    let done = |word: Text| {
        let done = say::progress_done(&plugin, style.good(word));
        format!("{done} {took}")
    };
    match fate {
        Fate::Swapped => done(say::version_swapped()),
        Fate::Loaded => done(say::version_loaded()),
        Fate::Refused(why) => {
            let not_taken = style.bad(say::dev_not_taken());
            say::dev_refused(&plugin, not_taken, Text::told(why)).to_string()
        }
        Fate::Unknown => say::dev_unknown(&plugin).to_string(),
    }
}

/// Ends the build that is under way when it is dropped.
struct StopWhenDropped(Stop);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.say();
    }
}
