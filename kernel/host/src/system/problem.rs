//! Where in `weihe.toml` an error of the kernel belongs, and what to do about it.

use weihe_kernel::device::StartError;
use weihe_kernel::runtime::CompileError;
use weihe_kernel::{ConnectionError, DeviceError, LoadError};

use crate::component::{Layout, LayoutError};
use crate::config::{Config, KeyPath, PluginEntry, Problem, nearest};

/// What to do when a host has no memory left.
const MORE_MEMORY: &str =
    "raise `[host] memory` or the limit of the service (MemoryMax=), or stop other devices";

/// What to do about a plugin of another SDK.
const OTHER_SDK: &str = "build it with the SDK of this host: in its Cargo.toml, `weihe-sdk` is to name the path that \
     `weihe new` writes into a new crate; then `weihe build`";

/// Where a plugin stands in the file: its own entry, or the first device that names it. A dropped
/// file that neither names stands nowhere.
pub(crate) fn plugin_path(config: &Config, name: &str) -> String {
    let entry = config.plugin(name).and_then(|plugin| plugin.span.as_ref());
    let device = config.devices.iter().find(|device| device.plugin == name);
    match (entry, device) {
        (None, Some(device)) => format!("device.{}.plugin", device.name),
        (None, None) => String::new(),
        (Some(_), _) => format!("plugin.{name}"),
    }
}

/// A plugin that cannot be loaded.
pub(crate) fn plugin_problem(config: &Config, plugin: &PluginEntry, error: &LoadError) -> Problem {
    if !plugin.file.is_file() {
        return missing_component(config, plugin);
    }
    let path = plugin_path(config, &plugin.name);
    match broken(plugin, error) {
        Some(broken) => {
            let message = format!("plugin `{}`: {broken}", plugin.name);
            config.problem_at(&path, message, Some(broken.help().to_owned()))
        }
        None => {
            let help = match error {
                LoadError::Compile(CompileError::NoMemory { .. }) => Some(MORE_MEMORY.to_owned()),
                LoadError::NotAPlugin { .. } => Some(
                    "it is made for something else: a plugin exports the hooks of weihe:plugin, with \
                     the SDK by its `export!` macro"
                        .to_owned(),
                ),
                LoadError::UnknownImport { .. } => Some(format!(
                    "`weihe inspect {}` lists what it imports, and who serves it",
                    plugin.file.display()
                )),
                LoadError::NewerInterface { .. }
                | LoadError::OtherVersion { .. }
                | LoadError::Incompatible { .. } => Some(OTHER_SDK.to_owned()),
                LoadError::Description { .. } => Some(
                    "its `describe` is at fault: call it in a test of its crate (`cargo test`)"
                        .to_owned(),
                ),
                LoadError::NotAdmitted { .. } => Some(format!(
                    "`weihe verify {}` shows its signature; [signatures] in weihe.toml says whose count",
                    plugin.file.display()
                )),
                LoadError::Quarantined { .. } => Some(format!(
                    "put a mended version there; `weihe swap {} {} --lift` takes this one again",
                    plugin.name,
                    plugin.file.display()
                )),
                LoadError::Compile(_) => None,
            };
            config.problem_at(&path, error.to_string(), help)
        }
    }
}

/// What is wrong with a file that the compiler does not take, in the words of `weihe inspect`.
fn broken(plugin: &PluginEntry, error: &LoadError) -> Option<LayoutError> {
    let LoadError::Compile(
        CompileError::NotWasm { .. }
        | CompileError::CoreModule { .. }
        | CompileError::Invalid { .. },
    ) = error
    else {
        return None;
    };
    match Layout::read(&plugin.file) {
        // Sound as a component: then the compiler knows better what is amiss.
        Ok(_) | Err(LayoutError::WrongWorld { .. }) => None,
        Err(broken) => Some(broken),
    }
}

/// A plugin whose component is not there.
pub(crate) fn missing_component(config: &Config, plugin: &PluginEntry) -> Problem {
    let file = plugin.file.display();
    let message = format!("plugin `{}`: there is no file {file}", plugin.name);
    let help = match &plugin.source {
        Some(_) => format!("build it: `weihe build {}`", config.directory.display()),
        None => "put the component there, or name it with `file`".to_owned(),
    };
    let path = format!("{}.file", plugin_path(config, &plugin.name));
    config.problem_at(&path, message, Some(help))
}

/// The place in the file that a connection's error is about.
pub(crate) fn connection_problem(config: &Config, name: &str, error: &ConnectionError) -> Problem {
    let (key, help) = match error {
        ConnectionError::Config(error) => (error.key.clone(), error.help.clone()),
        _ => (None, None),
    };
    let path = format!("connection.{name}.{}", key.unwrap_or_default());
    config.problem_at(&path, error.to_string(), help)
}

