//! The thread that reads outside of write turns.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

use crate::executor::Executor;
use crate::message::ToReader;
use crate::statistics::Counters;

/// Serves reads in the order of their arrival until the store is closed.
pub(crate) fn run(mut executor: Executor<'_>, inbox: &Receiver<ToReader>, counters: &Counters) {
    while let Ok(message) = inbox.recv() {
        let (acting, work) = match message {
            ToReader::Read { acting, work } => (Some(acting), work),
            ToReader::Host(work) => (None, work),
            ToReader::Close { session } => {
                executor.forget(session);
                continue;
            }
            ToReader::Stop => return,
        };
        if work.is_abandoned() {
            continue;
        }
        counters.queries.fetch_add(1, Relaxed);
        executor.begin(acting);
        work.run(&mut executor);
        executor.end();
        if let Some(fault) = executor.fault() {
            counters.failed(&fault);
        }
    }
}
