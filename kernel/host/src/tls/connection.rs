//! TLS of connections: `[connection.NAME.tls]`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::{ClientConfig, ServerConfig};
use weihe_link::{ClientTls, ServerTls, Tls, TlsFault};

use super::{Client, Server, Suites, TlsError};
use crate::config::nearest;

/// TLS for connections whose files are named relative to a directory.
#[derive(Debug, Clone)]
pub struct OfConnections {
    directory: PathBuf,
}

impl OfConnections {
    /// For the connections of a system.
    pub fn within(directory: &Path) -> Arc<dyn Tls> {
        Arc::new(Self {
            directory: directory.to_path_buf(),
        })
    }
}

/// The keys of a client.
const CLIENT: [&str; 6] = [
    "suites",
    "cipher-suites",
    "trust",
    "certificate",
    "key",
    "server-name",
];

/// The keys of a server.
const SERVER: [&str; 6] = [
    "suites",
    "cipher-suites",
    "trust",
    "certificate",
    "key",
    "client-auth",
];

/// One table, read key by key.
struct Keys<'t> {
    directory: &'t Path,
    table: &'t toml::Table,
}

fn fault(message: impl Into<String>, help: impl Into<String>) -> TlsFault {
    TlsFault {
        message: message.into(),
        help: Some(help.into()),
    }
}

impl Keys<'_> {
    fn only(&self, known: &[&str]) -> Result<(), TlsFault> {
        for key in self.table.keys() {
            if !known.contains(&key.as_str()) {
                let help = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys: {}", known.join(", ")),
                };
                return Err(fault(format!("has no key `{key}`"), help));
            }
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Result<Option<String>, TlsFault> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(fault(
                format!("has `{key}`, which is no text"),
                "write it in quotes",
            )),
        }
    }

    fn file(&self, key: &str) -> Result<Option<PathBuf>, TlsFault> {
        Ok(self.text(key)?.map(|name| self.directory.join(name)))
    }

    fn needed(&self, key: &str, example: &str) -> Result<PathBuf, TlsFault> {
        self.file(key)?.ok_or_else(|| {
            fault(
                format!("has no `{key}`"),
                format!("add {key} = \"{example}\""),
            )
        })
    }

    fn suites(&self) -> Result<(Suites, Vec<String>), TlsFault> {
        let suites: Suites = match self.text("suites")? {
            None => Suites::default(),
            Some(text) => text.parse().map_err(|_| {
                fault(
                    format!("has the unknown `suites` \"{text}\""),
                    "take \"guomi\" or \"standard\"",
                )
            })?,
        };
        let listed = match self.table.get("cipher-suites") {
            None => Some(Vec::new()),
            Some(toml::Value::Array(list)) => {
                let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect()
            }
            Some(_) => None,
        };
        let listed: Vec<String> = listed.ok_or_else(|| {
            fault(
                "has `cipher-suites`, which is no list of texts",
                "write it like [\"TLS_SM4_GCM_SM3\"]",
            )
        })?;
        for name in &listed {
            suites.knows(name).map_err(|error| TlsFault {
                message: format!("is refused: {error}"),
                help: None,
            })?;
        }
        Ok((suites, listed))
    }
}

impl Tls for OfConnections {
    fn client(&self, table: &toml::Table) -> Result<Arc<dyn ClientTls>, TlsFault> {
        let keys = Keys {
            directory: &self.directory,
            table,
        };
        keys.only(&CLIENT)?;
        let (suites, cipher_suites) = keys.suites()?;
        let identity = match (keys.file("certificate")?, keys.file("key")?) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(fault(
                    "has a `certificate` and no `key`",
                    "name its key, too",
                ));
            }
            (None, Some(_)) => {
                return Err(fault(
                    "has a `key` and no `certificate`",
                    "name its certificate, too",
                ));
            }
        };
        let client = Client {
            suites,
            cipher_suites,
            trust: keys.needed("trust", "tls/ca.pem")?,
            identity,
        };
        let files = client.identity.iter().flat_map(|(one, two)| [one, two]);
        let files = files.chain([&client.trust]).cloned().collect();
        Ok(Arc::new(Dials {
            server_name: keys.text("server-name")?,
            read: Fresh::new(files),
            client,
        }))
    }

    fn server(&self, table: &toml::Table) -> Result<Arc<dyn ServerTls>, TlsFault> {
        let keys = Keys {
            directory: &self.directory,
            table,
        };
        keys.only(&SERVER)?;
        let (suites, cipher_suites) = keys.suites()?;
        let clients = keys.file("trust")?;
        let wanted = keys.text("client-auth")?;
        let anonymous = match (wanted.as_deref(), &clients) {
            (Some("required") | None, Some(_)) => false,
            (Some("optional"), Some(_)) => true,
            (Some("none") | None, None) => false,
            (Some("none"), Some(_)) => {
                return Err(fault(
                    "has `trust`, and `client-auth` says that no client is asked",
                    "leave one of them out",
                ));
            }
            (Some("required" | "optional"), None) => {
                return Err(fault(
                    "asks clients for certificates, and has no `trust`",
                    "name the authorities that they come from",
                ));
            }
            (Some(other), _) => {
                return Err(fault(
                    format!("has the unknown `client-auth` \"{other}\""),
                    "take \"required\", \"optional\" or \"none\"",
                ));
            }
        };
        let server = Server {
            suites,
            cipher_suites,
            clients,
            anonymous,
            identity: (
                keys.needed("certificate", "tls/gateway.pem")?,
                keys.needed("key", "tls/gateway.key")?,
            ),
        };
        let (certificate, key) = &server.identity;
        let files = server.clients.iter().chain([certificate, key]).cloned();
        Ok(Arc::new(Door {
            read: Fresh::new(files.collect()),
            server,
        }))
    }
}

/// What was read from files, for as long as they are as they were. A renewed certificate counts from the next
/// connection on; while files are unsound, what was read before goes on.
struct Fresh<T> {
    files: Vec<PathBuf>,
    read: Mutex<Option<(Vec<Mark>, Arc<T>)>>,
}

/// What shows that a file is another one.
type Mark = Option<(SystemTime, u64)>;

impl<T> Fresh<T> {
    fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            read: Mutex::default(),
        }
    }

    fn get(&self, read: impl FnOnce() -> Result<Arc<T>, TlsError>) -> Result<Arc<T>, String> {
        let mark = |file: &PathBuf| -> Mark {
            let about = std::fs::metadata(file).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        let marks: Vec<Mark> = self.files.iter().map(mark).collect();
        let mut kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = kept.as_ref().filter(|(seen, _)| *seen == marks) {
            return Ok(Arc::clone(config));
        }
        match (read(), kept.as_ref()) {
            (Ok(config), _) => {
                *kept = Some((marks, Arc::clone(&config)));
                Ok(config)
            }
            (Err(error), Some((_, before))) => {
                tracing::warn!("what was read before goes on: {error}");
                Ok(Arc::clone(before))
            }
            (Err(error), None) => Err(error.to_string()),
        }
    }
}

struct Dials {
    client: Client,
    server_name: Option<String>,
    read: Fresh<ClientConfig>,
}

impl ClientTls for Dials {
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.read.get(|| self.client.read())
    }

    fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    fn reason(&self, error: &io::Error) -> String {
        super::reason(error)
    }
}

struct Door {
    server: Server,
    read: Fresh<ServerConfig>,
}

impl ServerTls for Door {
    fn config(&self) -> Result<Arc<ServerConfig>, String> {
        self.read.get(|| self.server.read())
    }

    fn reason(&self, error: &io::Error) -> String {
        super::reason(error)
    }
}
