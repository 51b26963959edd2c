//! Where dead letters outlive the moment: kept until an operator delivers them again or drops them.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::letter::Letter;

/// The most letters of one device that are kept: more than an operator reads, and what one wrong
/// message a minute makes in four hours.
pub const MAX_LETTERS: usize = 256;

/// The most that the letters of one device may take, in bytes. A hundred devices stay within what a
/// board's flash has to spare.
pub const MAX_LETTER_BYTES: usize = 1 << 20;

/// The most letters that one listing shows, the latest: its answer stays within a few megabytes.
pub const MAX_LISTED: usize = 1_000;

/// How much of each value a listing shows, in bytes.
pub const SHOWN_BYTES: usize = 1 << 10;

/// Work on letters under way; errors are in words for the operator.
pub type Sorting<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// A letter that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLetter {
    /// Names it; never used again.
    pub id: u64,
    /// Whose input it was.
    pub device: String,
    /// The letter. In a listing its payload is cut to [`SHOWN_BYTES`].
    pub letter: Letter,
    /// The size of the whole payload.
    pub bytes: u64,
}

/// Keeps dead letters, at most [`MAX_LETTERS`] and [`MAX_LETTER_BYTES`] for each device. The store
/// implements it. None of the calls blocks, and what is asked is done also when nobody awaits it.
pub trait DeadLetters: Send + Sync {
    /// Keeps a letter; tells how many were lost for it: the oldest of the device, or the letter
    /// itself when it is larger than all may be.
    fn keep(&self, device: &str, letter: Letter) -> Sorting<u64>;

    /// The latest letters of a device, or of all, the oldest first.
    fn list(&self, device: Option<&str>) -> Sorting<Vec<KeptLetter>>;

    /// One letter, whole.
    fn load(&self, device: &str, id: u64) -> Sorting<Option<KeptLetter>>;

    /// Removes letters of a device; tells which of them there were. Durable when it ends.
    fn remove(&self, device: &str, ids: Vec<u64>) -> Sorting<Vec<u64>>;
}

/// Letters in memory: they survive the device, not the host.
#[derive(Debug, Default)]
pub struct MemoryDeadLetters {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    letters: BTreeMap<String, VecDeque<(u64, Letter)>>,
}

impl MemoryDeadLetters {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kept(device: &str, id: u64, letter: &Letter, shown: usize) -> KeptLetter {
    let mut cut = letter.clone();
    cut.payload.truncate(shown);
    KeptLetter {
        id,
        device: device.to_owned(),
        bytes: letter.payload.len() as u64,
        letter: cut,
    }
}

impl DeadLetters for MemoryDeadLetters {
    fn keep(&self, device: &str, letter: Letter) -> Sorting<u64> {
        let mut kept = self.lock();
        if letter.size() > MAX_LETTER_BYTES {
            return Box::pin(ready(Ok(1)));
        }
        kept.last += 1;
        let id = kept.last;
        let letters = kept.letters.entry(device.to_owned()).or_default();
        letters.push_back((id, letter));
        let mut bytes: usize = letters.iter().map(|(_, letter)| letter.size()).sum();
        let mut lost = 0;
        while letters.len() > MAX_LETTERS || bytes > MAX_LETTER_BYTES {
            let Some((_, oldest)) = letters.pop_front() else {
                break;
            };
            bytes -= oldest.size();
            lost += 1;
        }
        Box::pin(ready(Ok(lost)))
    }

    fn list(&self, device: Option<&str>) -> Sorting<Vec<KeptLetter>> {
        let all = self.lock();
        let mut listed: Vec<KeptLetter> = all
            .letters
            .iter()
            .filter(|(name, _)| device.is_none_or(|device| device == *name))
            .flat_map(|(name, letters)| {
                letters
                    .iter()
                    .map(|(id, letter)| kept(name, *id, letter, SHOWN_BYTES))
            })
            .collect();
        listed.sort_by_key(|letter| letter.id);
        listed.drain(..listed.len().saturating_sub(MAX_LISTED));
        Box::pin(ready(Ok(listed)))
    }

    fn load(&self, device: &str, id: u64) -> Sorting<Option<KeptLetter>> {
        let all = self.lock();
        let letters = all.letters.get(device);
        let found = letters.and_then(|letters| letters.iter().find(|(known, _)| *known == id));
        let found = found.map(|(id, letter)| kept(device, *id, letter, usize::MAX));
        Box::pin(ready(Ok(found)))
    }

    fn remove(&self, device: &str, ids: Vec<u64>) -> Sorting<Vec<u64>> {
        let mut removed = Vec::new();
        if let Some(letters) = self.lock().letters.get_mut(device) {
            letters.retain(|(id, _)| {
                let goes = ids.contains(id);
                if goes {
                    removed.push(*id);
                }
                !goes
            });
        }
        Box::pin(ready(Ok(removed)))
    }
}
