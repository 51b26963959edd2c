//! `weihe run`: the system in a directory, until it is told to stop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;
use weihe_guomi::signed::Mode;
use weihe_kernel::connection::LinkState;

use super::build::build_shown;
use super::{Global, Result, directory, remote};
use crate::component::{Built, Cargo, CargoError, is_c, place};
use crate::config::{Config, PluginEntry, Watching};
use crate::control::{SOCKET, Service, bind, serve};
use crate::develop::Workshop;
use crate::language::{Text, Word as _, say};
use crate::output::{Failure, Outcome, Style};
use crate::record::{RecordLayer, Ring};
use crate::system::{DataDirectory, DoorKeeper, HostService, Scope, StartError, System, Unbuilt};
use crate::watch::Watch;

/// How long the first attempts of connections are awaited before it is said what runs: a port is
/// opened or refused within milliseconds, and a device that does not answer is not waited for.
const FIRST_ATTEMPTS: Duration = Duration::from_millis(500);

/// How often they are looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Run the system in DIR until Ctrl-C or SIGTERM
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe run examples/greenhouse\n  weihe run --log debug --no-build /etc/weihe"
)]
pub(super) struct Run {
    /// The system's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter like info,weihe_link=debug
    #[arg(long, value_name = "LEVEL", env = "WEIHE_LOG", default_value = "info")]
    log: String,
    /// Take the components as they are, and build none from source
    #[arg(long)]
    no_build: bool,
    /// Let doors that speak TLS take only these cipher suites, like TLS_SM4_GCM_SM3
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    cipher_suites: Vec<String>,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let help = match &error {
            StartError::Boot(error) => Some(Text::told(error.help())),
            StartError::Store(_) | StartError::Kernel(_) | StartError::Board(_) => None,
            StartError::Signatures(error) => Some(Text::told(error.help())),
            StartError::Audit(_) => Some(say::run_audit_help()),
        };
        let mut failure = Self::plain(error.to_string());
        failure.help = help;
        failure
    }
}

impl Run {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = directory::find(self.directory.as_deref(), global)?;
        if !self.cipher_suites.is_empty() {
            crate::tls::restrict(self.cipher_suites)
                .map_err(|error| Failure::plain(Text::told(error)))?;
        }
        let building = match self.no_build {
            true => Building::No,
            false => Building::Once,
        };
        start(&directory, &self.log, building)
    }
}

/// What is built from source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Building {
    /// Nothing.
    No,
    /// What is newer than its component, before the system starts.
    Once,
    /// The same, and all that is saved while it runs.
    Always,
}

/// Starts the system in a directory, and runs it until it is told to stop.
pub(super) fn start(directory: &Path, log: &str, building: Building) -> Result {
    let config = Config::load(directory)?;
    let filter = EnvFilter::try_new(log).map_err(|error| {
        Failure::usage(
            say::run_bad_log(log, Text::told(error)),
            say::run_bad_log_help(),
        )
    })?;
    let ring = Ring::new();
    log_to(&ring, filter);
    if let Some(note) = config.unwritten() {
        tracing::info!("{note}");
    }
    let data = DataDirectory::take(&config.host.data).map_err(StartError::from)?;
    // Before anything is built, so that what is saved meanwhile is built again.
    let mut workshop = match building {
        Building::Always => Some(Workshop::open(
            // Without it C can be built.
            Cargo::find_or_name(),
            &config,
        )),
        Building::No | Building::Once => None,
    };
    // Before anything is started that would have to be stopped: Ctrl-C just ends a build.
    let unbuilt = match building {
        Building::No => BTreeMap::new(),
        Building::Once | Building::Always => build_all(&config, &mut |plugin, built| {
            if let Some(workshop) = &mut workshop {
                workshop.note(plugin, built);
            }
        }),
    };
    let system = System::start(config, data)?;
    remote::converse(live(system, ring, directory, unbuilt, workshop))
}

