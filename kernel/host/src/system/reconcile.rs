//! A running system follows its `weihe.toml` and its folder for plugins: look, plan, apply.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weihe_guomi::signed::Gate;
use weihe_kernel::device::DeviceState;

use super::candidate::Candidate;
use super::hardware::{claim, claimed};
use super::in_force::{InForce, Running, RunningDevice};
use super::plan::{Plan, Situation};
use super::rejected::Rejected;
use super::start::{FailedPart, Part, System};
use super::step::Step;
use super::unwanted::Uncopied;
use crate::config::{Config, FILE, HostEntry, PluginEntry, listed};
use crate::signatures;

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

/// Why a plugin's source could not be built.
#[derive(Debug, Clone)]
pub struct Unbuilt {
    /// What went wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// What is known of the files, and what was made of them.
#[derive(Default, Clone)]
pub(super) struct Followed {
    /// Whether the system has been populated.
    pub(super) begun: bool,
    /// The text that was read last, whether it was taken or not; none where there is no file.
    pub(super) text: Option<String>,
    /// Whether it was not taken.
    rejected: bool,
    /// Whether the file could not be read since: it is gone, for example.
    unread: bool,
    /// The components in the folder.
    pub(super) listed: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, Candidate>,
    /// Plugins whose source could not be built.
    unbuilt: BTreeMap<String, Unbuilt>,
    pub(super) in_force: InForce,
    /// Plugins that run and that a changed policy no longer lets in, and why.
    pub(super) unwanted: BTreeMap<String, String>,
}

/// A configuration that may be taken.
pub(super) struct Candidates {
    config: Config,
    pub(super) plan: Plan,
    /// What it lets in.
    gate: Arc<Gate>,
}

impl System {
    /// Opens the connections, loads the plugins and starts the devices. What fails is noted, and
    /// the rest goes on. What could not be built is why a component is not there.
    pub async fn populate(self: &Arc<Self>, unbuilt: BTreeMap<String, Unbuilt>) {
        let config = self.config();
        let mut followed = self.followed.lock().await;
        followed.text = config.text().map(str::to_owned);
        followed.unbuilt = unbuilt;
        followed.listed = listed(&config.directory).into_iter().collect();
        let gate = &self.gate;
        self.look(gate, &mut followed, &config, &Scope::all()).await;
        let plan = self.plan(gate, &followed, &config).await;
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
            followed.unread = rejected.is_some();
        }
        followed.find(&current.directory, scope);
        let is_news = followed.text.as_deref() != current.text();
        let again = followed.rejected && !followed.unread;
        if rejected.is_none() && (scope.configuration || again) {
            let known = followed.files.clone();
            match self.candidate_config(&mut followed, scope).await {
                Ok(Candidates { config, plan, gate }) => {
                    let config = Arc::new(config);
                    self.gate.set_policy(gate.policy());
                    if is_news {
                        tracing::info!("{FILE} has changed");
                        self.record_config(&config);
                    }
                    followed.rejected = false;
                    self.forgive(|failed| failed.part == Part::Configuration);
                    self.set_config(&config);
                    followed.unwanted.clear();
                    return Ok(self.apply(&mut followed, &config, plan).await);
                }
                Err(error) => {
                    // Those that it leaves out are still what runs.
                    for (file, candidate) in known {
                        followed.files.entry(file).or_insert(candidate);
                    }
                    rejected = Some(error);
                }
            }
        }
        if let Some(rejected) = &rejected {
            followed.rejected = true;
            self.reject(&current, rejected);
        }
        // Components are followed all the same, with the configuration that holds.
        let mut changes = Changes::default();
        // Nothing to look at: a version went back.
        if !scope.configuration && !scope.has_components() {
            for (plugin, runs) in self.running().plugins {
                let is_refused = |sha256: &str| self.kernel().is_quarantined(sha256);
                self.kept.renew(&plugin, &runs.sha256, is_refused);
            }
            // Whose version it is may have been revoked since it ran.
            followed.unwanted = self.unwanted(&self.gate, &current, Uncopied::GoesOn).await;
        }
        if scope.has_components() || !scope.configuration {
            let listed: Vec<PathBuf> = followed.listed.iter().cloned().collect();
            match Config::of(&current.directory, current.text(), &listed) {
                Ok(config) => {
                    let gate = &self.gate;
                    self.look(gate, &mut followed, &config, scope).await;
                    let plan = self.plan(gate, &followed, &config).await;
                    let config = Arc::new(config);
                    self.set_config(&config);
                    followed.unwanted.clear();
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

    /// The configuration of the text that was read last, with its plan; an error when it is not to
    /// be taken.
    pub(super) async fn candidate_config(
        &self,
        followed: &mut Followed,
        scope: &Scope,
    ) -> Result<Candidates, Rejected> {
        let directory = &self.config().directory;
        let listed: Vec<PathBuf> = followed.listed.iter().cloned().collect();
        let config = Config::of(directory, followed.text.as_deref(), &listed)?;
        let policy = signatures::policy(&config).map_err(|error| {
            let help = Some(error.help().to_owned());
            Rejected::from(vec![config.problem_at(
                error.key(),
                error.to_string(),
                help,
            )])
        })?;
        let everything = Scope::all();
        let (gate, scope) = match policy == *self.gate.policy() {
            true => (Arc::clone(&self.gate), scope),
            false => {
                // Whatever was looked at may be seen otherwise by it, and so may what runs. It does not hold yet.
                let gate = Arc::new(self.gate.under(policy));
                followed.unwanted = self.unwanted(&gate, &config, Uncopied::IsUnwanted).await;
                (gate, &everything)
            }
        };
        self.look(&gate, followed, &config, scope).await;
        let mut plan = self.plan(&gate, followed, &config).await;
        let faults = std::mem::take(&mut plan.faults);
        if faults.is_empty() {
            return Ok(Candidates { config, plan, gate });
        }
        if !Arc::ptr_eq(&gate, &self.gate) {
            // Nothing stays of what was seen under a policy that does not hold.
            followed.unwanted.clear();
            followed.files.clear();
        }
        Err(faults.into())
    }

    /// Compiles and describes the components that are new or in the scope.
    async fn look(&self, gate: &Gate, followed: &mut Followed, config: &Config, scope: &Scope) {
        for plugin in &config.plugins {
            for file in plugin.files() {
                if followed.files.contains_key(file) && !scope.has(file) {
                    continue;
                }
                if !file.is_file() {
                    followed.files.remove(file);
                    continue;
                }
                let candidate = self.examine(gate, &plugin.name, file).await;
                followed.files.insert(file.to_path_buf(), candidate);
            }
        }
        let used: BTreeSet<&Path> = config.plugins.iter().flat_map(PluginEntry::files).collect();
        followed
            .files
            .retain(|file, _| used.contains(file.as_path()));
    }

    async fn plan(&self, gate: &Gate, followed: &Followed, config: &Config) -> Plan {
        let kernel = self.kernel();
        let mut kept = BTreeMap::new();
        for plugin in &config.plugins {
            // Only looked at where it is needed.
            let mut found = plugin.files().filter_map(|file| followed.files.get(file));
            let is_sound = |candidate: &Candidate| match &candidate.found {
                Ok(status) => kernel.quarantined(status).is_none(),
                Err(_) => false,
            };
            if !found.any(is_sound) {
                let mut copies = Vec::new();
                for file in self.kept.files(&plugin.name) {
                    copies.push(self.examine(gate, &plugin.name, &file).await);
                }
                kept.insert(plugin.name.clone(), copies);
            }
        }
        let running = self.running();
        let claims = RefCell::new(claimed(self.hal(), config, &running));
        let mut plan = Plan::make(&Situation {
            config,
            files: &followed.files,
            unbuilt: &followed.unbuilt,
            kept: &kept,
            in_force: &followed.in_force,
            running: &running,
            unwanted: &followed.unwanted,
            quarantined: &|version| kernel.quarantined(version),
            granted: &|spec, status| kernel.check_granted(spec, status),
            claim: &|spec| claim(&mut claims.borrow_mut(), self.hal(), spec),
        });
        let ignored = config.ignored.iter();
        plan.notes
            .extend(ignored.map(|file| format!("{}; {}", file.message, file.help)));
        plan.notes.extend(later(self.host(), &config.host));
        let (before, after) = (self.gate.policy().mode, gate.policy().mode);
        if before != after {
            plan.notes.push(format!(
                "the policy for signatures becomes `{after}`, and was `{before}`"
            ));
        }
        if *self.board() != config.board {
            plan.notes.push(
                "`[board]` or its file has changed: that takes effect when the host starts anew"
                    .to_owned(),
            );
        }
        plan
    }

    pub(super) async fn examine(&self, gate: &Gate, plugin: &str, file: &Path) -> Candidate {
        let found = self.kernel().examine_plugin_by(gate, plugin, file).await;
        Candidate {
            file: file.to_path_buf(),
            found: found.map(Arc::new).map_err(Arc::new),
        }
    }

    pub(super) fn running(&self) -> Running {
        let status = self.kernel().status();
        let devices = status.devices.into_iter().enumerate();
        Running {
            devices: devices
                .filter_map(|(order, device)| {
                    let running = RunningDevice {
                        // None when it is gone meanwhile.
                        spec: self.kernel().device_spec(&device.name)?,
                        failed: device.state == DeviceState::Failed,
                        order,
                    };
                    Some((device.name, running))
                })
                .collect(),
            plugins: status
                .plugins
                .into_iter()
                .map(|plugin| (plugin.name.clone(), Arc::new(plugin)))
                .collect(),
        }
    }

    /// Shows what is wrong with a file that is not taken.
    fn reject(&self, current: &Config, rejected: &Rejected) {
        let known = self.failed();
        self.forgive(|failed| failed.part == Part::Configuration);
        let whole = rejected.problems.is_empty().then(|| {
            let message = rejected.to_string();
            current.problem_at("", message, rejected.help.clone())
        });
        // Looked at again for the sake of a component, it is not said once more.
        let is_new =
            |problem| !known.contains(&FailedPart::new(Part::Configuration, FILE, problem));
        if rejected.problems.iter().any(is_new) {
            tracing::error!("{rejected}");
        }
        for problem in rejected.problems.iter().chain(&whole) {
            self.fail_again(Part::Configuration, FILE, problem, &known);
        }
    }
}

impl Followed {
    /// Notes which components are there now, of those in the scope.
    pub(super) fn find(&mut self, directory: &Path, scope: &Scope) {
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
pub(super) fn read(current: &Config) -> Result<Option<String>, Rejected> {
    match Config::read(&current.directory)? {
        None if current.text().is_some() => Err(Rejected {
            message: "it is gone".to_owned(),
            help: Some("put it back; to stop the system, stop its host".to_owned()),
            problems: Vec::new(),
        }),
        text => Ok(text),
    }
}

/// Changes of `[host]`, which wait for its next start.
fn later(before: &HostEntry, after: &HostEntry) -> Vec<String> {
    let mut notes = Vec::new();
    // Named one by one, so that a key that is added is not forgotten here.
    let HostEntry {
        name,
        data,
        watch,
        guard,
        memory,
        audit,
    } = before;
    let mut differs = |same: bool, key: &str| {
        if !same {
            notes.push(format!(
                "`{key}` of `[host]` has changed: that takes effect when the host starts anew"
            ));
        }
    };
    differs(*name == after.name, "name");
    differs(*data == after.data, "data");
    differs(*watch == after.watch, "watch");
    differs(*guard == after.guard, "guard");
    differs(*memory == after.memory, "memory");
    differs(*audit == after.audit, "audit");
    notes
}

#[cfg(test)]
mod tests;
