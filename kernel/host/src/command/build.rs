//! `weihe build`: a plugin's source, a crate or C, to a component.

mod needs;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use needs::{Needs, device_name};

use super::inspect::{describe, summary};
use super::{Global, Result};
use crate::component::{
    Adapter, BuildError, Built, Cargo, ComponentiseError, Layout, build_crate, componentise, is_c,
    is_core_module, place, place_bytes,
};
use crate::config::{Config, FILE};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Progress, Style, print, print_json};

/// Build a plugin's crate to a component, or all plugins that a weihe.toml names as source
///
/// Said are size, hooks and imports, and the device that a weihe.toml needs for it.
///
/// A core module that another compiler has made (C, with the bindings of its world linked in)
/// becomes a component, too: name the file.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe build plugins/modbus -o system/plugins/modbus.wasm\n  weihe build examples/greenhouse     (every plugin with a `source` in its weihe.toml)\n  weihe build counter.wasm -o plugins/           (a core module, to a component)"
)]
pub(super) struct Build {
    /// A crate's directory, a system's, or a core module [default: the current directory]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Where the component goes: a file that ends in .wasm, or a folder [default: where the weihe.toml beside it
    /// takes it from, else the target directory]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// An adapter for what a core module imports: a file NAME.wasm, or NAME=FILE (that of WASI preview 1 is there)
    #[arg(long, value_name = "FILE")]
    adapt: Vec<String>,
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(error.to_string(), error.help())
    }
}

impl From<ComponentiseError> for Failure {
    fn from(error: ComponentiseError) -> Self {
        Self::new(error.to_string(), error.help())
    }
}

impl Build {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = self
            .directory
            .clone()
            .or_else(|| global.directory.clone())
            .unwrap_or_else(|| PathBuf::from("."));
        if directory.is_file() && directory.extension().is_some_and(|kind| kind == "wasm") {
            return self.module(&directory, global);
        }
        if !self.adapt.is_empty() {
            return Err(Failure::usage(
                say::build_no_module(directory.display()),
                say::build_no_module_help(),
            ));
        }
        // Without it C can be built.
        let cargo = Cargo::find_or_name();
        let is_plugin = directory.join("Cargo.toml").is_file() || is_c(&directory);
        if is_plugin || !directory.join(FILE).is_file() {
            let built = build_shown(&cargo, &directory, &name_of(&directory), global.json)?;
            let place = match &self.output {
                None => place_in_system(&directory),
                Some(_) => None,
            };
            let (destination, is_used) =
                place.unwrap_or_else(|| (destination(self.output.as_deref(), &built), false));
            put(&built, &destination, !is_used, global.json)?;
            return Ok(Outcome::Done);
        }
        if self.output.is_some() {
            return Err(Failure::usage(
                say::build_system(directory.display(), FILE),
                say::build_system_help(),
            ));
        }
        let config = Config::load(&directory)?;
        let mut outcome = Outcome::Done;
        for plugin in &config.plugins {
            let Some(source) = &plugin.source else {
                continue;
            };
            let result = build_shown(&cargo, source, &plugin.name, global.json).and_then(|built| {
                // What is there need not be written.
                put(
                    &built,
                    &plugin.file,
                    !is_used(&config, &plugin.name),
                    global.json,
                )
            });
            if let Err(failure) = result {
                // The others are still built.
                eprint!("{}", failure.render(Style::stderr()));
                outcome = Outcome::Failed;
            }
        }
        Ok(outcome)
    }

    /// A core module to a component.
    fn module(&self, module: &Path, global: &Global) -> Result {
        let Some(output) = &self.output else {
            return Err(Failure::usage(
                say::build_module_where(module.display()),
                say::build_module_where_help(),
            ));
        };
        let adapters = self.adapt.iter().map(|named| Adapter::read(named));
        let adapters: Vec<_> = adapters.collect::<std::result::Result<_, _>>()?;
        let mut bytes = std::fs::read(module).map_err(|source| ComponentiseError::Read {
            path: module.to_path_buf(),
            source,
        })?;
        if is_core_module(&bytes) {
            bytes = componentise(module, &bytes, &adapters)?;
        }
        let layout = Layout::of(module, &bytes)?;
        let name = module.file_stem().unwrap_or_default().to_string_lossy();
        let destination = within(output, &name);
        place_bytes(&bytes, &destination)?;
        show(&name, &layout, &destination, true, global.json);
        Ok(Outcome::Done)
    }
}

