//! `weihe tls`: an authority of one's own, and the certificates of hosts and operators.

mod made;
mod signer;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use weihe_sm::certificate::{Certificate, Host, Order, Profile, issue, self_signed};
use weihe_sm::sm2::PrivateKey;

use super::{Global, Result};
use made::{Files, of_sm};

/// Make an authority, and certificates: those that hosts and operators show in TLS, and of who signs plugins
#[derive(Debug, Args)]
#[command(
    after_help = "Keys are SM2, and written to files that only you can read. For standard TLS, make certificates with OpenSSL:\ndocs/tls.md says how.\n\nExamples:\n  weihe tls ca --name plant\n  weihe tls server gateway --host gateway.plant --host 192.168.1.2\n  weihe tls client panel\n  weihe tls signer release --request release.csr\n  weihe --connect gateway.plant:7443 --client-certificate panel.pem --client-key panel.key --server-ca ca.pem ps"
)]
pub(super) struct Tls {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an authority: ca.pem to hand out, ca.key to lock away
    Ca(Ca),
    /// Make the certificate of a host, for its control door and its connections
    Server(Server),
    /// Make the certificate of an operator, or of a host that connects to others
    Client(Client),
    /// Make the certificate of who signs plugins, for `weihe sign`
    Signer(signer::Signer),
}

/// Where files are, and how long what is in them is valid.
#[derive(Debug, Args)]
struct Common {
    /// The folder of the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct Ca {
    /// Its name, which stands in all its certificates
    #[arg(long, value_name = "NAME", default_value = "weihe")]
    name: String,
    /// How many days it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Server {
    /// Its name: NAME.pem and NAME.key are made
    #[arg(value_name = "NAME")]
    name: String,
    /// A name or address that it is reached by; may be given again
    #[arg(id = "hosts", long = "host", value_name = "HOST", required = true)]
    hosts: Vec<Host>,
    /// How many days it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 397, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Client {
    /// Its name, by which [control.roles] knows it: NAME.pem and NAME.key are made
    #[arg(value_name = "NAME")]
    name: String,
    /// How many days it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 397, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    #[command(flatten)]
    common: Common,
}

impl Tls {
    pub(super) fn run(self, global: &Global) -> Result {
        match self.what {
            What::Ca(ca) => {
                let files = Files::new(&ca.common, "ca")?;
                let key = PrivateKey::generate().map_err(of_sm)?;
                let profile = Profile::Authority {
                    path_length: Some(0),
                };
                let order = order(&ca.name, profile, Vec::new(), ca.days);
                let certificate = self_signed(&key, &order).map_err(of_sm)?;
                files.write(&certificate, &key, global)
            }
            What::Server(server) => {
                let profile = Profile::Peer;
                let order = order(&server.name, profile, server.hosts, server.days);
                issued(&server.common, &server.name, order, global)
            }
            What::Client(client) => {
                let order = order(&client.name, Profile::Client, Vec::new(), client.days);
                issued(&client.common, &client.name, order, global)
            }
            What::Signer(signer) => signer.run(global),
        }
    }
}

/// What is to stand in a certificate.
fn order(name: &str, profile: Profile, hosts: Vec<Host>, days: u32) -> Order {
    // Clocks differ: those of boards that have just started most of all.
    let now = SystemTime::now();
    let not_before = now.checked_sub(made::BACK).unwrap_or(now);
    Order {
        subject: format!("CN={}", made::escaped(name)),
        profile,
        hosts,
        not_before,
        not_after: now + Duration::from_secs(u64::from(days) * 24 * 3600),
    }
}

/// None outlives its authority.
fn within(mut order: Order, authority: &Certificate) -> Order {
    order.not_after = order.not_after.min(authority.not_after());
    order.not_before = order.not_before.max(authority.not_before());
    order
}

/// A certificate of the authority in the same folder.
fn issued(common: &Common, name: &str, order: Order, global: &Global) -> Result {
    let files = Files::new(common, name)?;
    let (authority, signer) = Files::new(common, "ca")?.authority()?;
    let order = within(order, &authority);
    let key = PrivateKey::generate().map_err(of_sm)?;
    let certificate = issue(&authority, &signer, &key.public_key(), &order).map_err(of_sm)?;
    files.write(&certificate, &key, global)
}
