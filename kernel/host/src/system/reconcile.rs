//! A running system follows its `weihe.toml` and its folder for plugins: look, plan, apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weihe_kernel::SwapError;
use weihe_kernel::device::DeviceState;

use super::candidate::Candidate;
use super::plan::{Act, Attempt, InForce, Plan, Running, RunningDevice, Situation, Step, Taken};
use super::problem::{connection_problem, device_problem, plugin_path, plugin_problem};
use super::start::{FailedPart, Part, System, say};
use crate::config::{Config, FILE, LoadError, PluginEntry, Problem, listed};

/// What has to be looked at anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// `weihe.toml`.
    pub configuration: bool,
    /// The whole folder for plugins, and what else plugins are made of.
    pub all_components: bool,
    /// These components.
    pub components: BTreeSet<PathBuf>,
}

impl Scope {
    /// Everything.
    pub fn all() -> Self {
        Self {
            configuration: true,
            all_components: true,
            components: BTreeSet::new(),
        }
    }

    fn has(&self, file: &Path) -> bool {
        self.all_components || self.components.contains(file)
    }

    fn has_components(&self) -> bool {
        self.all_components || !self.components.is_empty()
    }
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Step by step.
    pub steps: Vec<Step>,
    /// What cannot be had.
    pub failed: Vec<FailedPart>,
    /// What else should be known.
    pub notes: Vec<String>,
}

/// A `weihe.toml` that is not taken. What runs is from before.
#[derive(Debug, thiserror::Error)]
#[error("{FILE} is not taken, and what runs stays as it is: {message}")]
pub struct Rejected {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it, where it has no place.
    pub help: Option<String>,
    /// All that is wrong, with its place.
    pub problems: Vec<Problem>,
}

impl From<LoadError> for Rejected {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
        match error {
            LoadError::Invalid(invalid) => Self {
                message,
                help: None,
                problems: invalid.into_problems(),
            },
            _ => Self {
                message,
                help,
                problems: Vec::new(),
            },
        }
    }
}

impl From<Vec<Problem>> for Rejected {
    fn from(problems: Vec<Problem>) -> Self {
        let message = match problems.as_slice() {
            [problem] => problem.to_string(),
            problems => format!("{} faults", problems.len()),
        };
        Self {
            message,
            help: None,
            problems,
        }
    }
}

/// What is known of the files, and what was made of them.
#[derive(Default)]
pub(super) struct Followed {
    /// Whether the system has been populated.
    begun: bool,
    /// The text that was read last, whether it was taken or not; none where there is no file.
    text: Option<String>,
    /// Whether it was not taken.
    rejected: bool,
    /// The components in the folder.
    listed: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Candidate>,
    pub(super) in_force: InForce,
}

impl System {
    /// Opens the connections, loads the plugins and starts the devices. What fails is noted, and
    /// the rest goes on.
    pub async fn populate(self: &Arc<Self>) {
        let config = self.config();
        let mut followed = self.followed.lock().await;
        followed.text = config.text().map(str::to_owned);
        followed.listed = listed(&config.directory).into_iter().collect();
        self.look(&mut followed, &config, &Scope::all()).await;
        let plan = self.plan(&followed, &config).await;
        self.apply(&mut followed, &config, plan).await;
        followed.begun = true;
    }

