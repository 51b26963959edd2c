//! The steps of a plan are taken.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use weihe_kernel::audit::{Audit as _, Entry, action};
use weihe_kernel::{DeviceSpec, SwapError};

use super::in_force::{Attempt, InForce, Taken};
use super::plan::Plan;
use super::problem::{connection_problem, device_problem, plugin_path, plugin_problem};
use super::reconcile::{Changes, Followed};
use super::start::{FailedPart, Part, System, say};
use super::step::{Act, Step};
use crate::config::Config;

impl System {
    /// Takes the steps of a plan. What fails is noted, and the rest goes on.
    pub(super) async fn apply(
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
            if *part == Part::Plugin && !known.contains(&FailedPart::new(*part, name, problem)) {
                let refused = Entry::host(action::PLUGIN_REFUSED, format!("plugin/{name}"));
                self.audit.record(refused.refused(problem));
            }
            self.fail_again(*part, name, problem, &known);
        }
        for (device, problem) in &plan.besides {
            if !known.iter().any(|failed| failed.name == *device) {
                say(&FailedPart::new(Part::Device, device, problem));
            }
        }
        followed.in_force.take_over(&plan, &self.running());
        // Also a device that cannot be tried counts as tried, until something about it changes.
        let failed = plan.failed.iter();
        let failed = failed.filter(|(part, ..)| *part == Part::Device);
        let failed = failed.map(|(_, name, _)| name);
        for name in failed.chain(&plan.waiting) {
            if let Some(spec) = plan.specs.get(name) {
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
        // What runs, not what was tried last: that may have failed, and be no way back.
        let runs = self.running().devices;
        let stopped = plan.steps.iter().filter(|step| step.act == Act::Stop);
        let previous: BTreeMap<String, DeviceSpec> = stopped
            .filter_map(|step| Some((step.name.clone(), runs.get(&step.name)?.spec.clone())))
            .collect();
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
                if kernel.remove_device(name, &step.why).await.is_ok() {
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

    /// Keeps a copy of what a plugin runs now, which was taken from this file.
    pub(super) async fn keep(&self, plugin: &str, file: &Path) {
        let sha256 = self.running().sha256(plugin);
        self.kept.keep(plugin, file, &sha256).await;
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
            None => self.keep(name, &chosen.file).await,
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
        previous: &BTreeMap<String, DeviceSpec>,
    ) {
        let running = self.running();
        let mut starting = tokio::task::JoinSet::new();
        for step in starts {
            let Some(spec) = plan.specs.get(&step.name) else {
                continue;
            };
            let attempt = Attempt {
                spec: spec.clone(),
                sha256: running.sha256(&spec.plugin),
            };
            followed.in_force.devices.insert(step.name.clone(), attempt);
            let (system, config, spec) = (Arc::clone(self), Arc::clone(config), spec.clone());
            let before = previous.get(&step.name).cloned();
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

/// Whether a note of failure no longer holds: its part is gone, is tried again, or fails anew.
fn outdated(failed: &FailedPart, plan: &Plan, config: &Config) -> bool {
    let name = &failed.name;
    match failed.part {
        Part::Configuration | Part::Control => false,
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
