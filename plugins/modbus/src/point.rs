//! A point: where a value lies, what it means, and what was last published of it.

use serde_json::{Value as Json, json};
use weihe_modbus::{
    ADDRESS_SPACE, DataType, Format, MAX_WRITE_REGISTERS, PointValue, Reply, Request, Table,
    ValueError,
};
use weihe_sdk::{Context, Duration, Quality, Sample, Timestamp, Topic, Value};

use crate::config::{Access, Config, PointConfig};
use crate::layout::{check_read_back, read_format};
use crate::plan::Span;

/// A point.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub table: Table,
    /// What it takes of the table.
    pub span: Span,
    /// What its registers mean.
    pub format: Format,
    /// Its unit.
    pub unit: String,
    /// Whether it is polled.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether its bits are written with function 22.
    pub masked: bool,
    /// Whether it is written with function 23, which reads it in the same exchange.
    pub read_back: bool,
    /// The name of its topic.
    pub topic_name: String,
    topic: Topic,
    on_change: bool,
    dead_band: f64,
    max_silence: Option<Duration>,
    shown: Option<Shown>,
    /// Whether it waits in the [`Spool`](crate::spool::Spool).
    pub spooled: bool,
}

/// What was last published, or is about to be.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    value: Result<PointValue, String>,
    time: Timestamp,
    /// When it was last handed on to be published.
    told: Timestamp,
}

/// What a table holds in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Of coils and discrete inputs.
    Bits(Vec<bool>),
    /// Of registers.
    Registers(Vec<u16>),
}

impl Content {
    /// What a reply carries; none when it is not one to a read.
    pub fn of_reply(reply: Reply) -> Option<Content> {
        match reply {
            Reply::Bits { bits, .. } => Some(Content::Bits(bits)),
            Reply::Registers { registers, .. } | Reply::ReadWritten { registers } => {
                Some(Content::Registers(registers))
            }
            _ => None,
        }
    }

    /// What a request writes; none when it reads. Of a masked register only the bits that the mask
    /// does not keep.
    pub fn of_request(request: &Request) -> Option<Content> {
        match request {
            Request::Read { .. }
            | Request::ReadWriteRegisters { .. }
            | Request::Identify { .. } => None,
            Request::MaskRegister { and, or, .. } => Some(Content::Registers(vec![or & !and])),
            Request::WriteCoil { on, .. } => Some(Content::Bits(vec![*on])),
            Request::WriteCoils { values, .. } => Some(Content::Bits(values.clone())),
            Request::WriteRegister { value, .. } => Some(Content::Registers(vec![*value])),
            Request::WriteRegisters { values, .. } => Some(Content::Registers(values.clone())),
        }
    }

    /// It in JSON.
    pub fn to_json(&self) -> Json {
        match self {
            Content::Bits(bits) => json!(bits),
            Content::Registers(registers) => json!(registers),
        }
    }
}

impl Point {
    /// Checks a point's configuration. The error does not name the point.
    pub fn new(ctx: &mut Context, config: &Config, point: &PointConfig) -> Result<Point, String> {
        let broadcast = config.mode == weihe_modbus::Mode::Rtu && config.unit == 0;
        let table = point.table;
        let format = read_format(config, point)?;
        let (readable, writable) = match (point.access, broadcast, table.is_writable()) {
            (Some(Access::Read), true, _) => {
                return Err("unit 0 is all units, and none replies: nothing can be read".into());
            }
            (Some(Access::ReadWrite), true, _) => {
                return Err(
                    "unit 0 is all units, and none replies: only `write` is possible".into(),
                );
            }
            (Some(Access::Write | Access::ReadWrite), _, false) | (None, true, false) => {
                return Err(format!("a {} cannot be written", table.item()));
            }
            (Some(Access::Read), ..) | (None, false, false) => (true, false),
            (Some(Access::Write), ..) | (None, true, true) => (false, true),
            (Some(Access::ReadWrite), ..) | (None, false, true) => (true, true),
        };
        let masked = config.mask_write && format.bits.is_some() && format.registers == 1;
        if broadcast && format.bits.is_some() && !masked {
            return Err(
                "a part of a register cannot be broadcast: it would have to be read; set `mask-write` \
                 when the devices have function 22"
                    .into(),
            );
        }
        let span = Span {
            address: point.address,
            quantity: format.registers,
        };
        if span.end() > ADDRESS_SPACE {
            return Err(format!(
                "address {} and {} items reach beyond address {}",
                span.address,
                span.quantity,
                ADDRESS_SPACE - 1
            ));
        }
        if writable && format.registers > MAX_WRITE_REGISTERS {
            return Err(format!(
                "{} registers cannot be written at once, at most {MAX_WRITE_REGISTERS}; set `access = \"read\"`",
                format.registers
            ));
        }
        let read_back = point.read_back.unwrap_or(false);
        if read_back {
            check_read_back(point, &format, readable && writable)?;
        }
        let dead_band = point.dead_band.unwrap_or(0.0);
        if !dead_band.is_finite() || dead_band < 0.0 {
            return Err(format!(
                "`dead-band` is {dead_band}, expected a positive number"
            ));
        }
        if point.dead_band.is_some() && (format.is_boolean() || format.data_type == DataType::Text)
        {
            return Err("`dead-band` is for numbers".into());
        }
        if point.max_silence.is_some() && point.on_change == Some(false) {
            return Err(
                "`max-silence` is for points that are published on change: without it every poll is \
                 published"
                    .into(),
            );
        }
        let topic_name = match (&point.topic, &config.topic_prefix) {
            (Some(topic), _) => topic.clone(),
            (None, Some(prefix)) => format!("{prefix}/{}", point.name),
            (None, None) => format!("plugin/{}/{}", ctx.device(), point.name),
        };
        let topic = ctx
            .topic(&topic_name)
            .map_err(|refused| format!("topic `{topic_name}`: {refused}"))?;
        Ok(Point {
            name: point.name.clone(),
            table,
            span,
            masked,
            read_back,
            format,
            unit: point.unit.clone().unwrap_or_default(),
            readable,
            writable,
            topic_name,
            topic,
            on_change: point.on_change.unwrap_or(
                config.on_change || point.dead_band.is_some() || point.max_silence.is_some(),
            ),
            dead_band,
            max_silence: point.max_silence.or(config.max_silence),
            shown: None,
            spooled: false,
        })
    }

