//! The topics of a device.

use weihe_sdk::{Context, Error, Topic};

/// Where a device publishes: below `plugin/<device>`, or where the key `topic` of its configuration says.
#[derive(Debug, Clone)]
pub struct Topics {
    prefix: String,
    /// Whether the configuration says so.
    configured: bool,
}

impl Topics {
    /// Those of a device, with what the key `topic` of its configuration says.
    pub fn new(ctx: &Context, topic: Option<&str>) -> Self {
        match topic {
            Some(prefix) => Topics {
                prefix: prefix.trim_end_matches('/').to_owned(),
                configured: true,
            },
            None => Topics {
                prefix: format!("plugin/{}", ctx.device()),
                configured: false,
            },
        }
    }

    /// One of them.
    pub fn get(&self, ctx: &mut Context, rest: &str) -> Result<Topic, Error> {
        let topic = ctx.topic(&format!("{}/{rest}", self.prefix));
        topic.map_err(|refused| match self.configured {
            true => Error::fatal(format!("config: `topic`: {refused}")),
            false => Error::from(refused),
        })
    }
}

/// Subscribes a topic that a key of the configuration names, if it does.
pub fn subscribe(ctx: &mut Context, key: &str, topic: Option<&str>) -> Result<(), Error> {
    let Some(topic) = topic else { return Ok(()) };
    let subscribed = ctx.subscribe(topic).map(drop);
    subscribed.map_err(|refused| Error::fatal(format!("config: `{key}`: {refused}")))
}
