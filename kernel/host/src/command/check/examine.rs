//! What can be known of a system without starting it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weihe_kernel::bus::Filter;
use weihe_kernel::runtime::{Description, Origin};
use weihe_kernel::{DeviceSpec, PluginStatus};

use super::named::misnamed;
use super::pointless::{pointless, published};
use crate::component::{Cargo, is_c};
use crate::config::{Config, PluginEntry, Problem, Schema};
use crate::control::check_directory;
use crate::keys;
use crate::output::Failure;
use crate::signatures;
use crate::system::{
    DryRun, Implied, choose, connection_problem, device_problem, idle, implied, missing_component,
    plugin_path, plugin_problem, spec, unsound_door,
};

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// What is in order: kind, name, what it is.
    pub(super) good: Vec<(&'static str, String, String)>,
    /// Plugins that `weihe run` builds first, with their sources.
    pub(super) unbuilt: Vec<(String, PathBuf)>,
    /// What `weihe run` starts with all the same.
    pub(super) warnings: Vec<Warning>,
    /// What `weihe run` refuses.
    pub(super) problems: Vec<Problem>,
}

/// What may not be meant so.
pub(super) struct Warning {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The same, where it stands in the file.
    pub(super) place: Option<Problem>,
}

impl Found {
    fn warn(&mut self, message: String, help: Option<String>) {
        self.warnings.push(Warning {
            message,
            help,
            place: None,
        });
    }

    fn warn_at(&mut self, place: Problem) {
        self.warnings.push(Warning {
            message: place.to_string(),
            help: place.fault().help.clone(),
            place: Some(place.into_warning()),
        });
    }
}

pub(super) async fn examine(config: &Config) -> Result<Found, Failure> {
    let mut found = Found::default();
    for file in &config.ignored {
        found.warn(file.message.clone(), Some(file.help.clone()));
    }
    // Compiled code is taken from a directory only when nobody else could have put it there.
    let data = config.host.data.as_path();
    let data = match data_problem(config, data) {
        None => Some(data),
        Some(problem) => {
            found.problems.push(problem);
            None
        }
    };
    found.problems.extend(unsound_door(config));
    let policy = signatures::policy(config);
    let gate = policy.and_then(|policy| signatures::looking_gate(policy, &config.host.data));
    let gate = match gate {
        Ok(gate) => Some(Arc::new(gate)),
        Err(error) => {
            let help = Some(error.help().to_owned());
            let problem = config.problem_at(error.key(), error.to_string(), help);
            found.problems.push(problem);
            None
        }
    };
    let dry = DryRun::start_behind(
        &config.directory,
        data,
        &config.board,
        Arc::new(keys::unattended(&config.keys)),
        gate,
    )
    .map_err(|error| Failure::plain(error.to_string()))?;
    for connection in &config.connections {
        let name = &connection.name;
        match dry.connection(name, &connection.table) {
            Ok(()) => found
                .good
                .push(("connection", name.clone(), connection.kind.clone())),
            Err(error) => found
                .problems
                .push(connection_problem(config, name, &error)),
        }
    }
    let mut loaded = BTreeMap::new();
    for plugin in &config.plugins {
        if let Some(status) = load(config, &dry, plugin, &mut found).await {
            loaded.insert(plugin.name.as_str(), status);
        }
    }
    let without = config.without_plugin.iter();
    found
        .problems
        .extend(without.map(|(_, problem)| problem.clone()));
    let published = published(config);
    devices(config, &dry, &loaded, &published, &mut found);
    for problem in pointless(config, &loaded, &published) {
        found.warn_at(problem);
    }
    // In the order of the file; what stands nowhere in it comes first.
    found
        .warnings
        .sort_by_key(|warning| warning.place.as_ref().map(|place| place.fault().span.start));
    dry.end().await;
    Ok(found)
}

/// Why a host would not use the data directory, as far as can be seen from outside. One that is not
/// there yet is made by the host.
fn data_problem(config: &Config, data: &Path) -> Option<Problem> {
    let metadata = std::fs::metadata(data).ok()?;
    let (message, help) = if metadata.is_dir() {
        let error = check_directory(data).err()?;
        (error.to_string(), error.help())
    } else {
        let message = format!("the data directory {} is no directory", data.display());
        let help = "remove it, or name another in `[host] data`";
        (message, help.to_owned())
    };
    Some(config.problem_at("host.data", message, Some(help)))
}

