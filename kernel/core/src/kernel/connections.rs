//! Connections come and go.

use std::sync::Arc;

use super::registry::OpenConnection;
use super::{ConnectionError, Kernel};
use crate::connection::{Conflict, Connection};
use crate::event::{Event, Quality, Value};

impl Kernel {
    /// Opens a connection of the kind that its table's `type` names.
    pub fn add_connection(&self, name: &str, table: &toml::Table) -> Result<(), ConnectionError> {
        let endpoint = self.kinds.configure(name, table)?;
        let claims = endpoint.claims();
        let topic = self.bus.topic(&format!("$link/{name}"))?;
        let source = self.bus.source(crate::device::KERNEL_SOURCE)?;
        let mut registry = self.registry();
        if registry.connections.contains_key(name) {
            return Err(ConnectionError::Duplicate(name.to_owned()));
        }
        for (other, open) in &registry.connections {
            let held = open
                .claims
                .iter()
                .find(|held| claims.iter().any(|claim| held.conflicts(claim)));
            if let Some(claim) = held {
                return Err(ConnectionError::Held(Conflict {
                    first: other.clone(),
                    second: name.to_owned(),
                    claim: claim.clone(),
                }));
            }
        }
        let (bus, clock) = (self.bus.clone(), self.clock.clone());
        let (safe, link): (_, Arc<str>) = (self.safe.clone(), name.into());
        let connection = Connection::spawn(
            name,
            endpoint,
            self.clock.clone(),
            self.io.clone(),
            move |state, _reason| {
                let mut run = [Event {
                    topic,
                    source,
                    time: clock.now(),
                    sequence: 0,
                    cause: None,
                    attempt: 1,
                    quality: Quality::Good,
                    value: Value::Text(state.as_str().into()),
                }];
                // A link's state waits for no subscriber.
                drop(bus.publish(source, &mut run));
                safe.link_changed(&link);
            },
        );
        registry
            .connections
            .insert(name.to_owned(), OpenConnection { connection, claims });
        Ok(())
    }

    /// Closes a connection. Devices that hold a place there find the link down.
    pub async fn remove_connection(&self, name: &str) {
        let removed = self.registry().connections.remove(name);
        if let Some(open) = removed {
            open.connection.close().await;
        }
    }
}
