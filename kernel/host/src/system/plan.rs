//! What would have to be done for the system to be what `weihe.toml` and the folder for plugins say.
//! Made from what is known alone: nothing is touched.

mod choice;
mod differences;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weihe_kernel::{DeviceError, DeviceSpec, PluginStatus, Quarantined};

use super::candidate::Candidate;
use super::in_force::{InForce, Running};
use super::problem::{device_problem, plugin_path};
use super::reconcile::Unbuilt;
use super::spec::{Implied, idle, implied, spec};
use super::start::Part;
use super::step::{Act, Step};
use crate::config::{Config, DeviceEntry, Problem, Schema};
use differences::changed_keys;

pub(super) use differences::differences;

/// The file that a plugin is made of.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) file: PathBuf,
    pub(super) status: Arc<PluginStatus>,
}

/// What a plan is made from.
pub(super) struct Situation<'s> {
    pub(super) config: &'s Config,
    pub(super) files: &'s BTreeMap<PathBuf, Candidate>,
    /// Plugins whose source could not be built: why there is no file.
    pub(super) unbuilt: &'s BTreeMap<String, Unbuilt>,
    /// Copies of versions that ran, by plugin: for when no file is sound.
    pub(super) kept: &'s BTreeMap<String, Vec<Candidate>>,
    pub(super) in_force: &'s InForce,
    pub(super) running: &'s Running,
    /// Plugins that run and are no longer let in, and why.
    pub(super) unwanted: &'s BTreeMap<String, String>,
    pub(super) quarantined: &'s dyn Fn(&PluginStatus) -> Option<Quarantined>,
    pub(super) granted: &'s dyn Fn(&DeviceSpec, &PluginStatus) -> Result<(), DeviceError>,
    /// Takes the outputs that a device is granted, unless another one has them.
    pub(super) claim: &'s dyn Fn(&DeviceSpec) -> Result<(), DeviceError>,
}

/// The steps, and what cannot be had.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In the order in which they are taken.
    pub(super) steps: Vec<Step>,
    /// Parts that cannot be had.
    pub(super) failed: Vec<(Part, String, Problem)>,
    /// What else is wrong with devices that cannot be had.
    pub(super) besides: Vec<(String, Problem)>,
    /// What in the entries of devices that are new or have changed is wrong. A file that brings
    /// any is not taken.
    pub(super) faults: Vec<Problem>,
    /// What else should be known.
    pub(super) notes: Vec<String>,
    /// The file of each plugin.
    pub(super) chosen: BTreeMap<String, Chosen>,
    /// The devices that are to run, whether anything is done with them or not.
    pub(super) specs: BTreeMap<String, DeviceSpec>,
    /// Devices whose plugin an operator has unloaded.
    pub(super) waiting: Vec<String>,
}

/// The plugins that there will be, as they will be.
type There = BTreeMap<String, Arc<PluginStatus>>;

impl Plan {
    pub(super) fn make(situation: &Situation<'_>) -> Self {
        let mut plan = Self::default();
        let (closed, opened) = plan.connections(situation);
        let (unloaded, there) = plan.plugins(situation);
        plan.devices(situation, &closed, &opened, &unloaded, &there);
        plan.steps.sort_by_key(|step| match step.act {
            Act::Stop => 0,
            Act::Unload => 1,
            Act::Close => 2,
            Act::Open => 3,
            Act::Load => 4,
            Act::Swap => 5,
            Act::Start => 6,
        });
        plan
    }

    fn step(&mut self, act: Act, part: Part, name: &str, why: impl Into<String>) {
        self.steps.push(Step {
            act,
            part,
            name: name.to_owned(),
            why: why.into(),
        });
    }

    fn fail(&mut self, part: Part, name: &str, problem: Problem) {
        self.failed.push((part, name.to_owned(), problem));
    }

