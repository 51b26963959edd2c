//! What a test is shown of the device.

use serde_json::{Value as Json, json};

use super::Session;
use crate::sandbox::value::to_json;

impl Session {
    /// Adds what was published and logged, and calls that were answered late, to what was seen.
    pub(super) async fn collect(&mut self) {
        let subscriptions = self.subscriptions();
        if subscriptions != self.subscribed {
            self.seen
                .note(json!({ "saw": "subscribed", "all": subscriptions }));
            self.subscribed = subscriptions;
        }
        for watched in &self.published {
            let mut events = Vec::new();
            watched.try_take(&mut events, usize::MAX);
            for event in events.iter().filter(|event| event.source != self.test) {
                let named = self.kernel.bus().named(event);
                self.seen.note(json!({
                    "saw": "published", "topic": named.topic, "source": named.source,
                    "time": named.time, "quality": named.quality,
                    "cause": event.cause.map(|cause| (cause.source.0, cause.sequence)),
                    "value": to_json(&event.value),
                }));
            }
            let lost = watched.dropped();
            if lost > 0 {
                self.seen.note(json!({ "saw": "lost", "events": lost }));
            }
        }
        let (_, records) = self.logs.take();
        for record in records {
            self.seen.note(json!({
                "saw": "log", "level": record.level, "device": record.device,
                "context": record.target, "message": record.message,
            }));
        }
        let mut at = 0;
        while let Some((call, calling)) = self.calls.get(at) {
            if !calling.is_finished() {
                at += 1;
                continue;
            }
            let call = *call;
            let (mut answer, error) = match self.calls.remove(at).1.await {
                Ok(Ok(answer)) => (json!({ "answer": answer }), Json::Null),
                Ok(Err(error)) => (json!({}), json!(error)),
                Err(error) => (json!({}), json!({ "text": error.to_string() })),
            };
            answer["saw"] = "finished".into();
            answer["call"] = call.into();
            answer["error"] = error;
            self.seen.note(answer);
        }
    }

    /// What the device subscribes.
    fn subscriptions(&self) -> Vec<Json> {
        let name = self.spec.as_ref().map(|spec| spec.name.as_str());
        let all = self.kernel.bus().subscriptions();
        let own = all.iter().filter(|sub| Some(sub.owner.as_str()) == name);
        own.map(|sub| {
            json!({
                "filter": sub.filter, "overflow": sub.overflow, "capacity": sub.capacity,
            })
        })
        .collect()
    }

    pub(super) fn status(&self) -> Result<Json, String> {
        let name = self.device()?;
        let status = self.kernel.status();
        let device = status.devices.iter().find(|device| device.name == name);
        let subscriptions = status.subscriptions.iter();
        let own: Vec<_> = subscriptions.filter(|sub| sub.owner == name).collect();
        Ok(json!({
            "device": device,
            "cpu-time": self.seen.processor(),
            "subscriptions": own,
            "connections": status.connections,
        }))
    }
}
