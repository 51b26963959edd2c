//! `limits` of a device: what each is stands here, its bounds and defaults where they are read.

use schemars::JsonSchema;
use serde_json::Value;

use super::texts::{SizeOrBytes, SpanText};
use crate::config::limits::{Bounds, bounds, defaults};

/// What a device may use.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct LimitsTable {
    /// Linear memory of one instance.
    memory: Option<SizeOrBytes>,
    /// Elements of all tables of one instance.
    table_elements: Option<u32>,
    /// What one host call may take in.
    host_call_data: Option<SizeOrBytes>,
    /// Time of one call on the wall clock, exchanges that it waits for included.
    call_time: Option<SpanText>,
    /// Time of the processor of one call.
    cpu_time: Option<SpanText>,
    /// Publications of one handler call.
    outbox_events: Option<u32>,
    /// Timers, exchanges, sends, calls and answers of one handler call.
    outbox_effects: Option<u32>,
    /// Data of publications and effects of one handler call.
    outbox_bytes: Option<SizeOrBytes>,
    /// Events published a second, a second's worth at once. Beyond it the device gets nothing to do until it
    /// has room.
    publish_rate: Option<u32>,
    /// Log records a second, printed lines and errors included. Those beyond are left out and counted.
    log_rate: Option<u32>,
    /// Bytes of one log record.
    log_bytes: Option<SizeOrBytes>,
    /// Events handed over at once.
    batch: Option<u32>,
    /// Payloads handed over at once; one event in any case.
    batch_bytes: Option<SizeOrBytes>,
    /// Events queued in one subscription, where the plugin names no number.
    queue: Option<u32>,
    /// Payloads queued in one subscription.
    queue_bytes: Option<SizeOrBytes>,
    /// Topics that the device has made: those it publishes on, and the names of its timers.
    topics: Option<u32>,
    /// Subscriptions.
    subscriptions: Option<u32>,
    /// Timers.
    timers: Option<u32>,
    /// The shortest period of a timer.
    timer_period: Option<SpanText>,
    /// Exchanges that are not finished.
    tickets: Option<u32>,
    /// Calls to other devices whose answers were not taken.
    calls: Option<u32>,
    /// Traps with an event in hand, before it goes to `$dead/NAME`.
    attempts: Option<u32>,
    /// How long a publisher waits for an `acyclic` device.
    block: Option<SpanText>,
    /// The least time between two saves of the plugin's state.
    checkpoint: Option<SpanText>,
    /// How long after a swap a trap brings the version before back.
    probation: Option<SpanText>,
}

/// Puts bounds and defaults to the keys of a schema of [`LimitsTable`].
pub(super) fn bound(schema: &mut Value) {
    let defaults = defaults();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (key, schema) in properties.into_iter().flatten() {
        let (Some(bounds), Some(schema)) = (bounds(key), schema.as_object_mut()) else {
            continue;
        };
        if let Bounds::Counts(least, most) = bounds {
            schema.insert("minimum".to_owned(), least.into());
            schema.insert("maximum".to_owned(), most.into());
        } else if let Some(Value::String(about)) = schema.get_mut("description") {
            about.push_str(&format!(" It is {bounds}."));
        }
        if let Some(default) = defaults.get(key) {
            schema.insert("default".to_owned(), bounds.shown(default));
        }
    }
}