    /// Its value in what a table holds from `first` on; the point lies within.
    pub fn decode(&self, first: u16, content: &Content) -> Result<PointValue, ValueError> {
        let from = usize::from(self.span.address.saturating_sub(first));
        let to = from + usize::from(self.span.quantity);
        let missing = || ValueError::Unusable("the reply is too short".to_owned());
        match content {
            Content::Bits(bits) => bits
                .get(from)
                .map(|on| PointValue::Boolean(*on))
                .ok_or_else(missing),
            Content::Registers(registers) => {
                let registers = registers.get(from..to).ok_or_else(missing)?;
                self.format.decode(registers)
            }
        }
    }

    /// Takes a value that was read or written. Whether it is to be published: not when that is done on
    /// change only, and it has not changed.
    #[must_use]
    pub fn take(&mut self, value: Result<PointValue, ValueError>, time: Timestamp) -> bool {
        let value = match value {
            Ok(value) => value,
            Err(error) => return self.lose(&error.to_string(), time),
        };
        if self.on_change
            && let Some(Shown {
                value: Ok(shown),
                told,
                ..
            }) = &self.shown
            && self.is_near(shown, &value)
            && !self.is_overdue(*told, time)
        {
            return false;
        }
        self.shown = Some(Shown {
            value: Ok(value),
            time,
            told: time,
        });
        true
    }

    /// Notes that there is no value now. Whether that is to be published: once, and again after the
    /// longest silence.
    #[must_use]
    pub fn lose(&mut self, reason: &str, time: Timestamp) -> bool {
        let known = match self.shown {
            Some(Shown {
                value: Err(_),
                told,
                ..
            }) if !self.is_overdue(told, time) => Some(told),
            _ => None,
        };
        self.shown = Some(Shown {
            value: Err(reason.to_owned()),
            time,
            told: known.unwrap_or(time),
        });
        known.is_none()
    }

    /// Whether nothing has been published for as long as the point may be silent.
    fn is_overdue(&self, told: Timestamp, time: Timestamp) -> bool {
        self.max_silence
            .is_some_and(|silence| time.since(told) >= silence)
    }

    /// Publishes its newest value, or that it has none.
    pub fn publish(&self, ctx: &mut Context) {
        let Some(Shown { value, time, .. }) = &self.shown else {
            return;
        };
        let sample = match value {
            Ok(PointValue::Boolean(on)) => Sample::new(Value::Boolean(*on)),
            Ok(PointValue::Integer(number)) => Sample::new(Value::Integer(*number)),
            Ok(PointValue::Float(number)) => Sample::new(Value::Float(*number)),
            Ok(PointValue::Text(text)) => Sample::new(Value::Text(text)),
            Err(_) => Sample::new(Value::None).quality(Quality::Bad),
        };
        ctx.publish_on(self.topic, sample.at(*time));
    }

    fn is_near(&self, shown: &PointValue, value: &PointValue) -> bool {
        match (shown, value) {
            (PointValue::Float(shown), PointValue::Float(value)) => {
                (shown - value).abs() <= self.dead_band
            }
            (PointValue::Integer(shown), PointValue::Integer(value)) => {
                shown == value || (shown.abs_diff(*value) as f64) <= self.dead_band
            }
            _ => shown == value,
        }
    }

    /// What is known of it, in JSON.
    pub fn to_json(&self) -> Json {
        let mut entry = json!({
            "point": self.name,
            "topic": self.topic_name,
            "table": self.table.name(),
            "address": self.span.address,
            "type": self.format.data_type.name(),
            "unit": self.unit,
            "writable": self.writable,
        });
        match &self.shown {
            Some(Shown {
                value: Ok(value),
                time,
                ..
            }) => {
                entry["value"] = value.to_json();
                entry["quality"] = json!("good");
                entry["time"] = json!(time.to_string());
            }
            Some(Shown {
                value: Err(reason),
                time,
                ..
            }) => {
                entry["value"] = Json::Null;
                entry["quality"] = json!("bad");
                entry["time"] = json!(time.to_string());
                entry["reason"] = json!(reason);
            }
            None => entry["value"] = Json::Null,
        }
        entry
    }
}
