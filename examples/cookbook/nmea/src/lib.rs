//! A GPS receiver sends its sentences whether anybody asks or not, in pieces as the line has them.
//! This plugin puts them together and publishes the position. `sentence.rs` is the protocol.

mod sentence;

use sentence::{Fix, Sentences};
use weihe_sdk::codec::{Codec, Context as Frame, Direction};
use weihe_sdk::prelude::*;

/// The receiver.
pub struct Nmea {
    /// What has arrived of a sentence that is not complete.
    pending: Vec<u8>,
    topics: Topics,
    /// Whether the last position was published as good.
    good: Option<bool>,
    spoilt: i64,
}

struct Topics {
    latitude: Topic,
    longitude: Topic,
    altitude: Topic,
    satellites: Topic,
    spoilt: Topic,
}

/// The timer that notices a receiver from which nothing comes any more.
const SILENT: &str = "silent";

/// A receiver speaks every second; after so long its last position is not the present one.
const PATIENCE: Duration = Duration::from_secs(5);

impl Plugin for Nmea {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "nmea",
            env!("CARGO_PKG_VERSION"),
            "Positions from a GPS receiver (NMEA 0183)",
        )
        .connection(ConnectionNeed::Required)
        .publishes(
            "plugin/{device}/latitude",
            "degrees, north of the equator above 0",
        )
        .publishes(
            "plugin/{device}/longitude",
            "degrees, east of Greenwich above 0",
        )
        .publishes("plugin/{device}/altitude", "metres above the sea")
        .publishes("plugin/{device}/satellites", "how many are used")
        .publishes(
            "plugin/{device}/spoilt",
            "how many sentences had a wrong checksum",
        )
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        // Taking the place at the connection is all it needs to be handed what comes unasked.
        ctx.connection()?;
        ctx.after(SILENT, PATIENCE)?;
        Ok(Nmea {
            pending: Vec::new(),
            topics: Topics {
                latitude: ctx.own_topic("latitude")?,
                longitude: ctx.own_topic("longitude")?,
                altitude: ctx.own_topic("altitude")?,
                satellites: ctx.own_topic("satellites")?,
                spoilt: ctx.own_topic("spoilt")?,
            },
            good: None,
            spoilt: 0,
        })
    }

    fn on_received(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        _peer: Option<PeerId>,
        bytes: &[u8],
        time: Timestamp,
    ) -> Result<(), Error> {
        self.pending.extend_from_slice(bytes);
        let mut rest = self.pending.as_slice();
        let mut fixes = Vec::new();
        let spoilt = self.spoilt;
        loop {
            let found = Sentences::scan(Direction::Unsolicited, &Frame::new("{}"), rest, false);
            // What the scan drops belongs to no sentence: it is not kept, so that a line that only
            // makes noise does not fill the memory.
            rest = &rest[found.skip as usize..];
            let Some(length) = found.frame else { break };
            let (sentence, behind) = rest.split_at(length as usize);
            match sentence::parse(sentence) {
                Ok(parsed) => fixes.extend(sentence::fix(&parsed)),
                Err(_) => self.spoilt += 1,
            }
            rest = behind;
        }
        self.pending = rest.to_vec();
        if self.spoilt != spoilt {
            ctx.publish_on(self.topics.spoilt, self.spoilt);
        }
        for fix in fixes {
            self.publish(ctx, fix, time);
            ctx.after(SILENT, PATIENCE)?;
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        self.lose(ctx, "the receiver is silent");
        Ok(())
    }

    fn on_link(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        if state == LinkState::Down {
            // The other half of a sentence will not come on the next connection.
            self.pending.clear();
            self.lose(ctx, reason);
        }
        Ok(())
    }
}

impl Nmea {
    fn publish(&mut self, ctx: &mut Context, fix: Fix, time: Timestamp) {
        ctx.publish_on(self.topics.satellites, Sample::new(fix.satellites).at(time));
        let Some(position) = fix.position else {
            return self.lose(ctx, "the receiver sees too few satellites");
        };
        self.good = Some(true);
        for (topic, value) in [
            (self.topics.latitude, position.latitude),
            (self.topics.longitude, position.longitude),
            (self.topics.altitude, position.altitude),
        ] {
            ctx.publish_on(topic, Sample::new(value).at(time));
        }
    }

    /// Nobody should take the last position for the present one.
    fn lose(&mut self, ctx: &mut Context, why: &str) {
        if self.good.replace(false) != Some(false) {
            weihe_sdk::log::warn!("no position: {why}");
            for topic in [
                self.topics.latitude,
                self.topics.longitude,
                self.topics.altitude,
            ] {
                ctx.publish_on(topic, Sample::new(Value::None).quality(Quality::Bad));
            }
        }
    }
}

// The parser is the codec of `weihe decode`, too.
weihe_sdk::plugin!(Nmea: events, connection, codec = Sentences);

#[cfg(test)]
mod tests;
