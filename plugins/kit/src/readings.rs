//! What is measured, and what of it is published.

use serde_json::{Map, Value as Json};
use weihe_sdk::prelude::*;

use crate::Topics;

/// Something that a sensor measures.
#[derive(Debug, Clone)]
pub struct Reading {
    name: String,
    decimals: u32,
    dead_band: f64,
}

impl Reading {
    /// One that is published under `name` with three decimals, whenever it changes.
    pub fn new(name: impl Into<String>) -> Self {
        Reading {
            name: name.into(),
            decimals: 3,
            dead_band: 0.0,
        }
    }

    /// With so many decimals: as many as the chip can tell.
    #[must_use]
    pub fn decimals(mut self, decimals: u32) -> Self {
        self.decimals = decimals;
        self
    }

    /// Published again when it has changed by at least so much.
    #[must_use]
    pub fn dead_band(mut self, dead_band: f64) -> Self {
        self.dead_band = dead_band;
        self
    }
}

#[derive(Debug)]
struct Place {
    reading: Reading,
    topic: Topic,
    /// What was measured last.
    now: Option<(f64, Quality)>,
    /// What was published last, and when.
    shown: Option<(Option<f64>, Quality, Timestamp)>,
}

/// The readings of a device.
#[derive(Debug)]
pub struct Readings {
    places: Vec<Place>,
    refresh: Duration,
}

impl Readings {
    /// Readings on the topics of a device.
    pub fn new(
        ctx: &mut Context,
        topics: &Topics,
        readings: Vec<Reading>,
        refresh: Duration,
    ) -> Result<Self, Error> {
        let mut places = Vec::with_capacity(readings.len());
        for reading in readings {
            let topic = topics.get(ctx, &reading.name)?;
            places.push(Place {
                reading,
                topic,
                now: None,
                shown: None,
            });
        }
        Ok(Readings { places, refresh })
    }

    /// What the reading of a number is now.
    pub fn put(&mut self, index: usize, value: f64) {
        self.put_as(index, value, Quality::Good);
    }

    /// What it is, and how far that is to be trusted.
    pub fn put_as(&mut self, index: usize, value: f64, quality: Quality) {
        if let Some(place) = self.places.get_mut(index) {
            let scale = 10_f64.powi(place.reading.decimals.min(12) as i32);
            let rounded = (value * scale).round() / scale;
            // No negative zero, which people take for a mistake.
            place.now = Some((rounded + 0.0, quality));
        }
    }

    /// Nothing is known of any.
    pub(crate) fn forget(&mut self) {
        for place in &mut self.places {
            place.now = None;
        }
    }

    /// Publishes what is worth it.
    pub(crate) fn show(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        for place in &mut self.places {
            let (value, quality) = match place.now {
                Some((value, quality)) => (Some(value), quality),
                None => (None, Quality::Bad),
            };
            let worth = place.shown.is_none_or(|(before, trusted, since)| {
                let old = !self.refresh.is_zero() && now.since(since) >= self.refresh;
                let changed = match (before, value) {
                    (Some(before), Some(value)) => {
                        let by = (value - before).abs();
                        // Sums of decimals are off by a bit.
                        by > 0.0 && by + f64::EPSILON * value.abs() * 4.0 >= place.reading.dead_band
                    }
                    (before, value) => before.is_some() != value.is_some(),
                };
                old || changed || trusted != quality
            });
            if worth {
                let sample = match value {
                    Some(value) => Sample::new(value),
                    None => Sample::new(Value::None),
                };
                ctx.publish_on(place.topic, sample.quality(quality));
                place.shown = Some((value, quality, now));
            }
        }
    }

    /// By name, for people.
    pub fn to_json(&self) -> Json {
        let values = self.places.iter().map(|place| {
            let value = place.now.map_or(Json::Null, |(value, _)| Json::from(value));
            (place.reading.name.clone(), value)
        });
        Json::Object(values.collect::<Map<_, _>>())
    }
}
