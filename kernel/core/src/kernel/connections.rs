//! Connections come and go.

use std::sync::Arc;

use serde_json::json;

use super::registry::OpenConnection;
use super::{ConnectionError, Kernel};
use crate::bus::Bus;
use crate::clock::Clock;
use crate::connection::{Conflict, Connection, Failure, Frame, Tap};
use crate::event::{Event, Quality, SourceId, TopicId, Value, hex};

impl Kernel {
    /// Opens a connection of the kind that its table's `type` names.
    pub fn add_connection(&self, name: &str, table: &toml::Table) -> Result<(), ConnectionError> {
        let endpoint = self.kinds.configure(name, table)?;
        let claims = endpoint.claims();
        let topic = self.bus.topic(&format!("$link/{name}"))?;
        let wire = self.bus.topic(&format!("$wire/{name}"))?;
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
        connection.listen_in(Box::new(Wiretap {
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            topic: wire,
            source,
        }));
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

/// Publishes what passes on a connection, while somebody subscribes it: `weihe events '$wire/#'` records it for tests.
struct Wiretap {
    bus: Arc<Bus>,
    clock: Arc<dyn Clock>,
    topic: TopicId,
    source: SourceId,
}

impl Tap for Wiretap {
    fn is_wanted(&self) -> bool {
        self.bus.is_heard(self.topic)
    }

    fn passed(&self, frame: Frame<'_>) {
        let mut run = [Event {
            topic: self.topic,
            source: self.source,
            time: self.clock.now(),
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value: Value::Json(told(frame).to_string().into()),
        }];
        // A connection waits for no subscriber.
        drop(self.bus.publish(self.source, &mut run));
    }
}

fn told(frame: Frame<'_>) -> serde_json::Value {
    let mut told = match frame {
        Frame::Exchange {
            request, outcome, ..
        } => {
            let (reply, failed) = match outcome {
                Ok(reply) => (Some(hex(&reply.bytes)), None),
                Err(Failure::Timeout(partial)) => (Some(hex(partial)), Some("timeout".to_owned())),
                Err(Failure::LinkDown(reason)) => (None, Some(reason.clone())),
                Err(failure) => (None, Some(failure.to_string())),
            };
            json!({ "request": hex(request), "reply": reply, "failed": failed })
        }
        Frame::Received { bytes, .. } => json!({ "received": hex(bytes) }),
    };
    if let Frame::Exchange {
        peer: Some(peer), ..
    }
    | Frame::Received {
        peer: Some(peer), ..
    } = frame
    {
        told["peer"] = peer.into();
    }
    told
}