/// What a directory is called on its way to a component.
fn name_of(directory: &Path) -> String {
    let whole = directory.canonicalize();
    let name = whole.as_deref().unwrap_or(directory).file_name();
    name.map_or_else(
        || directory.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Where the system takes a plugin from whose source it lies in, as in a new crate, and whether a device of it runs
/// the plugin.
fn place_in_system(directory: &Path) -> Option<(PathBuf, bool)> {
    if !directory.join(FILE).is_file() {
        return None;
    }
    // What is wrong with a system beside it keeps no plugin from being built.
    let config = Config::load(directory).ok()?;
    let whole = directory.canonicalize().ok()?;
    let is_source = |source: &PathBuf| source.canonicalize().is_ok_and(|source| source == whole);
    let mut plugins = config.plugins.iter();
    let plugin = plugins.find(|plugin| plugin.source.as_ref().is_some_and(is_source))?;
    Some((plugin.file.clone(), is_used(&config, &plugin.name)))
}

fn is_used(config: &Config, plugin: &str) -> bool {
    let mut devices = config.devices.iter();
    devices.any(|device| device.plugin == plugin)
}

/// Builds with progress on standard error.
pub(super) fn build_shown(
    cargo: &Cargo,
    directory: &Path,
    name: &str,
    quiet: bool,
) -> std::result::Result<Built, Failure> {
    let progress = Progress::start(say::build_building(name), quiet);
    match build_crate(cargo, directory, |line| progress.say(line)) {
        Ok(built) => {
            progress.done(match built.fresh {
                true => say::build_fresh(),
                false => say::build_built(),
            });
            Ok(built)
        }
        Err(error) => {
            progress.fail();
            Err(error.into())
        }
    }
}

fn destination(output: Option<&Path>, built: &Built) -> PathBuf {
    match output {
        Some(path) => within(path, &built.name),
        None => built
            .artifact
            .with_file_name(format!("{}.wasm", built.name)),
    }
}

/// Where the component of a name goes: to a file that ends as components do, else into a folder.
fn within(output: &Path, name: &str) -> PathBuf {
    let is_file = output.extension().is_some_and(|kind| kind == "wasm") && !output.is_dir();
    if is_file {
        return output.to_path_buf();
    }
    output.join(format!("{name}.wasm"))
}

fn put(
    built: &Built,
    destination: &Path,
    paste: bool,
    json: bool,
) -> std::result::Result<(), Failure> {
    place(&built.artifact, destination)?;
    show(&built.name, &built.layout, destination, paste, json);
    Ok(())
}

/// What was built, and what it needs: a host that runs nothing is asked, so that what a host would
/// refuse is said now. With `paste`, people get the device that a weihe.toml needs for it.
fn show(name: &str, layout: &Layout, destination: &Path, paste: bool, json: bool) {
    // A moment: worth a line only where it goes away again.
    let quiet = json || !std::io::stderr().is_terminal();
    let progress = Progress::start(say::build_looking(name), quiet);
    let described = describe(destination);
    progress.fail();
    if json {
        let mut value = serde_json::to_value(layout).unwrap_or_default();
        value["name"] = name.into();
        value["file"] = destination.to_string_lossy().into();
        match described {
            Ok(about) => {
                value["needs"] = Needs::of(&device_name(name), layout, &about).to_json();
            }
            Err(reason) => value["refused"] = reason.into(),
        }
        print_json(&value);
        return;
    }
    let style = Style::stdout();
    let mut text = format!("{}\n{}", destination.display(), summary(layout));
    match described {
        Ok(about) if paste => {
            let needs = Needs::of(&device_name(name), layout, &about).toml();
            let note = style.dim(say::build_paste());
            text.push_str(&format!("\n{note}\n{needs}"));
        }
        Ok(_) => {}
        Err(reason) => {
            let refused = style.bad(say::build_refused());
            text.push_str(&format!("  {refused}  {}\n", Text::told(reason)));
        }
    }
    print(&text);
}
