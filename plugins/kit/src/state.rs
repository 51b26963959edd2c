//! What a device says of its hardware.

use weihe_sdk::{Context, Error, Quality, Sample, Topic, log};

use crate::Topics;

/// Whether the hardware of a device works, as its topic `state` says: the text `ready` with good quality, or the reason
/// with bad quality. What stays wrong for days is said and logged once, and again when the reason is another.
#[derive(Debug)]
pub struct State {
    topic: Topic,
    /// What logs begin with, where a device has hardware with a name.
    what: Option<String>,
    /// `None`: nothing is known yet. `Some(None)`: it is ready.
    said: Option<Option<String>>,
}

impl State {
    /// Of a device of which nothing is known yet.
    pub fn new(ctx: &mut Context, topics: &Topics) -> Result<Self, Error> {
        Ok(State {
            topic: topics.get(ctx, "state")?,
            what: None,
            said: None,
        })
    }

    /// With what people are told of in logs: `SHT4x at 0x44 on i2c/1`.
    #[must_use]
    pub fn of(mut self, what: String) -> Self {
        self.what = Some(what);
        self
    }

    /// Whether it works, as far as is known.
    pub fn is_ready(&self) -> bool {
        self.said == Some(None)
    }

    /// Why it does not.
    pub fn reason(&self) -> Option<&str> {
        self.said.as_ref()?.as_deref()
    }

    /// It works.
    pub fn ready(&mut self, ctx: &mut Context) {
        if self.is_ready() {
            return;
        }
        match (self.said.is_some(), &self.what) {
            (true, Some(what)) => log::info!("{what}: works again"),
            (true, None) => log::info!("ready again"),
            (false, _) => {}
        }
        self.said = Some(None);
        ctx.publish_on(self.topic, "ready");
    }

    /// It does not, for this reason.
    pub fn amiss(&mut self, ctx: &mut Context, reason: &str) {
        if self.reason() == Some(reason) {
            return;
        }
        match &self.what {
            Some(what) => log::warn!("{what}: {reason}"),
            None => log::warn!("{reason}"),
        }
        self.said = Some(Some(reason.to_owned()));
        ctx.publish_on(self.topic, Sample::new(reason).quality(Quality::Bad));
    }
}