/// The place in the file that a device's error is about.
pub(crate) fn device_problem(config: &Config, name: &str, error: &DeviceError) -> Problem {
    if !config.devices.iter().any(|device| device.name == name) {
        return implied_problem(config, name, error);
    }
    if let DeviceError::Start(StartError::Refused { message, .. }) = error
        && let Some(problem) = refusal(config, name, message, error)
    {
        return problem;
    }
    let device = format!("device.{name}");
    let (path, help) = match error {
        DeviceError::NoPlugin { .. } => (format!("{device}.plugin"), None),
        DeviceError::NoConnection { .. } => (format!("{device}.connection"), None),
        DeviceError::NeedsConnection { .. } => (device, Some(name_a_connection(config))),
        DeviceError::NotGranted { import, grant, .. } => (
            format!("{device}.grants"),
            Some(how_to_grant(import, grant)),
        ),
        DeviceError::NoCapability { capability, .. } => {
            (format!("{device}.grants.{capability}"), None)
        }
        DeviceError::Grant {
            capability, source, ..
        } => {
            let key = source.key.as_deref().unwrap_or_default();
            let path = grant_path(config, name, capability, key);
            (path, source.help.clone())
        }
        DeviceError::Start(StartError::Refused { .. }) => {
            (format!("{device}.config"), Some(see_the_log(name)))
        }
        DeviceError::Start(_) => (device, Some(see_the_log(name))),
        DeviceError::Memory { .. } => (device, Some(MORE_MEMORY.to_owned())),
        _ => (device, None),
    };
    config.problem_at(&path, error.to_string(), help)
}

/// A device that its plugin stands for has no entry: what is wrong with it is wrong with the
/// plugin's.
fn implied_problem(config: &Config, name: &str, error: &DeviceError) -> Problem {
    let path = plugin_path(config, name);
    let entry = format!("`[device.NAME]` with `plugin = \"{name}\"`");
    let (path, help) = match error {
        DeviceError::NotGranted { .. } => {
            let help = format!(
                "no device uses plugin `{name}`, so it starts one of its own name: grant it under \
                 `[plugin.{name}.grants]`, or add a table {entry}"
            );
            (path, help)
        }
        DeviceError::Grant {
            capability, source, ..
        } => {
            let key = source.key.as_deref().unwrap_or_default();
            let help = source.help.clone().unwrap_or_default();
            (format!("{path}.grants.{capability}.{key}"), help)
        }
        DeviceError::Start(_) => (path, see_the_log(name)),
        DeviceError::Memory { .. } => (path, MORE_MEMORY.to_owned()),
        _ => (path, format!("add a table {entry}")),
    };
    config.problem_at(
        &path,
        error.to_string(),
        Some(help).filter(|help| !help.is_empty()),
    )
}

/// What to write for a device that needs a connection.
fn name_a_connection(config: &Config) -> String {
    let names: Vec<String> = config
        .connections
        .iter()
        .map(|connection| format!("`connection = \"{}\"`", connection.name))
        .collect();
    match names.as_slice() {
        [] => "add a table like `[connection.field]` with `type = \"tcp\"` and `address = \"HOST:PORT\"`, \
               and `connection = \"field\"` to the device"
            .to_owned(),
        [only] => format!("add {only} to the device"),
        names => format!("add one of these to the device: {}", names.join(", ")),
    }
}

/// What to write for an import that needs a grant.
fn how_to_grant(import: &str, grant: &str) -> String {
    let keys = if import.starts_with("weihe:store/") {
        "`tables = [\"NAME\"]`, the tables that it creates and changes, or `read = [\"NAME\"]`"
    } else if import.starts_with("wasi:keyvalue/") {
        "`keys = true` for keys of its own, or `buckets = [\"NAME\"]` for shared ones"
    } else {
        return "a plugin touches only what weihe.toml grants it".to_owned();
    };
    format!("under `{grant}`, write {keys}")
}

fn see_the_log(device: &str) -> String {
    format!("`weihe logs --device {device}` shows what it said")
}

/// What a plugin says when it refuses its configuration, at the key that its words begin with:
/// ``config: `points[3].addres`: unknown field …``.
fn refusal(config: &Config, device: &str, words: &str, error: &DeviceError) -> Option<Problem> {
    let words = words.strip_prefix("config: ").unwrap_or(words);
    let path = KeyPath::leading(words)?;
    let help = meant(words).unwrap_or_else(|| see_the_log(device));
    config.problem_in_config(device, &path, error.to_string(), Some(help))
}

/// The word that was meant where serde says ``unknown field `a`, expected one of `b`, `c` ``.
fn meant(words: &str) -> Option<String> {
    let (_, unknown) = words
        .split_once("unknown field `")
        .or_else(|| words.split_once("unknown variant `"))?;
    let (unknown, rest) = unknown.split_once("`, expected ")?;
    let known = rest.split('`').skip(1).step_by(2);
    nearest(unknown, known).map(|near| format!("did you mean `{near}`?"))
}

/// Where a key of a capability's grant stands: with the device, with its plugin, or, when neither
/// has it, at the table that lacks it.
fn grant_path(config: &Config, device: &str, capability: &str, key: &str) -> String {
    let of_device = format!("device.{device}.grants.{capability}");
    let Some(entry) = config.devices.iter().find(|entry| entry.name == device) else {
        return of_device;
    };
    let first = key.split('.').next().unwrap_or_default();
    let has = |grants: &weihe_kernel::grant::Grants| {
        let table = grants.capabilities.get(capability);
        (
            table.is_some(),
            table.is_some_and(|table| table.contains_key(first)),
        )
    };
    let of_plugin = config
        .plugin(&entry.plugin)
        .map(|plugin| has(&plugin.grants));
    let table = match (has(&entry.grants), of_plugin) {
        // The device's keys replace the plugin's.
        ((_, true), _) | ((true, _), None | Some((_, false))) => of_device,
        (_, Some((true, _))) => format!("plugin.{}.grants.{capability}", entry.plugin),
        _ => of_device,
    };
    format!("{table}.{key}")
}

#[cfg(test)]
mod tests;