    /// Looks at what may have changed, and does what follows from it. Only what changed is touched;
    /// a `weihe.toml` with faults changes nothing.
    pub async fn reconcile(self: &Arc<Self>, scope: &Scope) -> Result<Changes, Rejected> {
        let mut followed = self.followed.lock().await;
        if !followed.begun {
            // It is looked at anyway when the system is populated.
            return Ok(Changes::default());
        }
        let current = self.config();
        let mut rejected = None;
        if scope.configuration {
            match read(&current) {
                Ok(text) => followed.text = text,
                Err(error) => rejected = Some(error),
            }
        }
        followed.find(&current.directory, scope);
        let is_news = followed.text.as_deref() != current.text();
        if rejected.is_none() && (scope.configuration || followed.rejected) {
            match self.candidate_config(&mut followed, scope).await {
                Ok((config, plan)) => {
                    let config = Arc::new(config);
                    if is_news {
                        tracing::info!("{FILE} has changed");
                    }
                    followed.rejected = false;
                    self.forgive(|failed| failed.part == Part::Configuration);
                    self.set_config(&config);
                    return Ok(self.apply(&mut followed, &config, plan).await);
                }
                Err(error) => rejected = Some(error),
            }
        }
        if let Some(rejected) = &rejected {
            followed.rejected = true;
            self.reject(&current, rejected);
        }
        // Components are followed all the same, with the configuration that holds.
        let mut changes = Changes::default();
        if scope.has_components() {
            let listed: Vec<PathBuf> = followed.listed.iter().cloned().collect();
            match Config::of(&current.directory, current.text(), &listed) {
                Ok(config) => {
                    self.look(&mut followed, &config, scope).await;
                    let plan = self.plan(&followed, &config).await;
                    let config = Arc::new(config);
                    self.set_config(&config);
                    changes = self.apply(&mut followed, &config, plan).await;
                }
                // The same text had no faults before, and components bring none.
                Err(error) => tracing::error!("{FILE} is not what it was: {error}"),
            }
        }
        match rejected {
            // Said before, and not asked for now.
            Some(_) if !scope.configuration => Ok(changes),
            Some(rejected) => Err(rejected),
            None => Ok(changes),
        }
    }

    /// What [`System::reconcile`] would do if `weihe.toml` had this text, or as it is.
    pub async fn foresee(&self, text: Option<String>) -> Result<Changes, Rejected> {
        let mut followed = self.followed.lock().await;
        let current = self.config();
        let before = followed.text.clone();
        followed.text = match text {
            Some(text) => Some(text),
            None => read(&current)?,
        };
        let listed_before = followed.listed.clone();
        followed.find(&current.directory, &Scope::all());
        let planned = self.candidate_config(&mut followed, &Scope::all()).await;
        followed.text = before;
        followed.listed = listed_before;
        let (config, plan) = planned?;
        let mut notes = plan.notes;
        notes.extend(later(&current, &config));
        Ok(Changes {
            steps: plan.steps,
            failed: plan
                .failed
                .iter()
                .map(|(part, name, problem)| FailedPart::new(*part, name, problem))
                .collect(),
            notes,
        })
    }

    /// The configuration of the text that was read last, with its plan; an error when it is not to
    /// be taken.
    async fn candidate_config(
        &self,
        followed: &mut Followed,
        scope: &Scope,
    ) -> Result<(Config, Plan), Rejected> {
        let directory = &self.config().directory;
        let listed: Vec<PathBuf> = followed.listed.iter().cloned().collect();
        let config = Config::of(directory, followed.text.as_deref(), &listed)?;
        self.look(followed, &config, scope).await;
        let mut plan = self.plan(followed, &config).await;
        let faults = std::mem::take(&mut plan.faults);
        if faults.is_empty() {
            Ok((config, plan))
        } else {
            Err(faults.into())
        }
    }

    /// Compiles and describes the components that are new or in the scope.
    async fn look(&self, followed: &mut Followed, config: &Config, scope: &Scope) {
        for plugin in &config.plugins {
            for file in plugin.files() {
                if followed.files.contains_key(file) && !scope.has(file) {
                    continue;
                }
                if !file.is_file() {
                    followed.files.remove(file);
                    continue;
                }
                let candidate = self.examine(&plugin.name, file).await;
                followed.files.insert(file.to_path_buf(), candidate);
            }
        }
        let used: BTreeSet<&Path> = config.plugins.iter().flat_map(PluginEntry::files).collect();
        followed
            .files
            .retain(|file, _| used.contains(file.as_path()));
    }

