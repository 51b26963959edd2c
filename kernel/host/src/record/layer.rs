//! From `tracing` to the ring.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::ring::{Level, Record, Ring};

/// The field that names the device.
const DEVICE: &str = "device";

/// A layer that keeps what is logged. The device comes from the event's own field `device`, or
/// from that of the span around it.
#[derive(Debug)]
pub struct RecordLayer {
    ring: Arc<Ring>,
}

impl RecordLayer {
    /// A layer that writes to a ring.
    pub fn new(ring: Arc<Ring>) -> Self {
        Self { ring }
    }
}

/// The device of a span.
struct SpanDevice(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RecordLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(device), Some(span)) = (fields.device, context.span(id)) {
            span.extensions_mut().insert(SpanDevice(device));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let device = fields.device.or_else(|| {
            context.event_scope(event)?.find_map(|span| {
                let extensions = span.extensions();
                extensions
                    .get::<SpanDevice>()
                    .map(|device| device.0.clone())
            })
        });
        let mut message = fields.message;
        message.push_str(&fields.rest);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.ring.add(Record {
            time: now.map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            }),
            level: match *event.metadata().level() {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::INFO => Level::Info,
                tracing::Level::DEBUG => Level::Debug,
                tracing::Level::TRACE => Level::Trace,
            },
            device,
            target: fields
                .context
                .unwrap_or_else(|| event.metadata().target().to_owned()),
            message,
        });
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    device: Option<String>,
    context: Option<String>,
    /// ` key=value` of all others.
    rest: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            DEVICE => self.device = Some(value.to_owned()),
            "context" if !value.is_empty() => self.context = Some(value.to_owned()),
            name => {
                let _ = write!(self.rest, " {name}={value:?}");
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            // `%name` is recorded by its Display.
            DEVICE => self.device = Some(format!("{value:?}")),
            name => {
                let _ = write!(self.rest, " {name}={value:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::prelude::*;

    #[test]
    fn a_record_knows_its_device_by_field_or_by_span() {
        let ring = Ring::new();
        let subscriber = tracing_subscriber::registry().with(RecordLayer::new(ring.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(device = "soil", tries = 3, "no answer");
            let name = "valve".to_owned();
            let _span = tracing::info_span!("actor", device = %name).entered();
            tracing::info!("opened");
        });
        let (_, records) = ring.reader().take();
        assert_eq!(records[0].device.as_deref(), Some("soil"));
        assert_eq!(records[0].message, "no answer tries=3");
        assert_eq!(records[0].level, Level::Warn);
        assert_eq!(records[1].device.as_deref(), Some("valve"));
        assert_eq!(records[1].message, "opened");
    }
}
