//! Recordings: what reached a device on a running host, replayed by a test.

mod line;

use super::kernel::{Place, TestKernel};
use crate::{Error, Failure, Plugin, Sample, Ticket};
use line::{Exchanges, Line, What, read};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A line of a recording that is none, or does not fit what the plugin does.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let error: ReplayError = kernel.replay("fixtures/broken.jsonl").unwrap_err();
/// assert!(error.to_string().starts_with("fixtures/broken.jsonl:3: "));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.text),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.text),
        }
    }
}

impl std::error::Error for ReplayError {}

/// What was replayed.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let Replayed { events, refused, .. } = kernel.replay("fixtures/morning.jsonl").unwrap();
/// assert_eq!((events, refused.len()), (1_440, 0));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// Events that were fed.
    pub events: usize,
    /// Exchanges that were answered as recorded.
    pub exchanges: usize,
    /// Lines whose event, bytes or link the plugin did not handle, with what it says.
    pub refused: Vec<(usize, Error)>,
    /// Events that are missing in the recording, because the recorder was too slow.
    pub missing: u64,
}

impl<P: Plugin> TestKernel<P> {
    /// Replays a recording: sets the clock to its beginning, lets its time pass, feeds its events and bytes, and
    /// answers what the plugin asks on its connections as it was answered then.
    ///
    /// A recording is a file of JSON, an object a line:
    ///
    /// ```text
    /// {"time":1767225600000000000,"topic":"tank/level","kind":"float","value":81.5,"quality":"good"}
    /// {"time":1767225601000000000,"connection":"line","request":"543f0a","reply":"32312e350a"}
    /// {"time":1767225602000000000,"connection":"line","request":"543f0a","failed":"timeout"}
    /// {"time":1767225603000000000,"connection":"line","received":"00ff"}
    /// {"time":1767225604000000000,"connection":"line","link":"down","reason":"cable pulled"}
    /// ```
    ///
    /// Lines of the first kind are what `weihe events --json FILTER > morning.jsonl` writes; whatever else is in them
    /// is left out. What passes on connections is on the topics `$wire/<connection>`, their links on
    /// `$link/<connection>`: such events are taken for lines of the other kinds. Recordings of several filters are put one
    /// behind the other (`cat`); lines are sorted by their times. `value` has its `kind` (`boolean`, `integer`, `float`, `text`, `bytes` in hexadecimal, `json`,
    /// `none`); without one it is what it looks like. `failed` is `timeout` (then `reply` holds what did come) or the
    /// reason why the link is down. Empty lines and lines that begin with `//` are left out.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::TestKernel};
    /// # fn f<P: Plugin>(kernel: &mut TestKernel<P>) {
    /// let replayed = kernel.replay("fixtures/morning.jsonl").unwrap();
    /// assert!(replayed.refused.is_empty(), "{:?}", replayed.refused);
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the file cannot be read, where a line is wrong, and where the plugin asks something on a recorded connection
    /// that was not asked then. What the plugin refuses is no error: it is in [`Replayed::refused`].
    pub fn replay(&mut self, file: impl AsRef<Path>) -> Result<Replayed, ReplayError> {
        let file = file.as_ref();
        let wrong = |line: usize, text: String| ReplayError {
            file: file.to_path_buf(),
            line,
            text,
        };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(0, error.to_string()))?;
        let mut exchanges = Exchanges::new();
        let mut lines: Vec<Line> = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let number = index + 1;
            if text.trim().is_empty() || text.starts_with("//") {
                continue;
            }
            let line = read(number, text, &mut exchanges).map_err(|text| wrong(number, text))?;
            lines.push(line);
        }
        // Recordings of several filters may stand one behind the other. A line without a time goes with the one before.
        let mut last = None;
        lines.sort_by_cached_key(|line| {
            last = line.time.or(last);
            last
        });
        let all: usize = exchanges.values().map(VecDeque::len).sum();
        let exchanges = Rc::new(RefCell::new(exchanges));
        self.answer_from(&exchanges);
        if let Some(begin) = lines.iter().find_map(|line| line.time) {
            self.set_clock(begin);
        }
        let mut replayed = Replayed::default();
        for line in &lines {
            self.play(line, &exchanges, &mut replayed)
                .map_err(|text| wrong(line.number, text))?;
        }
        self.kernel.with(|world| world.line = None);
        let left: usize = exchanges.borrow().values().map(VecDeque::len).sum();
        replayed.exchanges = all - left;
        Ok(replayed)
    }

    /// Answers exchanges that the plugin waits for from the recording.
    fn answer_from(&self, exchanges: &Rc<RefCell<Exchanges>>) {
        let exchanges = Rc::clone(exchanges);
        self.kernel.with(|world| {
            world.line = Some(Box::new(move |connection, request| {
                let mut all = exchanges.borrow_mut();
                let next = all
                    .get_mut(connection)
                    .and_then(|next| next.pop_front_if(|next| next.request == request.bytes));
                match next {
                    Some(exchange) => exchange.outcome,
                    None => Err(Failure::LinkDown("this was not recorded".to_owned())),
                }
            }));
        });
    }

    fn play(
        &mut self,
        line: &Line,
        exchanges: &Rc<RefCell<Exchanges>>,
        replayed: &mut Replayed,
    ) -> Result<(), String> {
        let end = line.time.unwrap_or(self.now());
        self.answer_recorded(exchanges)?;
        // Timers tick one by one, so that each request is answered before the next tick.
        while let Some(left) = end.as_nanos().checked_sub(self.now().as_nanos()) {
            if left == 0 {
                break;
            }
            let before = self.now();
            if let Err(error) = self.step(end, left) {
                if self.now() == before {
                    return Err(error.to_string());
                }
                replayed.refused.push((line.number, error));
            }
            self.answer_recorded(exchanges)?;
        }
        let outcome = match &line.what {
            What::Event {
                topic,
                value,
                quality,
            } => {
                replayed.events += 1;
                let mut sample = Sample::new(value.as_value()).quality(*quality);
                if let Some(time) = line.time {
                    sample = sample.at(time);
                }
                self.event(topic, sample)
            }
            What::Exchange => Ok(()),
            What::Received {
                connection,
                peer,
                bytes,
            } => self.received(connection, *peer, bytes),
            What::Link {
                connection,
                state,
                reason,
            } => self.link(connection, *state, reason),
            What::Gap(missing) => {
                replayed.missing += missing;
                Ok(())
            }
        };
        if let Err(error) = outcome {
            replayed.refused.push((line.number, error));
        }
        self.answer_recorded(exchanges)
    }

    /// Answers what the plugin has submitted, as far as it has its turn.
    fn answer_recorded(&mut self, exchanges: &Rc<RefCell<Exchanges>>) -> Result<(), String> {
        loop {
            let asked = self.next_asked(&exchanges.borrow());
            let Some((ticket, connection, request)) = asked else {
                return Ok(());
            };
            let exchange = {
                let mut all = exchanges.borrow_mut();
                let next = all.get_mut(&connection);
                match next.and_then(|next| next.pop_front_if(|next| next.request == request)) {
                    Some(exchange) => exchange,
                    None => return Err(self.not_recorded(&connection, &request, &all)),
                }
            };
            let outcome = exchange.outcome.as_deref().map_err(Failure::clone);
            self.reply(ticket, outcome)
                .map_err(|error| format!("the exchange of line {}: {error}", exchange.line))?;
        }
    }

    fn not_recorded(&self, connection: &str, request: &[u8], all: &Exchanges) -> String {
        let next = all.get(connection).and_then(VecDeque::front);
        let recorded = match next {
            Some(next) => format!(
                "line {} has `{}`",
                next.line,
                super::sight::hex(&next.request)
            ),
            None => "nothing more was asked then".to_owned(),
        };
        format!(
            "the plugin asks `{}` on connection `{connection}`, which was not recorded: {recorded}",
            super::sight::hex(request)
        )
    }

    /// A request on a recorded connection that is not answered and has its turn.
    fn next_asked(&self, recorded: &Exchanges) -> Option<(Ticket, String, Vec<u8>)> {
        self.kernel.with(|world| {
            let submitted = world.effects.submitted.iter();
            let mut open = submitted.filter(|submitted| {
                recorded.contains_key(&submitted.connection)
                    && !world.replied.contains(&submitted.ticket)
            });
            let found = open.find(|submitted| match &self.place {
                Place::Native(_) => true,
                Place::Sandbox(sandbox) => sandbox.borrow().has_turn(submitted),
            })?;
            let request = found.request.bytes.clone();
            Some((found.ticket, found.connection.clone(), request))
        })
    }
}