    async fn plan(&self, followed: &Followed, config: &Config) -> Plan {
        let kernel = self.kernel();
        let mut kept = BTreeMap::new();
        for plugin in &config.plugins {
            // Only looked at where it is needed.
            let mut found = plugin.files().filter_map(|file| followed.files.get(file));
            let is_sound = |candidate: &Candidate| match &candidate.found {
                Ok(status) => kernel.quarantined(&status.sha256).is_none(),
                Err(_) => false,
            };
            if !found.any(is_sound) {
                let mut copies = Vec::new();
                for file in self.kept.files(&plugin.name) {
                    copies.push(self.examine(&plugin.name, &file).await);
                }
                kept.insert(plugin.name.clone(), copies);
            }
        }
        let running = self.running();
        Plan::make(&Situation {
            config,
            files: &followed.files,
            kept: &kept,
            in_force: &followed.in_force,
            running: &running,
            quarantined: &|sha256| kernel.quarantined(sha256),
            granted: &|spec, status| kernel.check_granted(spec, status),
        })
    }

    async fn examine(&self, plugin: &str, file: &Path) -> Candidate {
        let found = self.kernel().examine_plugin(plugin, file).await;
        Candidate {
            file: file.to_path_buf(),
            found: found.map(Arc::new).map_err(Arc::new),
        }
    }

    fn running(&self) -> Running {
        let status = self.kernel().status();
        let devices = status.devices.into_iter().enumerate();
        Running {
            devices: devices
                .map(|(order, device)| {
                    let running = RunningDevice {
                        plugin: device.plugin,
                        failed: device.state == DeviceState::Failed,
                        order,
                    };
                    (device.name, running)
                })
                .collect(),
            plugins: status
                .plugins
                .into_iter()
                .map(|plugin| (plugin.name, (plugin.sha256, plugin.description.version)))
                .collect(),
        }
    }

    /// Shows what is wrong with a file that is not taken.
    fn reject(&self, current: &Config, rejected: &Rejected) {
        self.forgive(|failed| failed.part == Part::Configuration);
        let whole = || {
            let message = rejected.to_string();
            current.problem_at("", message, rejected.help.clone())
        };
        tracing::error!("{rejected}");
        if rejected.problems.is_empty() {
            self.fail(Part::Configuration, FILE, &whole());
        }
        for problem in &rejected.problems {
            self.fail(Part::Configuration, FILE, problem);
        }
    }

    /// Takes the steps of a plan. What fails is noted, and the rest goes on.
    async fn apply(
        self: &Arc<Self>,
        followed: &mut Followed,
        config: &Arc<Config>,
        plan: Plan,
    ) -> Changes {
        let known = self.failed();
        if followed.begun {
            self.forgive(|failed| outdated(failed, &plan, config));
        }
        for (part, name, problem) in &plan.failed {
            // What could not be built is why it is not there.
            if followed.begun || !self.has_failed(*part, name) {
                self.fail_again(*part, name, problem, &known);
            }
        }
        for (device, problem) in &plan.besides {
            if !known.iter().any(|failed| failed.name == *device) {
                say(&FailedPart::new(Part::Device, device, problem));
            }
        }
        // Also a device that cannot be tried counts as tried, until something about it changes.
        for (part, name, _) in &plan.failed {
            if *part == Part::Device
                && let Some(spec) = plan.specs.get(name)
            {
                let attempt = Attempt {
                    spec: spec.clone(),
                    sha256: String::new(),
                };
                followed.in_force.devices.insert(name.clone(), attempt);
            }
        }
        let said = self.notes();
        for note in plan.notes.iter().filter(|note| !said.contains(note)) {
            tracing::warn!("{note}");
        }
        self.set_notes(plan.notes.clone());
        let before = &followed.in_force;
        let mut previous: BTreeMap<String, Attempt> = BTreeMap::new();
        for step in &plan.steps {
            if step.act == Act::Stop
                && let Some(attempt) = before.devices.get(&step.name)
            {
                previous.insert(step.name.clone(), attempt.clone());
            }
        }
        let starts: Vec<&Step> = plan
            .steps
            .iter()
            .filter(|step| step.act == Act::Start)
            .collect();
        for step in plan.steps.iter().filter(|step| step.act != Act::Start) {
            self.take(followed, config, &plan, step).await;
        }
        self.start_devices(followed, config, &plan, &starts, &previous)
            .await;
        let in_force = &mut followed.in_force;
        in_force
            .devices
            .retain(|name, _| plan.specs.contains_key(name));
        in_force
            .plugins
            .retain(|name, _| config.plugin(name).is_some());
        let mentioned = |failed: &FailedPart| {
            let in_steps = |step: &Step| step.part == failed.part && step.name == failed.name;
            plan.steps.iter().any(in_steps)
                || plan
                    .failed
                    .iter()
                    .any(|(part, name, _)| *part == failed.part && *name == failed.name)
        };
        let failed = self.failed().into_iter().filter(mentioned).collect();
        Changes {
            steps: plan.steps,
            failed,
            notes: plan.notes,
        }
    }

