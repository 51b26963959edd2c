//! `[connection.NAME]`: a door to the outside. Its kind checks its own keys.

use std::ops::Range;

use weihe_kernel::connection::{Claim, Endpoint, Kinds};

use super::document::Document;
use super::fault::Fault;
use super::path::KeyPath;
use super::section::{Section, nearest};

/// A connection of the system.
#[derive(Debug, Clone)]
pub struct ConnectionEntry {
    /// Its name.
    pub name: String,
    /// `type`: the name of its kind.
    pub kind: String,
    /// All its keys, `type` included.
    pub table: toml::Table,
    claims: Vec<Claim>,
    /// Whether one device alone can use it.
    pub(super) exclusive: bool,
    span: Range<usize>,
}

pub(super) fn read(
    (name, section): &(String, Section<'_>),
    document: &Document,
    kinds: &Kinds,
    faults: &mut Vec<Fault>,
) -> Option<ConnectionEntry> {
    if misspelled_type(section, faults) {
        return None;
    }
    let (kind, _) = section.required_text("type", "tcp", faults)?;
    let table = section.table.to_toml();
    let endpoint = configure(name, table.clone(), document, kinds, faults);
    let (claims, exclusive) = endpoint.map_or_else(Default::default, |endpoint| {
        (endpoint.claims(), matches!(endpoint, Endpoint::Listener(_)))
    });
    // The key that names what it holds, whichever its kind calls it.
    let place = ["port", "address"]
        .into_iter()
        .find(|key| section.table.get(key).is_some())
        .unwrap_or_default();
    Some(ConnectionEntry {
        name: name.clone(),
        kind,
        table,
        claims,
        exclusive,
        span: document.locate(&format!("connection.{name}.{place}")),
    })
}

/// Reports a key that was meant to be `type`.
fn misspelled_type(section: &Section<'_>, faults: &mut Vec<Fault>) -> bool {
    if section.table.get("type").is_some() {
        return false;
    }
    let mut entries = section.table.iter();
    let Some(entry) = entries.find(|entry| nearest(&entry.key, ["type"]).is_some()) else {
        return false;
    };
    let message = format!("unknown key `{}` in {}", entry.key, section.title);
    faults.push(
        Fault::new(entry.key_span.clone(), message, "unknown key").help("did you mean `type`?"),
    );
    true
}

/// Values for keys that must be there, in place of wrong ones, so that the rest is looked at.
const STAND_INS: [(&str, &str); 2] = [("address", "127.0.0.1:1"), ("port", "/dev/null")];

/// What a connection's kind makes of its table. A kind stops at the first fault; after a key that
/// it does not know, it is asked again, with what was probably meant in its place, so that
/// several are reported at once; after a value that it does not take, without the key, or with one
/// that it takes.
fn configure(
    name: &str,
    mut table: toml::Table,
    document: &Document,
    kinds: &Kinds,
    faults: &mut Vec<Fault>,
) -> Option<Endpoint> {
    let mut removed: Vec<String> = Vec::new();
    loop {
        let error = match kinds.configure(name, &table) {
            // What stands in for a wrong value claims nothing.
            Ok(endpoint) => return removed.is_empty().then_some(endpoint),
            Err(error) => error,
        };
        let key = error.key.unwrap_or_default();
        if removed.contains(&key) {
            // What is wrong with it has been said.
            return None;
        }
        let path = KeyPath::default().key("connection").key(name).key(&key);
        let place = document.place(&path);
        let (span, label) = match error.unknown {
            Some(_) => (place.key, "unknown key"),
            None => (place.value, "here"),
        };
        faults.push(Fault::new(span, error.message, label).maybe_help(error.help));
        let value = table.remove(&key)?;
        match error.unknown {
            Some(unknown) => {
                if let Some(meant) = unknown.meant {
                    table.entry(meant).or_insert(value);
                }
            }
            None => {
                let stand_in = STAND_INS.iter().find(|(required, _)| *required == key);
                if let Some((_, sound)) = stand_in {
                    table.insert(key.clone(), (*sound).into());
                }
                removed.push(key);
            }
        }
    }
}

/// Reports connections that claim what an earlier one holds.
pub(super) fn check_holders(connections: &[ConnectionEntry], faults: &mut Vec<Fault>) {
    for (index, connection) in connections.iter().enumerate() {
        let held = connections[..index].iter().find_map(|earlier| {
            let claims =
                |held: &&Claim| connection.claims.iter().any(|claim| held.conflicts(claim));
            Some((earlier, earlier.claims.iter().find(claims)?))
        });
        let Some((holder, claim)) = held else {
            continue;
        };
        let message = format!(
            "connection `{}` claims {claim}, which connection `{}` holds already",
            connection.name, holder.name
        );
        faults.push(
            Fault::new(connection.span.clone(), message, "taken")
                .other(holder.span.clone(), format!("held by `{}`", holder.name))
                .help(format!(
                    "several devices can share one connection: give them `connection = \"{}\"`",
                    holder.name
                )),
        );
    }
}