    /// Whether it has a step of this kind for this part.
    pub(super) fn has(&self, act: Act, name: &str) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.act == act && step.name == name)
    }

    /// Returns the connections that are closed, and those that are opened.
    fn connections<'s>(
        &mut self,
        situation: &Situation<'s>,
    ) -> (BTreeSet<&'s str>, BTreeSet<&'s str>) {
        let (config, before) = (situation.config, &situation.in_force.connections);
        let (mut closed, mut opened) = (BTreeSet::new(), BTreeSet::new());
        for (name, table) in before {
            let mut entries = config.connections.iter();
            match entries.find(|entry| entry.name == *name) {
                Some(entry) if entry.table == *table => continue,
                Some(entry) => {
                    let keys = changed_keys(table, &entry.table);
                    self.step(
                        Act::Close,
                        Part::Connection,
                        name,
                        format!("changed: {keys}"),
                    );
                }
                None => self.step(Act::Close, Part::Connection, name, "its entry is gone"),
            }
            closed.insert(name.as_str());
        }
        for entry in &config.connections {
            let name = entry.name.as_str();
            if before.get(name) != Some(&entry.table) {
                self.step(Act::Open, Part::Connection, name, entry.kind.as_str());
                opened.insert(name);
            }
        }
        (closed, opened)
    }

    /// Returns the plugins that are unloaded, and those that will be there.
    fn plugins(&mut self, situation: &Situation<'_>) -> (BTreeSet<String>, There) {
        let (config, running) = (situation.config, &situation.running.plugins);
        let mut there = running.clone();
        let mut unloaded = BTreeSet::new();
        for plugin in &config.plugins {
            let name = &plugin.name;
            let taken = situation.in_force.plugins.get(name);
            let Some(chosen) = self.choose(situation, plugin) else {
                let is_there = plugin
                    .files()
                    .any(|file| situation.files.contains_key(file));
                let unwanted = situation.unwanted.get(name);
                if let Some(why) = unwanted.filter(|_| running.contains_key(name)) {
                    self.step(Act::Unload, Part::Plugin, name, why.as_str());
                    unloaded.insert(name.clone());
                    there.remove(name);
                } else if !is_there && running.contains_key(name) && taken.is_some() {
                    self.step(Act::Unload, Part::Plugin, name, "its file was removed");
                    unloaded.insert(name.clone());
                    there.remove(name);
                }
                continue;
            };
            let sha256 = &chosen.status.sha256;
            let version = &chosen.status.description.version;
            let file = shown(config, &chosen.file);
            match (running.get(name), taken) {
                (Some(runs), _) if runs.sha256 == *sha256 => {}
                // It was tried, and what runs is what became of it or what an operator wanted since.
                (_, Some(taken))
                    if taken.sha256 == *sha256
                        && (taken.refused.is_none() || !has_other_entries(situation, name)) =>
                {
                    if let Some(refused) = &taken.refused {
                        let problem =
                            config.problem_at(&plugin_path(config, name), refused.clone(), None);
                        self.fail(Part::Plugin, name, problem);
                    } else if !running.contains_key(name) {
                        self.notes.push(format!(
                            "plugin {name} was unloaded: it comes back with another version of its \
                             file, with `weihe load`, or when the host starts anew"
                        ));
                    }
                }
                (Some(before), _) => {
                    let before = &before.description.version;
                    let why = format!("{before} → {version} ({file})");
                    self.step(Act::Swap, Part::Plugin, name, why);
                    there.insert(name.clone(), chosen.status.clone());
                }
                (None, _) => {
                    self.step(Act::Load, Part::Plugin, name, format!("{version} ({file})"));
                    there.insert(name.clone(), chosen.status.clone());
                }
            }
            self.chosen.insert(name.clone(), chosen);
        }
        for (name, why) in situation.unwanted {
            // One that an operator loaded.
            if running.contains_key(name) && config.plugin(name).is_none() {
                self.step(Act::Unload, Part::Plugin, name, why.as_str());
                unloaded.insert(name.clone());
                there.remove(name);
            }
        }
        for name in running.keys() {
            if unloaded.contains(name) {
                continue;
            }
            let configured = config.plugin(name).is_some();
            if !configured && situation.in_force.plugins.contains_key(name) {
                self.step(Act::Unload, Part::Plugin, name, "its file was removed");
                unloaded.insert(name.clone());
                there.remove(name);
            }
        }
        (unloaded, there)
    }

    fn devices(
        &mut self,
        situation: &Situation<'_>,
        closed: &BTreeSet<&str>,
        opened: &BTreeSet<&str>,
        unloaded: &BTreeSet<String>,
        there: &There,
    ) {
        let (config, running) = (situation.config, &situation.running.devices);
        let mut wanted: Vec<(DeviceSpec, Option<&DeviceEntry>)> = Vec::new();
        for plugin in &config.plugins {
            // What goes on while its file is bad has its device, too.
            let chosen = self.chosen.get(&plugin.name).map(|chosen| &chosen.status);
            let Some(status) = there.get(&plugin.name).or(chosen) else {
                continue;
            };
            match implied(config, plugin, status) {
                Implied::Device(spec) => wanted.push((*spec, None)),
                Implied::Idle => {
                    self.notes
                        .push(format!("plugin {}: {}", plugin.name, idle(&plugin.name)))
                }
                Implied::Used => {}
            }
        }
        let entries = config.devices.iter();
        wanted.extend(entries.map(|entry| (spec(config, entry), Some(entry))));

        let mut stopped: BTreeMap<&str, String> = BTreeMap::new();
        for (name, device) in running {
            let wanted = wanted.iter().any(|(spec, _)| spec.name == *name);
            if unloaded.contains(&device.spec.plugin) {
                let why = format!("plugin {} is unloaded", device.spec.plugin);
                stopped.insert(name, why);
            } else if !wanted && situation.in_force.devices.contains_key(name) {
                stopped.insert(name, "its entry is gone".to_owned());
            }
        }
        for (spec, entry) in &wanted {
            let name = spec.name.as_str();
            self.specs.insert(name.to_owned(), spec.clone());
            // In the order of the file, whether they run or not.
            let claim = (situation.claim)(spec);
            let before = situation.in_force.devices.get(name);
            let touched = |which: &BTreeSet<&str>| {
                let mut connections = spec.connection.iter().chain(&spec.grants.connections);
                connections
                    .find(|connection| which.contains(connection.as_str()))
                    .cloned()
            };
            let runs = running.get(name);
            // One that an operator brought about is known as it runs.
            let known = before.map(|before| &before.spec);
            let known = known.or(runs.map(|device| &device.spec));
            let changed = known.map(|known| differences(known, spec));
            let is_changed = changed.as_ref().is_none_or(|changed| !changed.is_empty());
            let Some(plugin) = there.get(&spec.plugin) else {
                if self.is_unloaded(situation, &spec.plugin) {
                    self.waiting.push(name.to_owned());
                    continue;
                }
                let problem = self.no_plugin(config, spec);
                // A name that is nobody's is a slip; a plugin that is bad, or that was unloaded, is not.
                if is_changed && config.plugin(&spec.plugin).is_none() {
                    self.faults.push(problem.clone());
                }
                self.fail(Part::Device, name, problem);
                continue;
            };
            let why = match (runs, &changed) {
                (_, Some(changed)) if !changed.is_empty() => {
                    format!("changed: {}", changed.join(", "))
                }
                (Some(device), _) => match touched(closed) {
                    Some(connection) => format!("connection {connection} is closed"),
                    None if device.failed && self.has(Act::Swap, &spec.plugin) => {
                        format!("failed, and plugin {} is swapped", spec.plugin)
                    }
                    None => continue,
                },
                (None, None) => "new".to_owned(),
                (None, Some(_)) => match (before, touched(opened)) {
                    (Some(before), _) if before.sha256.is_empty() => {
                        format!("plugin {} is there again", spec.plugin)
                    }
                    (Some(before), _) if before.sha256 != plugin.sha256 => {
                        format!("plugin {} is another", spec.plugin)
                    }
                    (_, Some(connection)) => format!("connection {connection} is opened"),
                    // It was tried, or an operator stopped it.
                    _ => continue,
                },
            };
            let problems = check(situation, spec, *entry, plugin, claim);
            if let Some(first) = problems.first() {
                self.fail(Part::Device, name, first.clone());
                let others = problems[1..].iter().cloned();
                self.besides
                    .extend(others.map(|problem| (name.to_owned(), problem)));
                if is_changed {
                    self.faults.extend(problems);
                }
                continue;
            }
            if runs.is_some() {
                stopped.entry(name).or_insert_with(|| why.clone());
            }
            self.step(Act::Start, Part::Device, name, why);
        }
        let mut stopped: Vec<_> = stopped.into_iter().collect();
        stopped.sort_by_key(|(name, _)| {
            let order = running.get(*name).map_or(0, |device| device.order);
            std::cmp::Reverse(order)
        });
        for (name, why) in stopped {
            self.step(Act::Stop, Part::Device, name, why);
        }
    }

    /// Whether a plugin that could run was unloaded by an operator.
    fn is_unloaded(&self, situation: &Situation<'_>, plugin: &str) -> bool {
        let taken = situation.in_force.plugins.get(plugin);
        let is_taken = taken.is_some_and(|taken| taken.refused.is_none());
        is_taken && self.chosen.contains_key(plugin)
    }

    /// Why a device has no plugin.
    fn no_plugin(&self, config: &Config, spec: &DeviceSpec) -> Problem {
        let mut without = config.without_plugin.iter();
        match without.find(|(device, _)| *device == spec.name) {
            Some((_, problem)) => problem.clone(),
            None => {
                let (device, plugin) = (&spec.name, &spec.plugin);
                let message =
                    format!("device `{device}` cannot start: its plugin `{plugin}` failed");
                config.problem_at(&format!("device.{device}.plugin"), message, None)
            }
        }
    }
}

