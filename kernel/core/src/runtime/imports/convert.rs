//! Between the kernel's nouns and their generated counterparts.

use std::sync::Arc;

use crate::bus::Bus;
use crate::connection as kernel;
use crate::device::{CallError, GuestError};
use crate::event::{Event, Quality, Value};
use crate::failsafe::SafeFrame;
use crate::runtime::bindings::imports::weihe::connection::types as conn;
use crate::runtime::bindings::imports::weihe::plugin::types as wit;

impl From<wit::Value> for Value {
    fn from(value: wit::Value) -> Self {
        match value {
            wit::Value::None => Self::None,
            wit::Value::Boolean(value) => Self::Boolean(value),
            wit::Value::Integer(value) => Self::Integer(value),
            wit::Value::Float(value) => Self::Float(value),
            wit::Value::Text(value) => Self::Text(value.into()),
            wit::Value::Bytes(value) => Self::Bytes(value.into()),
            wit::Value::Json(value) => Self::Json(value.into()),
        }
    }
}

impl From<&Value> for wit::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::None => Self::None,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Text(value) => Self::Text(value.to_string()),
            Value::Bytes(value) => Self::Bytes(value.to_vec()),
            Value::Json(value) => Self::Json(value.to_string()),
        }
    }
}

impl From<wit::Quality> for Quality {
    fn from(quality: wit::Quality) -> Self {
        match quality {
            wit::Quality::Good => Self::Good,
            wit::Quality::Uncertain => Self::Uncertain,
            wit::Quality::Bad => Self::Bad,
        }
    }
}

impl From<Quality> for wit::Quality {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::Good => Self::Good,
            Quality::Uncertain => Self::Uncertain,
            Quality::Bad => Self::Bad,
        }
    }
}

/// An event with its names, as a hook sees it.
pub fn wit_event(bus: &Bus, event: &Event) -> wit::Event {
    let source = |id| {
        bus.source_name(id)
            .as_deref()
            .unwrap_or_default()
            .to_owned()
    };
    wit::Event {
        topic: bus
            .topic_name(event.topic)
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        time: event.time,
        id: wit::Identity {
            source: source(event.source),
            sequence: event.sequence,
        },
        attempt: event.attempt.into(),
        cause: event.cause.map(|cause| wit::Identity {
            source: source(cause.source),
            sequence: cause.sequence,
        }),
        quality: event.quality.into(),
        value: (&event.value).into(),
    }
}

/// A hook's error.
pub fn guest_error(error: wit::Error) -> GuestError {
    match error {
        wit::Error::Rejected(text) => GuestError::Rejected(text),
        wit::Error::Retry(text) => GuestError::Retry(text),
        wit::Error::Fatal(text) => GuestError::Fatal(text),
    }
}

impl From<wit::CallError> for CallError {
    fn from(error: wit::CallError) -> Self {
        match error {
            wit::CallError::UnknownDevice(text) => Self::UnknownDevice(text),
            wit::CallError::UnknownCommand(text) => Self::UnknownCommand(text),
            wit::CallError::InvalidArgument(text) => Self::InvalidArgument(text),
            wit::CallError::Denied(text) => Self::Denied(text),
            wit::CallError::Unavailable(text) => Self::Unavailable(text),
            wit::CallError::Timeout(text) => Self::Timeout(text),
            wit::CallError::Failed(text) => Self::Failed(text),
        }
    }
}

/// The state of a link.
pub fn link_state(state: kernel::LinkState) -> conn::LinkState {
    match state {
        kernel::LinkState::Down => conn::LinkState::Down,
        kernel::LinkState::Connecting => conn::LinkState::Connecting,
        kernel::LinkState::Up => conn::LinkState::Up,
    }
}

/// A reply.
pub fn wit_reply(reply: &kernel::Reply) -> conn::Reply {
    conn::Reply {
        bytes: reply.bytes.to_vec(),
        sent: reply.sent,
        received: reply.received,
    }
}

/// A failure.
pub fn wit_failure(failure: &kernel::Failure) -> conn::Failure {
    match failure {
        kernel::Failure::Timeout(bytes) => conn::Failure::Timeout(bytes.to_vec()),
        kernel::Failure::Expired => conn::Failure::Expired,
        kernel::Failure::LinkDown(text) => conn::Failure::LinkDown(text.clone()),
        kernel::Failure::Framing(text) => conn::Failure::Framing(text.clone()),
        kernel::Failure::QueueFull => conn::Failure::QueueFull,
        kernel::Failure::Cancelled => conn::Failure::Cancelled,
        kernel::Failure::Invalid(text) => conn::Failure::Invalid(text.clone()),
    }
}

fn reply_rule(rule: conn::ReplyRule) -> kernel::ReplyRule {
    match rule {
        conn::ReplyRule::None => kernel::ReplyRule::None,
        conn::ReplyRule::Length(length) => kernel::ReplyRule::Length(length),
        conn::ReplyRule::Delimiter(bytes) => kernel::ReplyRule::Delimiter(bytes),
        conn::ReplyRule::LengthField(field) => {
            kernel::ReplyRule::LengthField(kernel::LengthField {
                offset: field.offset,
                size: field.size,
                order: match field.order {
                    conn::ByteOrder::BigEndian => kernel::ByteOrder::BigEndian,
                    conn::ByteOrder::LittleEndian => kernel::ByteOrder::LittleEndian,
                },
                adjust: field.adjust,
            })
        }
        conn::ReplyRule::Silence => kernel::ReplyRule::Silence,
        conn::ReplyRule::Codec(options) => kernel::ReplyRule::Codec(options),
    }
}

/// A fail-safe frame.
pub fn safe_frame(frame: conn::FailSafeFrame) -> SafeFrame {
    let rule = reply_rule(frame.reply);
    let mut safe = SafeFrame::new(&frame.label, frame.bytes.into(), rule, frame.timeout);
    safe.request.turnaround = frame.turnaround;
    safe.expects = frame.expects.into();
    safe
}

/// A request.
pub fn request(request: conn::Request) -> kernel::Request {
    kernel::Request {
        bytes: request.bytes.into(),
        reply: reply_rule(request.reply),
        priority: match request.priority {
            conn::Priority::Urgent => kernel::Priority::Urgent,
            conn::Priority::Command => kernel::Priority::Command,
            conn::Priority::Poll => kernel::Priority::Poll,
        },
        timeout: request.timeout,
        deadline: request.deadline,
        turnaround: request.turnaround,
        peer: request.peer,
    }
}

/// A shared text of a guest's string.
pub fn shared(text: String) -> Arc<str> {
    text.into()
}
