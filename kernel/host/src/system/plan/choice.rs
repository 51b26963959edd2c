//! Which file a plugin is made of, and what is wrong with the others.

use std::cmp::Ordering;

use weihe_kernel::PluginStatus;

use super::super::candidate::{choose, compare};
use super::super::problem::{missing_component, plugin_path, plugin_problem};
use super::super::reconcile::Unbuilt;
use super::super::start::Part;
use super::{Chosen, Plan, Situation, shown};
use crate::config::PluginEntry;

impl Plan {
    /// The file that a plugin is made of, and what is wrong with the others.
    pub(super) fn choose(
        &mut self,
        situation: &Situation<'_>,
        plugin: &PluginEntry,
    ) -> Option<Chosen> {
        let config = situation.config;
        let files = || plugin.files().filter_map(|file| situation.files.get(file));
        let is_refused = |status: &PluginStatus| (situation.quarantined)(status).is_some();
        let chosen = choose(files(), is_refused);
        let mut problems = Vec::new();
        for file in files() {
            match &file.found {
                Err(error) => {
                    let problem = plugin_problem(config, &plugin.made_of(&file.file), error);
                    problems.push(problem);
                }
                Ok(status) => match (situation.quarantined)(status) {
                    Some(entry) => problems.push(config.problem_at(
                        &plugin_path(config, &plugin.name),
                        format!(
                            "`{}` ({}) is in quarantine: {}",
                            file.file.display(),
                            status.description.version,
                            entry.reason
                        ),
                        Some(format!(
                            "put another version there, or take it nevertheless: `weihe swap {} FILE --lift`",
                            plugin.name
                        )),
                    )),
                    None => {
                        if let Some((best, of_best)) = chosen
                            && best.file != file.file
                        {
                            let version = &status.description.version;
                            let than = match compare(version, &of_best.description.version) {
                                Ordering::Equal => "is the same and comes first",
                                _ => "is higher",
                            };
                            self.notes.push(format!(
                                "plugin {}: {} ({}) lies idle, {} ({}) {than}",
                                plugin.name,
                                shown(config, &file.file),
                                status.description.version,
                                shown(config, &best.file),
                                of_best.description.version
                            ));
                        }
                    }
                },
            }
        }
        if files().next().is_none() {
            let problem = match situation.unbuilt.get(&plugin.name) {
                Some(Unbuilt { message, help }) => {
                    let path = format!("{}.source", plugin_path(config, &plugin.name));
                    config.problem_at(&path, message.as_str(), help.clone())
                }
                None => missing_component(config, plugin),
            };
            self.fail(Part::Plugin, &plugin.name, problem);
        }
        let running = situation.running.plugins.get(&plugin.name);
        for problem in problems {
            let problem = match running {
                Some(runs)
                    if chosen.is_none() && !situation.unwanted.contains_key(&plugin.name) =>
                {
                    let version = &runs.description.version;
                    problem.but(&format!("version {version} goes on"))
                }
                _ => problem,
            };
            self.fail(Part::Plugin, &plugin.name, problem);
        }
        let kept = || {
            // Only when there are files and none is sound: one that was removed shall not run.
            files().next()?;
            let running = situation.running.plugins.contains_key(&plugin.name);
            let kept = situation.kept.get(&plugin.name).filter(|_| !running)?;
            // The latest first, whichever its version.
            kept.iter().find_map(|candidate| {
                let status = candidate.found.as_ref().ok()?;
                (!is_refused(status)).then_some((candidate, status))
            })
        };
        let (candidate, status) = chosen.or_else(kept)?;
        Some(Chosen {
            file: candidate.file.clone(),
            status: status.clone(),
        })
    }
}
