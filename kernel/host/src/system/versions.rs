//! What operators do with plugins while the system runs: swap, roll back, load, unload.

use std::path::Path;
use std::sync::Arc;

use weihe_kernel::{DeviceError, LoadError, SwapError, Swapped};

use super::problem::device_problem;
use super::spec::{Implied, idle, implied, spec};
use super::start::{Part, System, schema};
use crate::config::{PluginEntry, is_name};
use crate::control::{
    DeviceParams, ErrorBody, LoadAnswer, PluginParams, RestartAnswer, SwapAnswer, VersionParams,
    code,
};

/// What a version is rolled back for when an operator asks for it.
const BY_OPERATOR: &str = "by the operator";

fn refused(message: impl ToString) -> ErrorBody {
    ErrorBody::new(code::FAILED, message.to_string())
}

fn swap_refused(error: &SwapError) -> ErrorBody {
    let body = refused(error);
    match error {
        SwapError::Load(error) => load_refused(error),
        SwapError::Unknown { .. } => ErrorBody {
            code: "unknown-plugin".to_owned(),
            ..body
        },
        SwapError::Refused { returned, .. } => {
            let left = returned
                .iter()
                .filter_map(|device| Some((&device.device, device.problem.as_ref()?)));
            let left: Vec<String> = left
                .map(|(device, problem)| format!("`{device}`: {problem}"))
                .collect();
            match &left[..] {
                [] => body.help("all devices of the plugin run the version before"),
                left => body.help(format!("look at these devices: {}", left.join("; "))),
            }
        }
        SwapError::NoVersionBefore(plugin) => body.help(format!(
            "`weihe swap {plugin} FILE` runs a version of a file"
        )),
        _ => body,
    }
}

fn load_refused(error: &LoadError) -> ErrorBody {
    match error {
        LoadError::Quarantined { .. } => refused(error)
            .help("when it is to run nevertheless, say so with `--lift`; else build a new version"),
        _ => refused(error),
    }
}

/// Takes a version out of quarantine when the operator wants it; returns whether it was there.
fn lift(system: &System, error: &LoadError, wanted: bool) -> Result<bool, ErrorBody> {
    match error {
        LoadError::Quarantined { sha256, .. } if wanted => {
            tracing::warn!("the operator lifts the quarantine of {sha256}");
            system
                .kernel()
                .lift_quarantine(sha256)
                .map_err(|error| refused(format!("the quarantine cannot be written: {error}")))
        }
        _ => Ok(false),
    }
}

fn absolute(file: &Path) -> Result<(), ErrorBody> {
    if file.is_absolute() {
        return Ok(());
    }
    let message = format!("`{}` is no whole path", file.display());
    Err(ErrorBody::new(code::PARAMS, message).help("the host does not know where the client is"))
}

pub(super) async fn swap(
    system: Arc<System>,
    params: VersionParams,
) -> Result<SwapAnswer, ErrorBody> {
    let VersionParams {
        plugin,
        file,
        lift: lifted,
    } = params;
    absolute(&file)?;
    let plugin = plugin.ok_or_else(|| ErrorBody::new(code::PARAMS, "`swap`: which `plugin`?"))?;
    tracing::info!("the operator swaps plugin {plugin} for {}", file.display());
    let _alone = system.followed.lock().await;
    let mut swapped = system.kernel().swap_plugin(&plugin, &file).await;
    if let Err(SwapError::Load(error)) = &swapped
        && lift(&system, error, lifted)?
    {
        swapped = system.kernel().swap_plugin(&plugin, &file).await;
    }
    if swapped.is_ok() {
        system.keep(&plugin, &file).await;
    }
    answer(plugin, swapped)
}

pub(super) async fn roll_back(
    system: Arc<System>,
    params: PluginParams,
) -> Result<SwapAnswer, ErrorBody> {
    let plugin = params.plugin;
    tracing::info!("the operator rolls plugin {plugin} back");
    let _alone = system.followed.lock().await;
    let returned = system.kernel().rollback_plugin(&plugin, BY_OPERATOR).await;
    answer(plugin, returned)
}

fn answer(
    plugin: String,
    devices: Result<Vec<Swapped>, SwapError>,
) -> Result<SwapAnswer, ErrorBody> {
    match devices {
        Ok(devices) => Ok(SwapAnswer { plugin, devices }),
        Err(error) => {
            tracing::warn!("plugin {plugin}: {error}");
            Err(swap_refused(&error))
        }
    }
}

