//! What leaves the key store: public keys, requests, and keys that were made to be taken out.

use std::sync::Arc;

use clap::Args;
use serde_json::json;
use weihe_guomi::keys::{Key, KeyError, Secret};
use weihe_kernel::event::hex;
use weihe_sm::certificate::Host;
use weihe_sm::keys::Prf;
use weihe_sm::request::Request;
use weihe_sm::sm2::{PublicKey, Signature, Signer};
use zeroize::Zeroizing;

use super::asked::{self, Opened};
use super::{Into, Which, failed, of_sm};
use crate::command::{Global, Result};
use crate::language::say;
use crate::output::{Failure, Outcome, print, print_json};
use crate::private::Written;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The key, or one version of it: `meter@1`
    #[arg(value_name = "NAME")]
    which: Which,
    /// Only the public key
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    into: Into,
}

#[derive(Debug, Args)]
pub(super) struct Csr {
    /// The key
    #[arg(value_name = "NAME")]
    which: Which,
    /// Whom the certificate is to be for: CN=gateway,O=Plant
    #[arg(long, value_name = "SUBJECT")]
    subject: String,
    /// A host name that it is to be for
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// An address that it is to be for
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<std::net::IpAddr>,
    #[command(flatten)]
    into: Into,
}

impl Export {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let Which { name, version } = self.which;
        let key = opened.store.open(&name, version).map_err(failed)?;
        let text = match self.public {
            true => {
                let Some(public) = key.about().public_key else {
                    return Err(Failure::plain(say::key_no_public(
                        &name,
                        key.about().algorithm.name(),
                    )));
                };
                Zeroizing::new(public.to_pem().map_err(of_sm)?)
            }
            false => match key.export().map_err(failed)? {
                Secret::Sm2(key) => {
                    let words = asked::for_file()?;
                    Zeroizing::new(
                        key.to_encrypted_pem(Prf::default(), words.as_bytes())
                            .map_err(of_sm)?,
                    )
                }
                Secret::Sm4(key) => Zeroizing::new(hex(key.as_bytes()) + "\n"),
                Secret::HmacSm3(key) => Zeroizing::new(hex(&key) + "\n"),
            },
        };
        // Nothing leaves without a trace.
        opened.written_down()?;
        let form = match self.public {
            true => "public_key",
            false => "private_key",
        };
        put(&self.into, form, &text, global)
    }
}

/// A key of the store as what signs requests.
pub(in crate::command) struct Signs(
    pub(in crate::command) Arc<dyn Key>,
    pub(in crate::command) PublicKey,
);

impl Signer for Signs {
    fn public_key(&self) -> PublicKey {
        self.1
    }

    fn sign(&self, id: &[u8], message: &[u8]) -> std::result::Result<Signature, weihe_sm::Error> {
        let digest = self.1.digest(id, message)?;
        self.0.sign_digest(&digest).map_err(|error| match error {
            KeyError::Crypto(error) => error,
            // Uses were checked before; what a device says now has no other place.
            other => weihe_sm::Error::Random(other.to_string()),
        })
    }
}

impl Csr {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let Which { name, version } = self.which;
        let key = opened.store.open(&name, version).map_err(failed)?;
        key.about()
            .allow(weihe_guomi::keys::Use::Sign)
            .map_err(failed)?;
        let Some(public) = key.about().public_key else {
            return Err(Failure::plain(say::key_no_public(
                &name,
                key.about().algorithm.name(),
            )));
        };
        let names = self.dns.iter().map(|name| name.parse::<Host>());
        let addresses = self.ip.iter().map(|address| Ok(Host::Ip(*address)));
        let hosts: std::result::Result<Vec<_>, _> = names.chain(addresses).collect();
        let signer = Signs(key, public);
        let request =
            Request::new(&signer, &self.subject, &hosts.map_err(of_sm)?).map_err(of_sm)?;
        put(
            &self.into,
            "request",
            &request.to_pem().map_err(of_sm)?,
            global,
        )
    }
}

/// Writes a text to a file that nobody else can read, or prints it.
fn put(into: &Into, form: &str, text: &str, global: &Global) -> Result {
    match &into.output {
        None if global.json => print_json(&json!({ form: text })),
        None => print(text),
        Some(file) => {
            // What is there already may be readable by others, or a key that is still needed.
            let written = Written::new(file, text.as_bytes(), 0o600);
            written.and_then(Written::name_it).map_err(|source| {
                failed(KeyError::File {
                    what: "cannot write",
                    path: file.clone(),
                    source,
                })
            })?;
            match global.json {
                true => print_json(&json!({ "file": file })),
                false => print(&format!("{}\n", say::key_written(file.display()))),
            }
        }
    }
    Ok(Outcome::Done)
}