    async fn take(&self, followed: &mut Followed, config: &Config, plan: &Plan, step: &Step) {
        let kernel = self.kernel();
        let in_force = &mut followed.in_force;
        let name = step.name.as_str();
        match step.act {
            Act::Stop => {
                // Gone by itself meanwhile: fine.
                if kernel.remove_device(name).await.is_ok() {
                    tracing::info!(device = name, "stopped: {}", step.why);
                }
            }
            Act::Unload => {
                if kernel.unload_plugin(name).await.is_ok() {
                    tracing::info!("plugin {name} unloaded: {}", step.why);
                }
                in_force.plugins.remove(name);
                self.kept.forget(name);
                // They come back with it.
                for attempt in in_force.devices.values_mut() {
                    if attempt.spec.plugin == name {
                        attempt.sha256.clear();
                    }
                }
            }
            Act::Close => {
                kernel.remove_connection(name).await;
                in_force.connections.remove(name);
                tracing::info!(connection = name, "closed: {}", step.why);
            }
            Act::Open => {
                let Some(entry) = config.connections.iter().find(|entry| entry.name == name) else {
                    return;
                };
                if let Err(error) = kernel.add_connection(name, &entry.table) {
                    let problem = connection_problem(config, name, &error);
                    self.fail(Part::Connection, name, &problem);
                }
                // Also one that was refused: it is tried again when its entry changes.
                let table = entry.table.clone();
                in_force.connections.insert(name.to_owned(), table);
            }
            Act::Load | Act::Swap => self.take_version(in_force, config, plan, step).await,
            Act::Start => {}
        }
    }

    /// Loads a plugin, or swaps its version.
    async fn take_version(
        &self,
        in_force: &mut InForce,
        config: &Config,
        plan: &Plan,
        step: &Step,
    ) {
        let name = step.name.as_str();
        let (Some(chosen), Some(entry)) = (plan.chosen.get(name), config.plugin(name)) else {
            return;
        };
        let mut taken = Taken {
            sha256: chosen.status.sha256.clone(),
            refused: None,
        };
        let problem = if step.act == Act::Load {
            match self.kernel().load_plugin(name, &chosen.file).await {
                Ok(status) => {
                    let version = &status.description.version;
                    tracing::info!("plugin {name} {version} loaded");
                    None
                }
                Err(error) => Some(plugin_problem(config, &entry.made_of(&chosen.file), &error)),
            }
        } else {
            match self.kernel().swap_plugin(name, &chosen.file).await {
                // An operator was faster.
                Ok(_) | Err(SwapError::Same { .. }) => None,
                Err(error) => {
                    let file = chosen.file.display();
                    let message = format!(
                        "plugin `{name}` goes on with the version before, {file} is refused: {error}"
                    );
                    Some(config.problem_at(&plugin_path(config, name), message, None))
                }
            }
        };
        match problem {
            None => self.kept.keep(name, &chosen.file).await,
            Some(problem) => {
                taken.refused = Some(problem.to_string());
                self.fail(Part::Plugin, name, &problem);
            }
        }
        in_force.plugins.insert(name.to_owned(), taken);
    }

