//! Dead letters in the hands of an operator: looked at, delivered again, dropped.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::device::{DeadLetters, Device, DeviceState, LetterView};

use super::Kernel;
use super::error::suggest;

/// How long a device may take to begin with a letter, in nanoseconds: longer than a handler call may
/// last (`call-time`) by default, so that a busy device is waited for.
const PATIENCE: u64 = 15_000_000_000;

/// Which letters of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letters {
    /// All.
    All,
    /// Those with these ids, in this order.
    Ids(Vec<u64>),
}

/// A letter that stayed where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftLetter {
    /// Which.
    pub id: u64,
    /// Why.
    pub reason: String,
}

/// What became of letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sorted {
    /// Those that were delivered again, or dropped: they are kept no more.
    pub done: Vec<u64>,
    /// Those that stayed.
    pub left: Vec<LeftLetter>,
}

impl Sorted {
    fn leave(&mut self, id: u64, reason: impl Into<String>) {
        let reason = reason.into();
        self.left.push(LeftLetter { id, reason });
    }
}

/// Why nothing is done with letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeadError {
    /// There is no device of this name.
    #[error("there is no device `{name}`{help}")]
    Unknown {
        /// The name.
        name: String,
        /// A suggestion.
        help: String,
    },
    /// It has failed.
    #[error("device `{0}` has failed, and takes nothing; mend and start it again first")]
    Failed(String),
    /// Another operator is at it.
    #[error("letters of device `{0}` are being delivered already")]
    Busy(String),
    /// Where they are kept, something is wrong.
    #[error("the dead letters cannot be reached: {0}")]
    Store(String),
}

impl Kernel {
    /// Where dead letters are kept.
    pub fn letters(&self) -> &Arc<dyn DeadLetters> {
        &self.letters
    }

    /// The latest dead letters of a device, or of all, the oldest first; large values in part.
    pub async fn dead_letters(&self, device: Option<&str>) -> Result<Vec<LetterView>, DeadError> {
        let kept = self.letters.list(device).await.map_err(DeadError::Store)?;
        let view =
            |kept: &crate::device::KeptLetter| kept.letter.view(kept.id, &kept.device, kept.bytes);
        Ok(kept.iter().map(view).collect())
    }

    async fn ids(&self, device: &str, letters: Letters) -> Result<Vec<u64>, DeadError> {
        match letters {
            Letters::Ids(ids) => Ok(ids),
            Letters::All => {
                let listed = self.letters.list(Some(device)).await;
                let listed = listed.map_err(DeadError::Store)?;
                Ok(listed.into_iter().map(|kept| kept.id).collect())
            }
        }
    }

    /// Drops dead letters, also of a device that is no more.
    pub async fn drop_dead(&self, device: &str, letters: Letters) -> Result<Sorted, DeadError> {
        let ids = self.ids(device, letters).await?;
        let removed = self.letters.remove(device, ids.clone()).await;
        let mut sorted = Sorted {
            done: removed.map_err(DeadError::Store)?,
            left: Vec::new(),
        };
        for id in ids {
            if !sorted.done.contains(&id) {
                sorted.leave(id, unknown(device, id));
            }
        }
        Ok(sorted)
    }

    /// Delivers events among dead letters again to their device, one by one and behind what waits
    /// for it, with their identity and `attempt` raised. Each is kept until the device has taken it;
    /// if it cannot be handled this time either, it becomes a new letter. After a crash in between
    /// an event may come twice.
    pub async fn retry_dead(&self, device: &str, letters: Letters) -> Result<Sorted, DeadError> {
        let target = self.letters_target(device)?;
        let _alone = target
            .retrying
            .try_lock()
            .map_err(|_| DeadError::Busy(device.to_owned()))?;
        let mut sorted = Sorted::default();
        let mut refusal: Option<String> = None;
        for id in self.ids(device, letters).await? {
            if let Some(reason) = &refusal {
                sorted.leave(id, reason.clone());
                continue;
            }
            let kept = self.letters.load(device, id).await;
            let Some(kept) = kept.map_err(DeadError::Store)? else {
                sorted.leave(id, unknown(device, id));
                continue;
            };
            let event = match kept.letter.event(&self.bus) {
                Ok(event) => event,
                Err(error) => {
                    sorted.leave(id, error.to_string());
                    continue;
                }
            };
            let taken = match target.mailbox.again(event) {
                Some(taken) => self.is_taken(&target, taken).await,
                None => false,
            };
            if taken {
                let removed = self.letters.remove(device, vec![id]).await;
                removed.map_err(DeadError::Store)?;
                sorted.done.push(id);
            } else {
                let state = target.live.get().0.as_str();
                let reason = format!("device `{device}` is {state}, and did not take it");
                sorted.leave(id, reason.clone());
                // Nor will it take the next.
                refusal = Some(reason);
            }
        }
        Ok(sorted)
    }

    /// Waits until a device has taken an event; takes it back when it does not.
    async fn is_taken(&self, target: &Arc<Device>, mut taken: oneshot::Receiver<()>) -> bool {
        // Also when the operator gives up and this is dropped.
        let back = Back(target);
        let in_time = tokio::select! {
            biased;
            taken = &mut taken => taken.is_ok(),
            () = self.clock.sleep(PATIENCE) => false,
        };
        drop(back);
        // It may have been taken just now.
        in_time || taken.try_recv().is_ok()
    }

    fn letters_target(&self, device: &str) -> Result<Arc<Device>, DeadError> {
        let registry = self.registry();
        let Some(placed) = registry.devices.get(device) else {
            return Err(DeadError::Unknown {
                name: device.to_owned(),
                help: suggest(device, registry.devices.keys().map(String::as_str)),
            });
        };
        match placed.device.live.get().0 {
            DeviceState::Failed => Err(DeadError::Failed(device.to_owned())),
            _ => Ok(placed.device.clone()),
        }
    }
}

fn unknown(device: &str, id: u64) -> String {
    format!("device `{device}` has no dead letter {id}")
}

/// Takes an event back that its device has not taken.
struct Back<'a>(&'a Device);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.mailbox.withdraw();
    }
}
