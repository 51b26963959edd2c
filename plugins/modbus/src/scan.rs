//! A scan of the line: which units are there, and what they say they are. One exchange at a time waits
//! among the polls of all devices, so that every poll gets its turn between two of them.

use serde_json::{Value as Json, json};
use weihe_modbus::{Access, Asked, Mode, Object, Reply as Said, Request, Table};
use weihe_sdk::{
    Answer, CallError, CallId, Duration, Failure, Priority, Reply, Ticket, Timestamp, log,
};

use crate::answer::named;
use crate::line::{Answered, Patience, Trouble};
use crate::means::Means;
use crate::stats::Stats;

/// The timer that ends a scan whose caller will not wait any longer.
pub const TIMER: &str = "scan-is-over";

/// How long a unit's reply is awaited on a serial line by default: more than any but the slowest unit
/// needs, little enough that polls hardly notice. Over TCP it is the device's own time-out, because a
/// gateway takes the next request only when it has given up the one before.
pub const SERIAL_TIMEOUT: Duration = Duration::from_millis(200);

/// Shortest time-out: at 9600 baud a request and its reply take half of it.
pub const MIN_TIMEOUT: Duration = Duration::from_millis(20);

/// Least and greatest address of a unit (MODBUS over Serial Line V1.02, 2.2).
const UNITS: std::ops::RangeInclusive<u8> = 1..=247;

/// Time kept for the answer to reach its caller.
const MARGIN: Duration = Duration::from_millis(250);

/// The log says how far a scan has come each so many units.
const PROGRESS: u8 = 16;

/// What is to be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    from: u8,
    to: u8,
    timeout: Duration,
    table: Table,
    address: u16,
}

impl Order {
    /// Checks the arguments of the command; `default_timeout` is for one without a time-out.
    pub fn new(
        from: Option<u8>,
        to: Option<u8>,
        timeout: Option<Duration>,
        table: Option<Table>,
        address: Option<u16>,
        default_timeout: Duration,
    ) -> Result<Order, CallError> {
        let order = Order {
            from: from.unwrap_or(*UNITS.start()),
            to: to.unwrap_or(*UNITS.end()),
            timeout: timeout.unwrap_or(default_timeout),
            table: table.unwrap_or(Table::Holding),
            address: address.unwrap_or(0),
        };
        let wrong = |text: String| Err(CallError::invalid_argument(text));
        if order.from > order.to || !UNITS.contains(&order.from) || !UNITS.contains(&order.to) {
            return wrong(format!(
                "`from` is {} and `to` is {}, expected units from 1 to 247, the lowest first",
                order.from, order.to
            ));
        }
        if order.timeout < MIN_TIMEOUT {
            return wrong(format!(
                "`timeout` is {}, expected at least {MIN_TIMEOUT}",
                order.timeout
            ));
        }
        Ok(order)
    }
}

/// The scan under way, if there is one.
#[derive(Debug, Default)]
pub struct Scanner {
    running: Option<Scan>,
}

#[derive(Debug)]
struct Scan {
    call: CallId,
    end: Timestamp,
    order: Order,
    unit: u8,
    step: Step,
    flight: Option<(Ticket, Asked)>,
    found: Vec<Json>,
}

/// What a unit is asked.
#[derive(Debug)]
enum Step {
    /// Whether it is there: one item of a table. What is there answers, be it with an exception.
    Read,
    /// What it is; how it answered before, and the objects that it has named.
    Identify {
        reply: String,
        object: u8,
        objects: Vec<Object>,
    },
}

impl Scanner {
    /// Whether this exchange is the scan's.
    pub fn owns(&self, ticket: Ticket) -> bool {
        let flight = self.running.as_ref().and_then(|scan| scan.flight.as_ref());
        flight.is_some_and(|(flying, _)| *flying == ticket)
    }

    /// Begins a scan.
    pub fn begin(
        &mut self,
        call: CallId,
        deadline: Timestamp,
        order: Order,
        means: &mut Means<'_>,
    ) -> Result<Answer, CallError> {
        if let Some(scan) = &self.running {
            return Err(CallError::unavailable(format!(
                "a scan is under way, at unit {} of {} to {}; `stop-scan` ends it",
                scan.unit, scan.order.from, scan.order.to
            )));
        }
        let end = deadline - MARGIN;
        means
            .ctx
            .after(TIMER, end.since(means.ctx.now()))
            .map_err(|refused| CallError::failed(refused.to_string()))?;
        log::info!("scan of units {} to {} begins", order.from, order.to);
        self.running = Some(Scan {
            call,
            end,
            order,
            unit: order.from,
            step: Step::Read,
            flight: None,
            found: Vec::new(),
        });
        self.ask(means);
        Ok(Answer::pending())
    }

    /// Ends the scan; its caller is told what has been found. How many units that is, if there was one.
    pub fn stop(&mut self, reason: &str, means: &mut Means<'_>) -> Option<usize> {
        let scan = self.running.take()?;
        let found = scan.found.len();
        if let Some((ticket, _)) = scan.flight {
            means.line.cancel(ticket);
        }
        means.ctx.cancel(TIMER);
        log::info!(
            "scan of units {} to {} ends before unit {}: {reason}; {found} found",
            scan.order.from,
            scan.order.to,
            scan.unit
        );
        let answer = Answer::json(&json!({
            "from": scan.order.from,
            "to": scan.order.to,
            "complete": false,
            "next": scan.unit,
            "reason": reason,
            "found": scan.found,
        }));
        means.ctx.reply(scan.call, answer);
        Some(found)
    }