    /// Starts devices side by side, so that one that takes long does not hold up the others. They
    /// are polled in the order of the file, which is the order of their start.
    async fn start_devices(
        self: &Arc<Self>,
        followed: &mut Followed,
        config: &Arc<Config>,
        plan: &Plan,
        starts: &[&Step],
        previous: &BTreeMap<String, Attempt>,
    ) {
        let versions = self.running().plugins;
        let mut starting = tokio::task::JoinSet::new();
        for step in starts {
            let Some(spec) = plan.specs.get(&step.name) else {
                continue;
            };
            let plugin = versions.get(&spec.plugin);
            let attempt = Attempt {
                spec: spec.clone(),
                sha256: plugin.map(|(sha256, _)| sha256.clone()).unwrap_or_default(),
            };
            followed.in_force.devices.insert(step.name.clone(), attempt);
            let (system, config, spec) = (Arc::clone(self), Arc::clone(config), spec.clone());
            let before = previous.get(&step.name).map(|before| before.spec.clone());
            starting.spawn(async move {
                let name = spec.name.clone();
                let Err(error) = system.kernel().add_device(spec).await else {
                    tracing::info!(device = name, "started");
                    return;
                };
                let mut problem = device_problem(&config, &name, &error);
                if let Some(before) = before
                    && system.kernel().add_device(before).await.is_ok()
                {
                    problem = problem.but("it goes on with its entry from before");
                }
                system.fail(Part::Device, &name, &problem);
            });
        }
        while starting.join_next().await.is_some() {}
    }
}

impl Followed {
    /// Notes which components are there now, of those in the scope.
    fn find(&mut self, directory: &Path, scope: &Scope) {
        if scope.all_components {
            self.listed = listed(directory).into_iter().collect();
            return;
        }
        let folder = directory.join(crate::config::PLUGINS);
        for file in &scope.components {
            if file.parent() != Some(&folder) {
                // Named by an entry.
            } else if file.is_file() {
                self.listed.insert(file.clone());
            } else {
                self.listed.remove(file);
            }
        }
    }
}

/// The text of the file; one that was there and is gone is no empty one.
fn read(current: &Config) -> Result<Option<String>, Rejected> {
    match Config::read(&current.directory)? {
        None if current.text().is_some() => Err(Rejected {
            message: "it is gone".to_owned(),
            help: Some("put it back; to stop the system, stop its host".to_owned()),
            problems: Vec::new(),
        }),
        text => Ok(text),
    }
}

/// Changes that wait for the next start of the host.
fn later(before: &Config, after: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differs = |same: bool, key: &str| {
        if !same {
            notes.push(format!(
                "`{key}` of `[host]` takes effect when the host starts anew"
            ));
        }
    };
    differs(before.host.name == after.host.name, "name");
    differs(before.host.data == after.host.data, "data");
    differs(before.host.watch == after.host.watch, "watch");
    notes
}

/// Whether a note of failure no longer holds: its part is gone, is tried again, or fails anew.
fn outdated(failed: &FailedPart, plan: &Plan, config: &Config) -> bool {
    let name = &failed.name;
    match failed.part {
        Part::Configuration => false,
        // Always said anew.
        Part::Plugin => true,
        Part::Connection => {
            plan.has(Act::Open, name) || !config.connections.iter().any(|entry| entry.name == *name)
        }
        Part::Device => {
            let fails_anew = plan
                .failed
                .iter()
                .any(|(part, device, _)| *part == Part::Device && device == name);
            plan.has(Act::Start, name) || !plan.specs.contains_key(name) || fails_anew
        }
    }
}