/// Loads a plugin and starts its devices: those that `weihe.toml` has for it, or the one that it
/// stands for itself.
pub(super) async fn load(
    system: Arc<System>,
    params: VersionParams,
) -> Result<LoadAnswer, ErrorBody> {
    let file = params.file;
    absolute(&file)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = params.plugin.unwrap_or_else(|| stem.into_owned());
    if !is_name(&name) {
        let message = format!("`{name}` is no name for a plugin");
        return Err(ErrorBody::new(code::PARAMS, message)
            .help("lower-case letters, digits, `-` and `_`, a letter first: see `--name`"));
    }
    let _alone = system.followed.lock().await;
    let kernel = system.kernel();
    if kernel
        .status()
        .plugins
        .iter()
        .any(|plugin| plugin.name == name)
    {
        let help = format!("`weihe swap {name} FILE` runs another version");
        return Err(refused(format!("plugin `{name}` is loaded already")).help(help));
    }
    tracing::info!("the operator loads plugin {name} from {}", file.display());
    let mut loaded = kernel.load_plugin(&name, &file).await;
    if let Err(error) = &loaded
        && lift(&system, error, params.lift)?
    {
        loaded = kernel.load_plugin(&name, &file).await;
    }
    let status = loaded.map_err(|error| load_refused(&error))?;
    let config = system.config();
    let config = &*config;
    let of_plugin = |device: &str| {
        let mut devices = config.devices.iter();
        devices.any(|entry| entry.name == device && entry.plugin == name)
    };
    system.forgive(|failed| match failed.part {
        Part::Plugin => failed.name == name,
        Part::Device => failed.name == name || of_plugin(&failed.name),
        Part::Connection | Part::Configuration | Part::Control => false,
    });
    let entry = config.plugin(&name).cloned();
    let entry = entry.unwrap_or_else(|| PluginEntry::dropped(&config.directory, &name));
    let mut notes = Vec::new();
    let specs = match implied(config, &entry, &status) {
        Implied::Device(spec) => vec![*spec],
        Implied::Used => {
            let schema = schema(&status);
            let devices = config.devices.iter().filter(|device| device.plugin == name);
            let fit = devices.filter(|device| {
                schema
                    .as_ref()
                    .is_none_or(|schema| system.fits(device, schema))
            });
            fit.map(|device| spec(config, device)).collect()
        }
        Implied::Idle => {
            notes.push(idle(&name));
            Vec::new()
        }
    };
    let mut devices = Vec::new();
    for spec in specs {
        let device = spec.name.clone();
        match kernel.add_device(spec).await {
            Ok(()) => {
                tracing::info!(device, "started");
                devices.push(device);
            }
            Err(error) => {
                let problem = device_problem(config, &device, &error);
                system.fail(Part::Device, &device, &problem);
            }
        }
    }
    let failed = system.failed();
    let failed = failed
        .iter()
        .filter(|failed| failed.name == name || of_plugin(&failed.name));
    notes.extend(failed.map(|failed| format!("device `{}`: {}", failed.name, failed.message)));
    Ok(LoadAnswer {
        plugin: name,
        devices,
        notes,
    })
}

/// Stops a device in order, if it runs, and starts it again.
pub(super) async fn restart(
    system: Arc<System>,
    params: DeviceParams,
) -> Result<RestartAnswer, ErrorBody> {
    let device = params.device;
    tracing::info!(device, "the operator restarts it");
    let followed = system.followed.lock().await;
    let kernel = system.kernel();
    let tried = followed.in_force.devices.get(&device);
    let wanted = tried.map(|tried| tried.spec.clone());
    // It may run with its entry from before, because it refused the one that it has now.
    let before = kernel.device_spec(&device);
    let before = before.filter(|before| wanted.as_ref().is_some_and(|wanted| before != wanted));
    let done = match wanted {
        Some(wanted) if kernel.device_spec(&device).is_none() => kernel.add_device(wanted).await,
        Some(wanted) if before.is_some() => {
            let why = "the operator restarts it";
            match kernel.replace_device(wanted.clone(), why).await {
                // Gone by itself meanwhile: fine.
                Err(DeviceError::Unknown { .. }) => kernel.add_device(wanted).await,
                done => done,
            }
        }
        // One that is not there is named with the nearest that is.
        _ => kernel.restart_device(&device).await,
    };
    system.forgive(|failed| failed.part == Part::Device && failed.name == device);
    match done {
        Ok(()) => {
            tracing::info!(device, "started");
            Ok(RestartAnswer { device })
        }
        Err(error @ DeviceError::Unknown { .. }) => Err(ErrorBody {
            code: "unknown-device".to_owned(),
            ..refused(error)
        }),
        Err(error) => {
            let mut problem = device_problem(&system.config(), &device, &error);
            if let Some(before) = before
                && kernel.add_device(before).await.is_ok()
            {
                problem = problem.but("it goes on with its entry from before");
            }
            system.fail(Part::Device, &device, &problem);
            let body = refused(&problem);
            Err(match &problem.fault().help {
                Some(help) => body.help(help),
                None => body,
            })
        }
    }
}

/// Stops the devices of a plugin and forgets it, until it is loaded again or the host starts anew.
pub(super) async fn unload(
    system: Arc<System>,
    params: PluginParams,
) -> Result<LoadAnswer, ErrorBody> {
    let plugin = params.plugin;
    tracing::info!("the operator unloads plugin {plugin}");
    let _alone = system.followed.lock().await;
    let stopped = system.kernel().unload_plugin(&plugin).await;
    let devices = stopped.map_err(|error| swap_refused(&error))?;
    let mut notes = Vec::new();
    if system.config().plugin(&plugin).is_some() {
        notes.push(
            "it comes back with another version of its file, or when the host starts anew"
                .to_owned(),
        );
    }
    Ok(LoadAnswer {
        plugin,
        devices,
        notes,
    })
}