    /// Ends the scan because its caller will not wait any longer.
    pub fn time_is_over(&mut self, means: &mut Means<'_>) {
        self.stop(
            "the time of the call is over; give it more, or go on with `from` at `next`",
            means,
        );
    }

    /// Takes the outcome of an exchange.
    pub fn replied(
        &mut self,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
        means: &mut Means<'_>,
    ) {
        let Some(scan) = &mut self.running else {
            return;
        };
        let Some((_, asked)) = scan.flight.take_if(|(flying, _)| *flying == ticket) else {
            return;
        };
        // The device's own counters tell of its own unit.
        match means.line.read(&asked, outcome, &mut Stats::default()) {
            Err(Trouble::Line(failure)) => {
                self.stop(&failure.to_string(), means);
                return;
            }
            outcome => scan.take(outcome),
        }
        self.ask(means);
    }

    /// How far the scan is, in JSON; null without one.
    pub fn to_json(&self) -> Json {
        self.running.as_ref().map_or(Json::Null, |scan| {
            json!({
                "from": scan.order.from,
                "to": scan.order.to,
                "unit": scan.unit,
                "found": scan.found.len(),
            })
        })
    }

    /// Puts the next request on the line, or answers when there is none.
    fn ask(&mut self, means: &mut Means<'_>) {
        let Some(scan) = &mut self.running else {
            return;
        };
        if scan.unit > scan.order.to {
            means.ctx.cancel(TIMER);
            let (from, to) = (scan.order.from, scan.order.to);
            let found = std::mem::take(&mut scan.found);
            log::info!(
                "scan of units {from} to {to} is done: {} found",
                found.len()
            );
            let answer = json!({"from": from, "to": to, "complete": true, "found": found});
            means.ctx.reply(scan.call, Answer::json(&answer));
            self.running = None;
            return;
        }
        let patience = scan.patience(means);
        let left = scan.end.since(means.ctx.now());
        if left < patience.timeout {
            return self.time_is_over(means);
        }
        let request = scan.request();
        match means
            .line
            .submit_to(scan.unit, &request, Priority::Poll, patience, left)
        {
            Ok(flight) => scan.flight = Some(flight),
            Err(trouble) => {
                self.stop(&trouble.to_string(), means);
            }
        }
    }
}

impl Scan {
    /// How long the unit is waited for. The device's own unit gets the time that its polls have: a late
    /// reply of it could be taken for theirs.
    fn patience(&self, means: &Means<'_>) -> Patience {
        let own = means.line.patience();
        if self.unit == means.line.unit() {
            return own;
        }
        let settle = match means.line.mode() {
            Mode::Tcp => Duration::ZERO,
            Mode::Rtu => self.order.timeout,
        };
        Patience {
            timeout: self.order.timeout,
            settle,
        }
    }

    fn request(&self) -> Request {
        match &self.step {
            Step::Read => Request::Read {
                table: self.order.table,
                address: self.order.address,
                quantity: 1,
            },
            Step::Identify { object, .. } => Request::Identify {
                access: Access::Basic,
                object: *object,
            },
        }
    }

    fn take(&mut self, outcome: Result<Answered, Trouble>) {
        match std::mem::replace(&mut self.step, Step::Read) {
            Step::Read => match outcome {
                Ok(_) => self.identify("read".to_owned()),
                Err(trouble) if trouble.is_silence() => self.next(),
                Err(Trouble::Refused { exception, .. }) => {
                    self.identify(format!("exception {exception}"));
                }
                // Noise, other settings of the line, or two units with one address.
                Err(trouble) => self.note(&trouble.to_string(), Json::Null, None),
            },
            Step::Identify {
                reply,
                object,
                mut objects,
            } => match outcome.map(|answered| answered.reply) {
                Ok(Some(Said::Identification(part))) => {
                    objects.extend(part.objects);
                    match part.next.filter(|next| *next > object) {
                        Some(object) => {
                            self.step = Step::Identify {
                                reply,
                                object,
                                objects,
                            };
                        }
                        None => self.note(&reply, json!(named(&objects)), None),
                    }
                }
                Ok(_) => self.note(&reply, Json::Null, None),
                Err(trouble) => self.note(&reply, Json::Null, Some(trouble)),
            },
        }
    }

    fn identify(&mut self, reply: String) {
        self.step = Step::Identify {
            reply,
            object: 0,
            objects: Vec::new(),
        };
    }

    fn note(&mut self, reply: &str, identification: Json, trouble: Option<Trouble>) {
        let unit = self.unit;
        log::info!("scan: unit {unit} is there ({reply}), identification {identification}");
        let mut entry = json!({"unit": unit, "reply": reply, "identification": identification});
        match trouble {
            Some(trouble) if trouble.is_silence() => {
                entry["reason"] = json!("no reply to function 43");
            }
            Some(trouble) => entry["reason"] = json!(trouble.to_string()),
            None => {}
        }
        self.found.push(entry);
        self.next();
    }

    fn next(&mut self) {
        // No unit is above 247.
        self.unit += 1;
        let asked = self.unit - self.order.from;
        if asked.is_multiple_of(PROGRESS) && self.unit <= self.order.to {
            log::info!(
                "scan: {asked} of {} units asked, {} found",
                self.order.to - self.order.from + 1,
                self.found.len()
            );
        }
    }
}