/// Loads a plugin, or says what stands in the way.
async fn load(
    config: &Config,
    dry: &DryRun,
    plugin: &PluginEntry,
    found: &mut Found,
) -> Option<PluginStatus> {
    let name = &plugin.name;
    let there = plugin.files().any(Path::is_file);
    if let Some(source) = &plugin.source {
        let is_source = source.join("Cargo.toml").is_file() || is_c(source);
        match (is_source, there) {
            (true, true) => {}
            (true, false) => {
                match Cargo::find() {
                    Err(error) if !is_c(source) => {
                        let message = format!("plugin `{name}` cannot be built: {error}");
                        let path = format!("{}.source", plugin_path(config, name));
                        let help = Some(error.help().to_owned());
                        found.problems.push(config.problem_at(&path, message, help));
                    }
                    _ => found.unbuilt.push((name.clone(), source.clone())),
                }
                return None;
            }
            (false, true) => found.warn(
                format!(
                    "plugin `{name}` runs as {}: there is no source in {}",
                    plugin.file.display(),
                    source.display()
                ),
                None,
            ),
            (false, false) => {
                let message = format!(
                    "plugin `{name}`: there is no source in {}",
                    source.display()
                );
                let path = format!("{}.source", plugin_path(config, name));
                let help = "`source` names the directory of a Cargo.toml, or of `wit` and C files in `src`, relative to this file";
                let help = Some(help.to_owned());
                found.problems.push(config.problem_at(&path, message, help));
                return None;
            }
        }
    }
    if !there {
        found.problems.push(missing_component(config, plugin));
        return None;
    }
    let mut candidates = Vec::new();
    for file in plugin.files().filter(|file| file.is_file()) {
        let candidate = dry.examine(name, file).await;
        if let Err(error) = &candidate.found {
            let problem = plugin_problem(config, &plugin.made_of(file), error);
            found.problems.push(problem);
        }
        candidates.push(candidate);
    }
    // When all are refused, the first says why.
    let chosen = choose(&candidates, |status| dry.is_refused(status));
    let (best, status) = chosen.or_else(|| choose(&candidates, |_| false))?;
    let about = &status.description;
    for idle in &candidates {
        if let Ok(other) = &idle.found
            && idle.file != best.file
        {
            let message = format!(
                "plugin `{name}` is made of {} ({}): {} ({}) lies idle",
                best.file.display(),
                about.version,
                idle.file.display(),
                other.description.version
            );
            found.warn(message, None);
        }
    }
    match dry.load(name, &best.file).await {
        Ok(status) => {
            let about = &status.description;
            let what = format!("{}: {}", about.version, about.summary);
            if let Some(Origin {
                warning: Some(warning),
                ..
            }) = &status.origin
            {
                let message = format!("plugin `{name}` runs although {warning}");
                found.warn(message, None);
            }
            found.good.push(("plugin", name.clone(), what));
            Some(status)
        }
        Err(error) => {
            let problem = plugin_problem(config, &plugin.made_of(&best.file), &error);
            found.problems.push(problem);
            None
        }
    }
}

