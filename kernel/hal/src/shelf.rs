//! What a device has open of one sort, and which versions of its plugin have opened it.

use std::collections::BTreeMap;
use std::sync::Arc;

use weihe_kernel::failsafe::Outputs;

/// Something whose use a version may change, and which can be used again as it was before.
pub(crate) trait Used {
    /// How it is used.
    type Use: Clone;

    /// How it is used now.
    fn in_use(&self) -> Self::Use;

    /// Uses it as before. What fails is written to the log: whoever uses it next gets the error.
    fn resume(self: &Arc<Self>, before: &Self::Use, outputs: &Arc<Outputs>);
}

/// What is open of one sort, by name.
pub(crate) struct Shelf<K, T: Used> {
    entries: BTreeMap<K, Entry<T>>,
}

struct Entry<T: Used> {
    what: Arc<T>,
    /// The versions that have opened it.
    versions: Vec<Arc<str>>,
    /// The version that has opened it last since the versions changed, and how it was used before that;
    /// none where it was not open.
    came: Option<(Arc<str>, Option<T::Use>)>,
}

impl<K, T: Used> Default for Shelf<K, T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone, T: Used> Shelf<K, T> {
    /// What is open; and whether a version has come to it that may change how it is used ([`Self::came`]).
    pub(crate) fn find<Q: ?Sized + Ord>(&self, name: &Q, version: &str) -> Option<(Arc<T>, bool)>
    where
        K: std::borrow::Borrow<Q>,
    {
        let entry = self.entries.get(name)?;
        let last = entry.came.as_ref().map(|(last, _)| &**last);
        Some((entry.what.clone(), last != Some(version)))
    }

    /// A version has come to something that is open, which was used like this before.
    pub(crate) fn came<Q: ?Sized + Ord>(&mut self, name: &Q, version: &Arc<str>, before: T::Use)
    where
        K: std::borrow::Borrow<Q>,
    {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.came = Some((version.clone(), Some(before)));
        }
    }

    /// Opened by a version, also where it was open.
    pub(crate) fn put(&mut self, name: K, what: Arc<T>, version: &Arc<str>) {
        let entry = self.entries.entry(name).or_insert_with(|| Entry {
            what,
            versions: Vec::new(),
            came: Some((version.clone(), None)),
        });
        if !entry.versions.contains(version) {
            entry.versions.push(version.clone());
        }
    }

    /// What a version has changed when it came is changed back.
    pub(crate) fn undo(&mut self, version: &str, outputs: &Arc<Outputs>) {
        for entry in self.entries.values_mut() {
            let came = entry.came.take_if(|(last, _)| **last == *version);
            if let Some((_, Some(before))) = came {
                entry.what.resume(&before, outputs);
            }
        }
    }

    /// The versions have changed: takes out what none of these has opened.
    pub(crate) fn keep(&mut self, versions: &[&str]) -> BTreeMap<K, Arc<T>> {
        for entry in self.entries.values_mut() {
            entry.versions.retain(|own| versions.contains(&&**own));
            entry.came = None;
        }
        let mut gone = BTreeMap::new();
        self.entries.retain(|name, entry| {
            let keeps = !entry.versions.is_empty();
            if !keeps {
                gone.insert(name.clone(), entry.what.clone());
            }
            keeps
        });
        gone
    }
}
