//! `grants`: what the devices of a plugin, or one device, may touch.

use std::collections::BTreeMap;
use std::ops::Range;

use weihe_kernel::bus::Filter;
use weihe_kernel::grant::Grants;

use super::document::Node;
use super::fault::Fault;
use super::section::{Section, nearest};
use super::shape;

/// The capabilities whose tables stand in `grants`. Each checks its own table.
pub const CAPABILITIES: [&str; 3] = ["guomi", "hal", "store"];

/// What the kernel reads itself.
const KEYS: [&str; 4] = ["publish", "subscribe", "connections", "call"];

/// A grant table with the places of the names in it, which are checked when all names are known.
#[derive(Debug, Clone, Default)]
pub(super) struct GrantsEntry {
    pub(super) grants: Grants,
    pub(super) connections: Vec<(String, Range<usize>)>,
    pub(super) call: Vec<(String, Range<usize>)>,
}

/// The `grants` table of a plugin's or device's section.
pub(super) fn read(owner: &Section<'_>, faults: &mut Vec<Fault>) -> GrantsEntry {
    let title = format!("`grants` of {}", owner.title);
    let Some(section) = owner.section("grants", title, faults) else {
        return GrantsEntry::default();
    };
    let publish = filters(&section, "publish", faults);
    let subscribe = filters(&section, "subscribe", faults);
    let connections = section.texts("connections", faults);
    let call = section.texts("call", faults);
    let capabilities = capabilities(&section, faults);
    let names =
        |list: &[(String, Range<usize>)]| list.iter().map(|(name, _)| name.clone()).collect();
    GrantsEntry {
        grants: Grants {
            publish,
            subscribe,
            connections: names(&connections),
            call: names(&call),
            capabilities,
        },
        connections,
        call,
    }
}

fn filters(section: &Section<'_>, key: &str, faults: &mut Vec<Fault>) -> Vec<Filter> {
    let mut filters = Vec::new();
    for (text, span) in section.texts(key, faults) {
        match text.parse() {
            Ok(filter) => filters.push(filter),
            Err(error) => {
                let message = format!("`{key}` in {}: {error}", section.title);
                faults.push(
                    Fault::new(span, message, "not a topic filter")
                        .help("a filter is like `greenhouse/+/moisture` or `greenhouse/#`"),
                );
            }
        }
    }
    filters
}

fn capabilities(section: &Section<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, toml::Table> {
    let mut tables = BTreeMap::new();
    for entry in section.table.iter() {
        let key = entry.key.as_str();
        if KEYS.contains(&key) {
            continue;
        }
        if !CAPABILITIES.contains(&key) {
            let known = shape::GRANTS.all().iter().map(String::as_str);
            let help = nearest(key, known.clone()).map_or_else(
                || format!("known grants: {}", super::section::list(known)),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown grant `{key}` in {}", section.title);
            faults.push(Fault::new(entry.key_span.clone(), message, "unknown grant").help(help));
            continue;
        }
        match &entry.item.node {
            Node::Table(table) => {
                tables.insert(entry.key.clone(), table.to_toml());
            }
            _ => faults.push(
                super::section::wrong_type(key, &entry.item, "a table")
                    .help("write it as a table of its own: `[device.NAME.grants.store]`"),
            ),
        }
    }
    tables
}