/// Checks the devices of loaded plugins: those in the file, and those that plugins stand for.
fn devices(
    config: &Config,
    dry: &DryRun,
    loaded: &BTreeMap<&str, PluginStatus>,
    published: &[Filter],
    found: &mut Found,
) {
    let mut schemas = BTreeMap::new();
    for plugin in &config.plugins {
        let Some(status) = loaded.get(plugin.name.as_str()) else {
            continue;
        };
        match Schema::parse(&status.description.config_schema) {
            Ok(schema) => drop(schemas.insert(plugin.name.as_str(), schema)),
            Err(error) => found.warn(
                format!(
                    "plugin `{}`: the schema of its configuration cannot be read: {error}",
                    plugin.name
                ),
                None,
            ),
        }
        match implied(config, plugin, status) {
            Implied::Used => {}
            Implied::Device(spec) => {
                let what = format!("{}, which no other device uses", plugin.name);
                device(config, dry, &spec, &status.description, &what, found);
            }
            Implied::Idle => {
                let message = format!("plugin `{}` runs nowhere", plugin.name);
                found.warn(message, Some(idle(&plugin.name)));
            }
        }
    }
    for entry in &config.devices {
        let Some(status) = loaded.get(entry.plugin.as_str()) else {
            // Reported with its plugin.
            continue;
        };
        let schema = schemas.get(entry.plugin.as_str()).and_then(Option::as_ref);
        let problems = schema.map(|schema| config.config_problems(entry, schema));
        match problems.filter(|problems| !problems.is_empty()) {
            Some(problems) => found.problems.extend(problems),
            None => {
                let spec = spec(config, entry);
                for problem in schema
                    .into_iter()
                    .flat_map(|schema| misnamed(config, &spec, schema, published))
                {
                    found.warn_at(problem);
                }
                device(
                    config,
                    dry,
                    &spec,
                    &status.description,
                    &entry.plugin,
                    found,
                );
            }
        }
    }
}

fn device(
    config: &Config,
    dry: &DryRun,
    spec: &DeviceSpec,
    description: &Description,
    what: &str,
    found: &mut Found,
) {
    match dry.device(spec) {
        Ok(()) => {
            for (key, filter, message) in not_granted(spec, description) {
                let device = &spec.name;
                let help = format!("add `{key} = [\"{filter}\"]` to `[device.{device}.grants]`");
                let path = format!("device.{device}.grants.{key}");
                found.warn_at(config.problem_at(&path, message, Some(help)));
            }
            found
                .good
                .push(("device", spec.name.clone(), what.to_owned()));
        }
        Err(error) => found
            .problems
            .push(device_problem(config, &spec.name, &error)),
    }
}

/// Topics that a plugin says it uses, of which its device is granted nothing.
fn not_granted(
    spec: &DeviceSpec,
    description: &Description,
) -> Vec<(&'static str, Filter, String)> {
    let device = spec.name.as_str();
    let mut messages = Vec::new();
    for topic in &description.topics {
        let Ok(filter) = topic.filter.replace("{device}", device).parse::<Filter>() else {
            continue;
        };
        let (granted, verb, key) = if topic.publishes {
            (&spec.grants.publish, "publishes", "publish")
        } else {
            (&spec.grants.subscribe, "subscribes to", "subscribe")
        };
        // What a device may always subscribe to, it may always publish.
        let own = spec.grants.may_subscribe(device, &filter);
        let some = |grant: &Filter| grant.covers(&filter) || filter.covers(grant);
        if !own && !granted.iter().any(some) {
            let message = format!(
                "plugin `{}` says that it {verb} `{filter}`, but device `{device}` has no \
                 `{key}` for it",
                spec.plugin
            );
            messages.push((key, filter, message));
        }
    }
    messages
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use weihe_kernel::runtime::TopicInfo;

    #[test]
    fn topics_that_a_plugin_names_are_compared_with_its_grants() {
        let topic = |filter: &str, publishes| TopicInfo {
            filter: filter.to_owned(),
            publishes,
            summary: String::new(),
        };
        let description = Description {
            topics: vec![
                topic("plugin/{device}/+", true),
                topic("plugin/{device}/in", false),
                topic("weather/rain", true),
                topic("weather/+/wind", false),
                topic("not/#/a/filter", false),
            ],
            ..Description::default()
        };
        let mut spec = DeviceSpec::new("station", "weather");
        let messages = |spec: &DeviceSpec| -> Vec<String> {
            let found = not_granted(spec, &description).into_iter();
            found.map(|(_, _, message)| message).collect()
        };
        assert_eq!(
            messages(&spec),
            [
                "plugin `weather` says that it publishes `weather/rain`, but device `station` has \
                 no `publish` for it",
                "plugin `weather` says that it subscribes to `weather/+/wind`, but device \
                 `station` has no `subscribe` for it",
            ]
        );
        spec.grants.publish = vec!["weather/#".parse().unwrap()];
        // A part of what it names may be all that it needs.
        spec.grants.subscribe = vec!["weather/roof/wind".parse().unwrap()];
        assert!(not_granted(&spec, &description).is_empty());
    }
}
