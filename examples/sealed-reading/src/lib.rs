//! Readings leave the site sealed: encrypted with SM4-GCM, so that nobody on the way reads them, and signed with SM2, so
//! that whoever archives them can show whose they are.
//!
//! A sealed reading is 12 bytes of nonce, the ciphertext, 16 bytes of tag, and 64 bytes of signature over all of these
//! behind the topic. The topic stays readable, but is vouched for by both.

use serde::Deserialize;
use weihe_sdk::guomi::{GuomiError, Secret, Signer, Sm4Gcm, Uses, Verifier};
use weihe_sdk::prelude::*;

/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// Seals what it hears.
pub struct Sealer {
    keys: Keys,
    output: Topic,
}

/// The keys as they are open.
struct Keys {
    seal: Sm4Gcm,
    signer: Signer,
}

impl Keys {
    fn open(ctx: &Context) -> Result<Self, GuomiError> {
        Ok(Keys {
            seal: Sm4Gcm::new(ctx.secret("archive", Uses::ENCRYPT)?),
            signer: ctx.signer("site")?,
        })
    }

    fn seal(&self, topic: &str, reading: &[u8]) -> Result<Vec<u8>, GuomiError> {
        let mut sealed = self.seal.seal(topic.as_bytes(), reading)?;
        let signature = self.signer.sign(&signed(topic, &sealed))?;
        sealed.extend(signature);
        Ok(sealed)
    }
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Topics of the readings.
    input: String,
}

impl Plugin for Sealer {
    type Config = Config;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "sealed-reading",
            env!("CARGO_PKG_VERSION"),
            "Encrypts and signs readings",
        )
        .publishes(
            "plugin/{device}/sealed",
            "readings that are sealed, as bytes",
        )
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        ctx.subscribe(&config.input)?;
        Ok(Sealer {
            keys: Keys::open(ctx)?,
            output: ctx.own_topic("sealed")?,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let value = event
            .value
            .as_f64()
            .ok_or_else(|| Error::rejected(format!("{}: a reading is a number", event.topic)))?;
        let reading = [event.time.as_nanos().to_be_bytes(), value.to_be_bytes()].concat();
        let sealed = match self.keys.seal(event.topic, &reading) {
            // Rotated since: the versions that are open encrypt and sign no more, and those that count now do.
            Err(GuomiError::WrongUse(_) | GuomiError::UnknownKey(_)) => {
                self.keys = Keys::open(ctx)?;
                self.keys.seal(event.topic, &reading)?
            }
            sealed => sealed?,
        };
        ctx.publish_on(self.output, &sealed[..]);
        Ok(())
    }
}

/// What the signature is over.
fn signed(topic: &str, sealed: &[u8]) -> Vec<u8> {
    [topic.as_bytes(), sealed].concat()
}

/// The other side: a reading's time in nanoseconds since 1970, and its value.
///
/// # Errors
/// [`GuomiError::Mismatch`] where it is not of this site, [`GuomiError::DecryptFailed`] where the key is another.
pub fn unseal(
    topic: &str,
    reading: &[u8],
    archive: &Secret,
    site: &Verifier,
) -> Result<(u64, f64), GuomiError> {
    let Some((sealed, signature)) = reading.split_last_chunk::<SIGNATURE>() else {
        return Err(GuomiError::Mismatch);
    };
    site.verify(&signed(topic, sealed), signature)?;
    let plain = Sm4Gcm::new(archive.clone()).open(topic.as_bytes(), sealed)?;
    match plain.as_slice() {
        [a, b, c, d, e, f, g, h, value @ ..] if value.len() == 8 => {
            let time = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            let value = value
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            Ok((time, f64::from_bits(value)))
        }
        _ => Err(GuomiError::DecryptFailed),
    }
}

// What of the trait the component exports: events.
weihe_sdk::plugin!(Sealer: events);

#[cfg(test)]
mod tests;
