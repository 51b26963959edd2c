//! Which versions there are now, for keys that were opened a while ago.
//!
//! Looking at all files for each signature would cost more than the signature. So what was seen is kept together with a
//! mark of the shelf (the times of the folder), and is looked at again when that is another one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::sealed::Sealed;
use super::{Shelf, file_name, names};
use crate::keys::{About, KeyError, Standing};

/// What is another one once a file came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keys) struct Mark(pub(in crate::keys) [i64; 6]);

/// The versions that there were.
#[derive(Debug, Default)]
pub(in crate::keys) struct Roll(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    mark: Option<Mark>,
    /// The versions of each key, and which key it is where that was looked at.
    keys: BTreeMap<String, BTreeMap<u32, Option<Identity>>>,
}

/// What tells a key from another one of its name and number.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    id: String,
    created: u64,
}

impl Seen {
    fn of<S: Shelf + ?Sized>(shelf: &S, mark: Option<Mark>) -> Result<Self, KeyError> {
        let mut keys = BTreeMap::<String, BTreeMap<u32, _>>::new();
        for (name, version) in names(shelf)? {
            keys.entry(name).or_default().insert(version, None);
        }
        Ok(Self { mark, keys })
    }
}

/// How a version stands that was opened a while ago.
pub(super) fn standing<S: Shelf + ?Sized>(shelf: &S, about: &About) -> Result<Standing, KeyError> {
    // Before looking: what changes meanwhile gives another mark the next time.
    let mark = shelf.mark()?;
    let mut seen = shelf
        .roll()
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if mark.is_none() || seen.mark != mark {
        *seen = Seen::of(shelf, mark)?;
    }
    let Some(versions) = seen.keys.get_mut(&about.name) else {
        return Ok(Standing::Gone);
    };
    let current = versions.last_key_value().map(|(last, _)| *last);
    let Some(identity) = versions.get_mut(&about.version) else {
        return Ok(Standing::Gone);
    };
    let found = match identity {
        Some(found) => found,
        None => identity.insert(read(shelf, about)?),
    };
    Ok(
        match (found.id == about.id, found.created == about.created) {
            (true, true) if current == Some(about.version) => Standing::Current,
            (true, true) => Standing::Replaced,
            _ => Standing::Gone,
        },
    )
}

/// Which key a file is of. Its header need not be vouched for: who could alter it could as well put an old file back.
fn read<S: Shelf + ?Sized>(shelf: &S, about: &About) -> Result<Identity, KeyError> {
    let file = file_name(&about.name, about.version);
    let bytes = shelf.read(&file)?;
    let sealed = Sealed::parse(&bytes).map_err(|damage| KeyError::Damaged {
        path: shelf.place(&file),
        reason: damage.to_string(),
    })?;
    Ok(Identity {
        id: sealed.header.id,
        created: sealed.header.created,
    })
}