/// Logs to standard error for people, and to the ring for `weihe logs`.
fn log_to(ring: &Arc<Ring>, filter: EnvFilter) {
    let printed = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(Style::stderr().colour())
        .with_target(false);
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(printed)
        .with(RecordLayer::new(Arc::clone(ring)));
    // Fails when one is set already, which then logs.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Builds every plugin that names a source. What fails is returned with its reason; a component
/// that is there already is taken instead.
fn build_all(config: &Config, done: &mut impl FnMut(&str, &Built)) -> BTreeMap<String, Unbuilt> {
    let cargo = Cargo::find();
    let mut failed = BTreeMap::new();
    for plugin in &config.plugins {
        let Some(source) = &plugin.source else {
            continue;
        };
        // What is built is not signed: it would only take the place of what may run.
        if config.signatures.mode == Mode::Require && plugin.file.is_file() {
            tracing::info!(
                "plugin {} runs as {}: its source is not built, as signatures are required (`weihe build` and `weihe sign` renew it)",
                plugin.name,
                plugin.file.display()
            );
            continue;
        }
        let built = match &cargo {
            Ok(cargo) => build(cargo, source, plugin).map(|built| done(&plugin.name, &built)),
            Err(_) if is_c(source) => {
                let named = Cargo::find_or_name();
                build(&named, source, plugin).map(|built| done(&plugin.name, &built))
            }
            Err(CargoError::Missing) if plugin.file.is_file() => {
                tracing::info!(
                    "there is no cargo here: plugin {} runs as {}",
                    plugin.name,
                    plugin.file.display()
                );
                Ok(())
            }
            Err(error) => Err(Failure::new(error.to_string(), error.help())),
        };
        match built {
            Ok(()) => {}
            Err(failure) if plugin.file.is_file() => tracing::warn!(
                "plugin {} runs as {}, because its source cannot be built: {}",
                plugin.name,
                plugin.file.display(),
                failure.message.english()
            ),
            Err(Failure { message, help, .. }) => {
                // The host keeps it for whoever asks, in any language.
                let (message, help) = (message.english(), help.map(|help| help.english()));
                failed.insert(plugin.name.clone(), Unbuilt { message, help });
            }
        }
    }
    failed
}

fn build(
    cargo: &Cargo,
    source: &Path,
    plugin: &PluginEntry,
) -> std::result::Result<Built, Failure> {
    let built = build_shown(cargo, source, &plugin.name, false)?;
    place(&built.artifact, &plugin.file)?;
    Ok(built)
}

/// The life of a system, from its first connection to its last word.
async fn live(
    system: Arc<System>,
    ring: Arc<Ring>,
    directory: &Path,
    unbuilt: BTreeMap<String, Unbuilt>,
    workshop: Option<Workshop>,
) -> Result {
    let no_signal = |error: std::io::Error| Failure::plain(say::run_no_signals(Text::told(error)));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
    let hangup = signal(SignalKind::hangup()).map_err(no_signal)?;
    // Before it is populated, so that nothing that changes meanwhile is missed.
    let config = system.config();
    system.power_on_board();
    let watch = match config.host.watch {
        // Where plugins are developed, their components are followed whatever the system says.
        Watching::Off if workshop.is_some() => Watch::start_as(Watching::Auto, &config),
        _ => Watch::start(&config),
    };
    let data = system.data().path().to_path_buf();
    let listener = bind(&data).await?;
    let service: Arc<dyn Service> = Arc::new(HostService::new(Arc::clone(&system), ring));
    let server = serve(listener, Arc::clone(&service));
    let door = DoorKeeper::start(Arc::clone(&system), service);

    let life = async {
        system.populate(unbuilt).await;
        // The banner says how it stands when the time is over.
        let _ = tokio::time::timeout(FIRST_ATTEMPTS, first_attempts(&system)).await;
        eprint!("{}", banner(&system, directory));
        let develop = async {
            match workshop {
                Some(workshop) => workshop.work(&system).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(follow(&system, watch, hangup), develop);
    };
    let reason = tokio::select! {
        () = life => "",
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "Ctrl-C",
    };
    tracing::info!("{reason}: stopping; once more stops at once");
    let stop = async {
        tokio::join!(server.stop(), door.stop());
        system.stop().await;
    };
    tokio::select! {
        () = stop => {}
        _ = terminate.recv() => at_once(),
        _ = interrupt.recv() => at_once(),
    }
    // The next host replaces it anyway.
    let _ = std::fs::remove_file(data.join(SOCKET));
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

/// Follows what becomes of `weihe.toml` and the components; SIGHUP makes it look at all of them.
async fn follow(system: &Arc<System>, mut watch: Option<Watch>, mut hangup: Signal) {
    // It may have changed since it was read, while plugins were built.
    let mut scope = Scope {
        configuration: watch.is_some(),
        ..Scope::default()
    };
    loop {
        // What is wrong with it is in the log, and `ps` shows it.
        let _ = system.reconcile(&scope).await;
        if let Some(watch) = &mut watch {
            watch.follow(&system.config());
        }
        scope = tokio::select! {
            scope = changed(&mut watch) => scope,
            _ = hangup.recv() => Scope::all(),
            // Its file is one that is refused now.
            () = system.kernel().returned() => Scope::default(),
        };
    }
}

async fn changed(watch: &mut Option<Watch>) -> Scope {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Ends the process without further ado: what is committed is on the disk.
fn at_once() {
    tracing::warn!("stopped at once");
    std::process::exit(130);
}

/// Waits until every connection has been opened or refused once.
async fn first_attempts(system: &System) {
    let undecided = || {
        let connections = system.kernel().status().connections;
        connections
            .iter()
            .any(|connection| connection.state != LinkState::Up && connection.reason.is_empty())
    };
    while undecided() {
        tokio::time::sleep(LOOK).await;
    }
}

/// A line for each connection that is not up.
fn not_up<'a>(connections: impl IntoIterator<Item = (&'a str, LinkState, &'a str)>) -> String {
    connections
        .into_iter()
        .filter(|(_, state, _)| *state != LinkState::Up)
        .map(|(name, state, reason)| match reason {
            "" => format!("  {}\n", say::run_not_up(name, state.word())),
            reason => {
                let line = say::run_not_up_why(name, state.word(), Text::told(reason));
                format!("  {line}\n")
            }
        })
        .collect()
}

/// What runs, and what to type in another terminal.
fn banner(system: &System, directory: &Path) -> String {
    let style = Style::stderr();
    let status = system.kernel().status();
    let failed = system.failed();
    let runs = say::run_banner(
        style.bold(&system.config().host.name),
        match status.devices.len() {
            1 => say::run_device(),
            count => say::run_devices(count),
        },
        match status.connections.len() {
            1 => say::run_connection(),
            count => say::run_connections(count),
        },
        match status.plugins.len() {
            1 => say::run_plugin(),
            count => say::run_plugins(count),
        },
    );
    let mut text = runs.to_string();
    match failed.len() {
        0 => {}
        1 => text.push_str(&style.bad(say::run_part_failed())),
        count => text.push_str(&style.bad(say::run_parts_failed(count))),
    }
    text.push('\n');
    let links = status.connections.iter();
    let links = not_up(links.map(|link| (link.connection.as_str(), link.state, &*link.reason)));
    if !links.is_empty() {
        text.push_str(&style.warn(links));
    }
    text.push_str(&format!("  {}\n", say::run_elsewhere()));
    let shown = match directory.to_string_lossy() {
        here if here == "." => String::new(),
        there => format!(" -C {there}"),
    };
    for (command, what) in [
        ("ps", say::run_type_ps()),
        ("top", say::run_type_top()),
        ("events", say::run_type_events()),
        ("get '#'", say::run_type_get()),
        ("logs --follow", say::run_type_logs()),
    ] {
        let command = format!("weihe{shown} {command}");
        text.push_str(&format!("    {command:<44} {}\n", style.dim(what)));
    }
    text.push_str(&format!("  {}\n", say::run_stop()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_not_up_are_named_with_the_reason() {
        let text = not_up([
            ("field", LinkState::Up, ""),
            ("door", LinkState::Down, "127.0.0.1:502 is in use"),
            ("far", LinkState::Connecting, ""),
        ]);
        assert_eq!(
            text,
            "  connection door is down: 127.0.0.1:502 is in use\n  connection far is connecting\n"
        );
    }
}
