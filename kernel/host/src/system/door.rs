//! The control door follows `[control]` and its files: it opens, opens anew and closes with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::start::{Part, System};
use crate::config::{Config, ControlEntry, Problem};
use crate::control::{Door, DoorError, Server, Service};
use crate::tls::TlsError;

/// How long a change may take to be answered by the door that it closes.
const LAST_ANSWER: Duration = Duration::from_millis(300);

/// The pause before an address that is in use is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// The name under which the door is shown where it is not open.
const NAME: &str = "door";

/// Looks after the door until [`DoorKeeper::stop`].
pub struct DoorKeeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl DoorKeeper {
    /// Opens the door where there is one, and follows the configuration.
    pub fn start(system: Arc<System>, service: Arc<dyn Service>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(keep(system, service, stopped));
        Self { stop, task }
    }

    /// Closes the door.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // Only fails when the task was cancelled with its runtime.
        let _ = self.task.await;
    }
}

/// What a door was opened with: the table, and what was in its files.
type Made = (ControlEntry, Vec<[u8; 32]>);

fn made(entry: &ControlEntry) -> Made {
    let (certificate, key) = &entry.tls.identity;
    let files: Vec<&PathBuf> = entry.tls.clients.iter().chain([certificate, key]).collect();
    let digest = |file: &&PathBuf| Sha256::digest(std::fs::read(file).unwrap_or_default()).into();
    (entry.clone(), files.iter().map(digest).collect())
}

async fn keep(system: Arc<System>, service: Arc<dyn Service>, mut stopped: watch::Receiver<bool>) {
    let mut changes = system.changes();
    let mut open: Option<(Made, Server)> = None;
    loop {
        changes.mark_unchanged();
        let config = system.config();
        let wanted = config.control.as_ref().map(made);
        let mut again = None;
        if wanted.as_ref() != open.as_ref().map(|(made, _)| made) {
            // Files that have become bad leave the door as it was; another table never does.
            let same = |server: &(Made, Server)| {
                wanted.as_ref().is_some_and(|wanted| wanted.0 == server.0.0)
            };
            let is_sound = wanted.as_ref().map(|wanted| wanted.0.tls.read());
            match (&open, is_sound) {
                (Some(server), Some(Err(error))) if same(server) => {
                    fail(&system, &config, &DoorError::Tls(error));
                }
                _ => {
                    if let Some((_, server)) = open.take() {
                        // Whoever asked for the change gets its answer.
                        tokio::time::sleep(LAST_ANSWER).await;
                        server.stop().await;
                        tracing::info!("the control door is closed");
                    }
                    system.forgive(|failed| failed.part == Part::Control);
                    if let Some(made) = wanted {
                        match Door::bind(&made.0).await {
                            Ok(door) => {
                                tracing::info!(
                                    "operators can connect to {} ({})",
                                    door.local(),
                                    made.0.tls.suites.as_str()
                                );
                                open = Some((made, door.serve(Arc::clone(&service))));
                            }
                            Err(error) => {
                                if matches!(error, DoorError::Listen { .. }) {
                                    again = Some(AGAIN);
                                }
                                fail(&system, &config, &error);
                            }
                        }
                    }
                }
            }
        } else {
            system.forgive(|failed| failed.part == Part::Control);
        }
        let pause = async {
            match again {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            changed = changes.changed() => if changed.is_err() { break },
            () = pause => {}
        }
    }
    if let Some((_, server)) = open {
        server.stop().await;
    }
}

/// What is wrong with the files of `[control]`, where a host would not open its door with them.
pub(crate) fn unsound(config: &Config) -> Option<Problem> {
    let entry = config.control.as_ref()?;
    let error = entry.tls.read().err()?;
    Some(problem(config, &DoorError::Tls(error)))
}

/// Why the door is not open, at the key that is to blame.
fn problem(config: &Config, error: &DoorError) -> Problem {
    let entry = config.control.as_ref();
    let key = match error {
        DoorError::Listen { .. } => "listen",
        DoorError::Tls(TlsError::Suite { .. } | TlsError::Restricted) => "cipher-suites",
        DoorError::Tls(
            TlsError::Read { path, .. }
            | TlsError::Content { path, .. }
            | TlsError::Open { path, .. },
        ) => match entry.map(|entry| &entry.tls) {
            Some(tls) if tls.clients.as_ref() == Some(path) => "trust",
            Some(tls) if tls.identity.1 == *path => "key",
            _ => "certificate",
        },
        DoorError::Tls(TlsError::Setup(_)) => "certificate",
    };
    let help = match error {
        DoorError::Listen { .. } => "`ss -ltnp` shows who listens there; it is tried again",
        DoorError::Tls(_) => "`weihe tls` makes certificates; `weihe reload` looks at them again",
    };
    let message = format!("the control door cannot be opened: {error}");
    config.problem_at(&format!("control.{key}"), message, Some(help.to_owned()))
}

fn fail(system: &System, config: &Config, error: &DoorError) {
    let problem = problem(config, error);
    let known = system.failed();
    system.forgive(|failed| failed.part == Part::Control);
    system.fail_again(Part::Control, NAME, &problem, &known);
}
