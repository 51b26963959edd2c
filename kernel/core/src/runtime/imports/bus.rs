//! `weihe:plugin/bus`: the event bus.

use crate::bus::{Filter, Overflow, check_topic};
use crate::event::{Event, SourceId, TopicId};
use crate::runtime::bindings::imports::weihe::plugin::bus as wit;
use crate::runtime::bindings::imports::weihe::plugin::bus::{
    Batch, BusError, Host, Publication, SubscribeOptions,
};
use crate::runtime::bindings::imports::weihe::plugin::types;
use crate::runtime::packed;
use crate::runtime::state::GuestState;

use super::convert;

impl GuestState {
    /// The id of a topic to publish on, if the device may.
    fn publishable(&mut self, topic: &str) -> Result<TopicId, BusError> {
        if let Some(id) = self.topics.get(topic) {
            return Ok(*id);
        }
        check_topic(topic).map_err(|error| BusError::Invalid(error.to_string()))?;
        let device = &self.device;
        if topic.starts_with('$') || !device.spec.grants.may_publish(&device.name, topic) {
            let reason = format!(
                "device `{}` may not publish on `{topic}`; `grants.publish` must name it",
                device.name
            );
            device.denied("publish", topic, &reason);
            return Err(BusError::Denied(reason));
        }
        let id = device
            .topic(topic)
            .map_err(|error| BusError::Limit(error.to_string()))?;
        self.grant(topic, id);
        Ok(id)
    }

    /// Whether so many more events with so much payload fit into the outbox.
    fn room(&self, events: usize, payload: usize) -> Result<(), BusError> {
        self.outbox
            .room(events, payload, &self.device.spec.limits)
            .map_err(|full| BusError::Limit(full.to_string()))
    }

    fn publish_one(&mut self, publication: Publication) -> Result<(), BusError> {
        let topic = self.publishable(&publication.topic)?;
        let value: crate::event::Value = publication.value.into();
        self.room(1, value.payload_len())?;
        let event = Event {
            topic,
            source: self.device.source,
            time: publication.time.unwrap_or_else(|| self.device.clock.now()),
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: publication.quality.into(),
            value,
        };
        self.outbox.publish(event, self.cause);
        Ok(())
    }

    fn publish_packed(&mut self, batch: &Batch) -> Result<(), BusError> {
        let count = batch.head.len() / packed::STRIDE;
        // What they name, not what there is: ranges may overlap, and each event copies its own.
        self.room(count, packed::declared(&batch.head, batch.bytes.len()))?;
        let before = (self.outbox.events.len(), self.outbox.payload);
        let now = self.device.clock.now();
        let mut outbox = std::mem::take(&mut self.outbox);
        let result = packed::unpack(&batch.head, &batch.bytes, now, |event, cause| {
            if !self.is_granted(event.topic) {
                let id = event.topic.0;
                let reason = format!("topic id {id} does not come from `bus.topic`");
                self.device.denied("publish", &id.to_string(), &reason);
                return Err(reason);
            }
            outbox.publish(event, cause);
            Ok(())
        });
        if result.is_err() {
            outbox.events.truncate(before.0);
            outbox.causes.truncate(before.0);
            outbox.payload = before.1;
        }
        self.outbox = outbox;
        result.map_err(|error| BusError::Invalid(error.to_string()))
    }
}

impl Host for GuestState {
    fn publish(&mut self, publication: Publication) -> wasmtime::Result<Result<(), BusError>> {
        Ok(self.publish_one(publication))
    }

    fn publish_batch(&mut self, batch: Batch) -> wasmtime::Result<Result<(), BusError>> {
        Ok(self.publish_packed(&batch))
    }

    fn topic(&mut self, name: String) -> wasmtime::Result<Result<u32, BusError>> {
        Ok(self.publishable(&name).map(|id| id.0))
    }

    fn topic_name(&mut self, id: u32) -> wasmtime::Result<Option<String>> {
        let name = self.device.bus.topic_name(TopicId(id));
        // Ids are counted up: without this, a device could go through the names of all topics.
        let name = name.filter(|name| self.is_granted(TopicId(id)) || self.device.may_know(name));
        Ok(name.map(|name| name.to_string()))
    }

    fn source_name(&mut self, id: u32) -> wasmtime::Result<Option<String>> {
        Ok(self
            .device
            .bus
            .source_name(SourceId(id))
            .map(|name| name.to_string()))
    }

    fn subscribe(
        &mut self,
        filter: String,
        options: SubscribeOptions,
    ) -> wasmtime::Result<Result<u32, BusError>> {
        let device = &self.device;
        let filter: Filter = match filter.parse() {
            Ok(filter) => filter,
            Err(error) => return Ok(Err(BusError::Invalid(format!("{error}")))),
        };
        if !device.spec.grants.may_subscribe(&device.name, &filter) {
            let reason = format!(
                "device `{}` may not subscribe to `{filter}`; `grants.subscribe` must cover it",
                device.name
            );
            device.denied("subscribe", filter.as_str(), &reason);
            return Ok(Err(BusError::Denied(reason)));
        }
        if options.capacity > MAX_CAPACITY {
            return Ok(Err(BusError::Limit(format!(
                "a subscription may queue {MAX_CAPACITY} events, not {}",
                options.capacity
            ))));
        }
        let overflow = match options.overflow {
            wit::Overflow::DropOldest => Overflow::DropOldest,
            wit::Overflow::LatestOnly => Overflow::LatestOnly,
            wit::Overflow::Block if device.spec.acyclic => Overflow::Block,
            wit::Overflow::Block => {
                let reason = format!(
                    "device `{}` may not make publishers wait; its entry must say `acyclic = true`",
                    device.name
                );
                device.denied("block", filter.as_str(), &reason);
                return Ok(Err(BusError::Denied(reason)));
            }
        };
        let id = device.subscribe(filter, overflow, options.capacity, options.retained);
        Ok(id.map_err(|error| BusError::Limit(error.to_string())))
    }

    fn unsubscribe(&mut self, id: u32) -> wasmtime::Result<()> {
        self.device.mailbox.unsubscribe(id);
        Ok(())
    }

    fn last(&mut self, topic: String) -> wasmtime::Result<Result<Option<types::Event>, BusError>> {
        let device = &self.device;
        let filter: Filter = match topic.parse() {
            Ok(filter) => filter,
            Err(error) => return Ok(Err(BusError::Invalid(format!("{error}")))),
        };
        if !device.spec.grants.may_subscribe(&device.name, &filter) {
            let reason = format!(
                "device `{}` may not read `{topic}`; `grants.subscribe` must cover it",
                device.name
            );
            device.denied("read", &topic, &reason);
            return Ok(Err(BusError::Denied(reason)));
        }
        let last = device.bus.last(&topic);
        Ok(Ok(last.map(|event| convert::wit_event(&device.bus, &event))))
    }
}

/// The longest queue a plugin may ask for: a minute of a thousand events a second.
const MAX_CAPACITY: u32 = 65_536;
