//! `[connection.NAME]`: a door to the outside. Its kind checks its own keys.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::section::Section;

/// A connection of the system.
#[derive(Debug, Clone)]
pub struct ConnectionEntry {
    /// Its name.
    pub name: String,
    /// `type`: the name of its kind.
    pub kind: String,
    /// All its keys but `type`, for the kind to check.
    pub table: toml::Table,
    kind_span: Range<usize>,
    place: Option<(Place, Range<usize>)>,
}

/// What only one connection can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A serial port, by its device file.
    Port(PathBuf),
    /// An address to listen on.
    Listen(SocketAddr),
}

impl Place {
    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port(a), Self::Port(b)) => a == b,
            // Every free port is another.
            (Self::Listen(a), Self::Listen(b)) => {
                a.port() == b.port()
                    && a.port() != 0
                    && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
            }
            _ => false,
        }
    }
}

pub(super) fn read(
    (name, section): &(String, Section<'_>),
    faults: &mut Vec<Fault>,
) -> Option<ConnectionEntry> {
    let (kind, kind_span) = section.required_text("type", "tcp", faults)?;
    let mut table = section.table.to_toml();
    table.remove("type");
    let place = place(section, &kind);
    Some(ConnectionEntry {
        name: name.clone(),
        kind,
        table,
        kind_span,
        place,
    })
}

/// The place that a connection holds, when it can be told; wrong types are the kind's to report.
fn place(section: &Section<'_>, kind: &str) -> Option<(Place, Range<usize>)> {
    let mut ignored = Vec::new();
    match kind {
        "uart" => {
            let (port, span) = section.text("port", &mut ignored)?;
            // Two names may lead to one device file (/dev/serial/by-id/…).
            let path = std::fs::canonicalize(&port).unwrap_or_else(|_| Path::new(&port).into());
            Some((Place::Port(path), span))
        }
        "tcp-listen" => {
            let (address, span) = section.text("address", &mut ignored)?;
            Some((Place::Listen(address.parse().ok()?), span))
        }
        _ => None,
    }
}

/// Reports connections that hold what an earlier one holds.
pub(super) fn check_holders(connections: &[ConnectionEntry], faults: &mut Vec<Fault>) {
    for (index, connection) in connections.iter().enumerate() {
        let Some((place, span)) = &connection.place else {
            continue;
        };
        let holder = connections[..index].iter().find_map(|earlier| {
            let (held, span) = earlier.place.as_ref()?;
            held.excludes(place).then_some((earlier, span))
        });
        if let Some((holder, held)) = holder {
            let message = format!(
                "connection `{}` takes what connection `{}` holds already",
                connection.name, holder.name
            );
            faults.push(
                Fault::new(span.clone(), message, "taken")
                    .other(held.clone(), format!("held by `{}`", holder.name))
                    .help(format!(
                        "several devices can share one connection: give them `connection = \"{}\"`",
                        holder.name
                    )),
            );
        }
    }
}

impl ConnectionEntry {
    /// Where its `type` stands.
    pub fn kind_span(&self) -> Range<usize> {
        self.kind_span.clone()
    }
}
