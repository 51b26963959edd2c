//! What is shown of keys. Nothing of it is secret.

use clap::Args;
use serde_json::{Value, json};
use weihe_guomi::keys::About;
use weihe_kernel::event::hex;
use weihe_sm::certificate::Certificate;

use super::asked::Opened;
use super::{Which, failed};
use crate::command::{Global, Result};
use crate::language::{Text, say};
use crate::output::{Outcome, Table, date_and_time, print, print_json};

#[derive(Debug, Args)]
pub(super) struct List {}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The key, or one version of it: `meter@1`
    #[arg(value_name = "NAME")]
    which: Which,
}

impl List {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let listing = opened.store.list().map_err(failed)?;
        let outcome = match listing.damaged.is_empty() {
            true => Outcome::Done,
            false => Outcome::Failed,
        };
        let damaged = listing.damaged.iter();
        if global.json {
            let damaged: Vec<_> = damaged.map(ToString::to_string).collect();
            let keys: Vec<_> = listing.keys.iter().map(about_json).collect();
            let notices = opened.store.notices();
            print_json(&json!({ "keys": keys, "damaged": damaged, "notices": notices }));
            return Ok(outcome);
        }
        match listing.keys.as_slice() {
            // What cannot be read is there.
            [] if !listing.damaged.is_empty() => {}
            [] => {
                let place = opened.folder.path().display();
                print(&format!("{}\n", say::key_none(place)));
            }
            keys => print(&table(keys).to_string()),
        }
        for error in damaged {
            eprintln!("{}", say::key_damaged(Text::told(error)));
        }
        Ok(outcome)
    }
}

fn table(keys: &[About]) -> Table {
    let mut table = Table::new([
        say::key_column_name(),
        say::key_column_version(),
        say::key_column_algorithm(),
        say::key_column_uses(),
        say::key_column_exportable(),
        say::key_column_certificate(),
        say::key_column_created(),
        say::key_column_provider(),
    ]);
    for about in keys {
        table.row([
            about.name.clone(),
            match about.current {
                true => about.version.to_string(),
                false => say::key_old(about.version.to_string()).to_string(),
            },
            about.algorithm.to_string(),
            about.uses.to_string(),
            yes(about.exportable),
            certificate(about).map_or_else(String::new, |certificate| certificate.subject()),
            created(about),
            about.provider.clone(),
        ]);
    }
    table
}

fn yes(is: bool) -> String {
    match is {
        true => say::key_yes().to_string(),
        false => say::key_no().to_string(),
    }
}

fn created(about: &About) -> String {
    date_and_time(about.created.saturating_mul(1_000_000_000))
}

/// The certificate that was attached, as far as it can be read.
fn certificate(about: &About) -> Option<Certificate> {
    Certificate::from_der(about.certificate.as_deref()?).ok()
}

/// Those of its issuers, likewise.
fn issuers(about: &About) -> Vec<Certificate> {
    let read = about.issuers.iter().map(|der| Certificate::from_der(der));
    read.flatten().collect()
}

impl Show {
    pub(super) fn run(self, global: &Global) -> Result {
        let opened = Opened::of(global)?;
        let key = opened
            .store
            .open(&self.which.name, self.which.version)
            .map_err(failed)?;
        let about = key.about();
        if global.json {
            print_json(&about_json(about));
            return Ok(Outcome::Done);
        }
        let mut rows = vec![
            (say::key_column_name(), about.name.clone()),
            (say::key_column_version(), about.version.to_string()),
            (say::key_column_algorithm(), about.algorithm.to_string()),
            (say::key_column_uses(), about.uses.to_string()),
            (say::key_column_exportable(), yes(about.exportable)),
            (say::key_column_created(), created(about)),
            (say::key_column_provider(), about.provider.clone()),
        ];
        if let Some(key) = about.public_key {
            rows.push((say::key_public(), hex(&key.to_sec1())));
        }
        if let Some(certificate) = certificate(about) {
            rows.push((say::key_column_certificate(), certificate.subject()));
            let until = humantime::format_rfc3339_seconds(certificate.not_after());
            rows.push((say::key_until(), until.to_string()));
            for issuer in issuers(about) {
                rows.push((say::key_issuer(), issuer.subject()));
            }
        }
        let lines = rows
            .iter()
            .map(|(what, value)| format!("{what}: {value}\n"));
        print(&lines.collect::<String>());
        Ok(Outcome::Done)
    }
}

/// A key for scripts.
pub(super) fn about_json(about: &About) -> Value {
    let certificate = certificate(about).map(|certificate| {
        json!({
            "subject": certificate.subject(),
            "issuer": certificate.issuer(),
            "issuers": issuers(about).iter().map(Certificate::subject).collect::<Vec<_>>(),
            "not_after": humantime::format_rfc3339_seconds(certificate.not_after()).to_string(),
        })
    });
    json!({
        "name": about.name,
        "version": about.version,
        "current": about.current,
        "algorithm": about.algorithm,
        "uses": about.uses,
        "exportable": about.exportable,
        "created": about.created,
        "provider": about.provider,
        "public_key": about.public_key.map(|key| hex(&key.to_sec1())),
        "certificate": certificate,
    })
}

/// Says what was done to a key.
pub(super) fn done(about: &About, text: &Text, global: &Global) -> Result {
    match global.json {
        true => print_json(&about_json(about)),
        false => print(&format!("{text}\n")),
    }
    Ok(Outcome::Done)
}
