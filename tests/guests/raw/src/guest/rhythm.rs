//! How regular its ticks come.

use std::cell::RefCell;

use super::bindings::weihe::plugin::schedule;

/// Ticks since somebody asked.
#[derive(Default)]
struct Rhythm {
    last: Option<u64>,
    ticks: u64,
    worst: u64,
}

thread_local! {
    static RHYTHM: RefCell<Rhythm> = RefCell::default();
}

/// A tick has come.
pub fn tick() {
    let now = schedule::now();
    RHYTHM.with_borrow_mut(|rhythm| {
        rhythm.ticks += 1;
        if let Some(last) = rhythm.last.replace(now) {
            rhythm.worst = rhythm.worst.max(now.saturating_sub(last));
        }
    });
}

/// Ticks since it was asked before, and the longest time between two of them in nanoseconds.
pub fn since_asked() -> String {
    RHYTHM.with_borrow_mut(|rhythm| {
        let ticks = std::mem::take(&mut rhythm.ticks);
        let worst = std::mem::take(&mut rhythm.worst);
        format!("[{ticks}, {worst}]")
    })
}
