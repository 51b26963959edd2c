//! What the guard has been told of the outputs of one device, and what has changed since: a device with a thousand
//! lines opens them one by one, and each time the guard is told of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connection::Seat;

use super::guard::{Action, Change, Charge, GuardedFrame};
use super::line::SafeLine;
use super::output::{Held, How};
use super::status::SafeState;

/// What the guard has been told.
#[derive(Default)]
pub(super) struct Told {
    charges: BTreeMap<Key, Entry>,
    /// Rises with each look.
    look: u64,
}

/// What a charge is for: a line, by the id of its output, or the frames over a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Line(u64),
    Frames(Arc<str>),
}

struct Entry {
    id: u64,
    /// None where there is nothing that the guard could do.
    charge: Option<Charge>,
    /// That of the line.
    renewal: u64,
    look: u64,
}

impl Told {
    /// What has changed since the last time. Charges get their ids from `next`.
    pub(super) fn changes(
        &mut self,
        held: &Held,
        device: &Arc<str>,
        next: &mut u64,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        self.look += 1;
        let unsafe_yet = held
            .outputs
            .iter()
            .filter(|output| output.state != SafeState::Applied);
        for output in unsafe_yet {
            match &output.how {
                How::Line(line) => {
                    let (key, renewal) = (Key::Line(output.id), line.renewal());
                    match self.charges.get_mut(&key) {
                        Some(entry) if entry.renewal == renewal => entry.look = self.look,
                        _ => self.put(key, order(device, &**line), renewal, next, &mut changes),
                    }
                }
                How::Frame { seat, .. } => {
                    let key = Key::Frames(seat.connection().clone());
                    let known = self.charges.get(&key);
                    if known.is_some_and(|entry| entry.look == self.look) {
                        continue;
                    }
                    let charge = exchange(held, device, seat);
                    match self.charges.get_mut(&key) {
                        Some(entry) if is_same(&entry.charge, &charge) => entry.look = self.look,
                        _ => self.put(key, charge, 0, next, &mut changes),
                    }
                }
                How::Gone { .. } => {}
            }
        }
        let look = self.look;
        self.charges.retain(|_, entry| {
            let stays = entry.look == look;
            if !stays && entry.charge.is_some() {
                changes.push(Change::Drop(entry.id));
            }
            stays
        });
        changes
    }

    fn put(
        &mut self,
        key: Key,
        charge: Option<Charge>,
        renewal: u64,
        next: &mut u64,
        changes: &mut Vec<Change>,
    ) {
        let look = self.look;
        let entry = self.charges.entry(key).or_insert_with(|| {
            *next += 1;
            Entry {
                id: *next,
                charge: None,
                renewal,
                look,
            }
        });
        match &charge {
            Some(charge) => changes.push(Change::Put(entry.id, charge.clone())),
            None if entry.charge.is_some() => changes.push(Change::Drop(entry.id)),
            None => {}
        }
        *entry = Entry {
            id: entry.id,
            charge,
            renewal,
            look,
        };
    }
}

fn is_same(before: &Option<Charge>, now: &Option<Charge>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            Arc::ptr_eq(&before.descriptor, &now.descriptor) && before.action == now.action
        }
        (before, now) => before.is_none() && now.is_none(),
    }
}

fn order(device: &Arc<str>, line: &dyn SafeLine) -> Option<Charge> {
    let guarded = line.guarded()?;
    Some(Charge {
        device: device.clone(),
        on: line.name().into(),
        descriptor: guarded.descriptor,
        action: Action::Order {
            by: guarded.by,
            order: guarded.order,
            what: line.describe().into(),
        },
    })
}

/// All frames over one connection that have not been confirmed, while the link is up.
fn exchange(held: &Held, device: &Arc<str>, seat: &Seat) -> Option<Charge> {
    let (descriptor, line) = seat.descriptor()?;
    let frames: Vec<GuardedFrame> = held
        .outputs
        .iter()
        .filter(|output| output.state != SafeState::Applied)
        .filter_map(|output| match &output.how {
            How::Frame { seat: of, frame } if of.connection() == seat.connection() => {
                Some(frame.guarded())
            }
            _ => None,
        })
        .collect();
    Some(Charge {
        device: device.clone(),
        on: seat.connection().clone(),
        descriptor,
        action: Action::Exchange { line, frames },
    })
}