/// What is wrong with a device that is to be started, as far as can be seen before.
fn check(
    situation: &Situation<'_>,
    spec: &DeviceSpec,
    entry: Option<&DeviceEntry>,
    plugin: &PluginStatus,
    claim: Result<(), DeviceError>,
) -> Vec<Problem> {
    let config = situation.config;
    let schema = Schema::parse(&plugin.description.config_schema);
    if let (Ok(Some(schema)), Some(entry)) = (schema, entry) {
        let problems = config.config_problems(entry, &schema);
        if !problems.is_empty() {
            return problems;
        }
    }
    match (situation.granted)(spec, plugin).and(claim) {
        Ok(()) => Vec::new(),
        Err(error) => vec![device_problem(config, &spec.name, &error)],
    }
}

/// A file as people know it: from the system's directory.
fn shown(config: &Config, file: &Path) -> String {
    let inside = file.strip_prefix(&config.directory);
    inside.unwrap_or(file).display().to_string()
}

/// Whether a device of the plugin has another entry than when it was last tried: the grant, say, for
/// want of which a version was refused.
fn has_other_entries(situation: &Situation<'_>, plugin: &str) -> bool {
    let config = situation.config;
    let specs = config.devices.iter().map(|entry| spec(config, entry));
    specs.filter(|spec| spec.plugin == plugin).any(|spec| {
        let tried = situation.in_force.devices.get(&spec.name);
        tried.is_some_and(|tried| !differences(&tried.spec, &spec).is_empty())
    })
}

#[cfg(test)]
mod tests;
