//! `[connection.NAME]`: a door to the outside. Its kind checks its own keys.

use std::ops::Range;

use weihe_kernel::connection::{Claim, Endpoint, Kinds};

use super::document::Document;
use super::fault::Fault;
use super::section::Section;

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
    let (kind, _) = section.required_text("type", "tcp", faults)?;
    let table = section.table.to_toml();
    let path = |key: &str| format!("connection.{name}.{key}");
    let (claims, exclusive) = match kinds.configure(name, &table) {
        Ok(endpoint) => (endpoint.claims(), matches!(endpoint, Endpoint::Listener(_))),
        Err(error) => {
            let key = error.key.unwrap_or_default();
            let span = document.locate(&path(&key));
            faults.push(Fault::new(span, error.message, "here").maybe_help(error.help));
            (Vec::new(), false)
        }
    };
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
        span: document.locate(&path(place)),
    })
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
