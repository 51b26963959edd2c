//! The plugin: what reaches the device goes to its polls or to its commands.

use serde_json::json;
use weihe_modbus::Mode;
use weihe_sdk::prelude::*;

use crate::command::{self, Command};
use crate::config::{Config, MAX_RETRIES, at};
use crate::describe::description;
use crate::desk::Desk;
use crate::job::{Job, Task};
use crate::line::Line;
use crate::means::Means;
use crate::point::Point;
use crate::poll::Poller;
use crate::safe;
use crate::scan::{self, Order, Scanner};
use crate::spool::{self, Spool};
use crate::stats::Stats;

/// The name of the topic below `plugin/<device>/` on which the device says how it is.
pub const STATUS: &str = "status";

/// A device that speaks Modbus.
#[derive(Debug)]
pub struct Modbus {
    line: Line,
    points: Vec<Point>,
    poller: Poller,
    desk: Desk,
    scanner: Scanner,
    spool: Spool,
    stats: Stats,
    link: Option<LinkState>,
    link_reason: String,
    status: String,
    status_topic: Topic,
    write_multiple: bool,
}

/// What works with [`Means`].
struct Parts<'a> {
    poller: &'a mut Poller,
    desk: &'a mut Desk,
    scanner: &'a mut Scanner,
}

impl Modbus {
    /// What a handler works with; one that publishes ends with [`Modbus::end`].
    fn means<'a>(&'a mut self, ctx: &'a mut Context) -> (Means<'a>, Parts<'a>) {
        let means = Means {
            ctx,
            line: &mut self.line,
            points: &mut self.points,
            spool: &mut self.spool,
            stats: &mut self.stats,
        };
        let parts = Parts {
            poller: &mut self.poller,
            desk: &mut self.desk,
            scanner: &mut self.scanner,
        };
        (means, parts)
    }

    /// How long a scan awaits the reply of a unit unless it says otherwise.
    fn scan_timeout(&self) -> Duration {
        match self.line.mode() {
            Mode::Tcp => self.line.timeout(),
            Mode::Rtu => self.line.timeout().min(scan::SERIAL_TIMEOUT),
        }
    }

    fn is_up(&self) -> bool {
        self.link == Some(LinkState::Up)
    }

    fn link_text(&self) -> String {
        let state = match self.link {
            Some(LinkState::Up) => "link up",
            Some(LinkState::Connecting) => "link connecting",
            Some(LinkState::Down) | None => "link down",
        };
        if self.link_reason.is_empty() {
            state.to_owned()
        } else {
            format!("{state}: {}", self.link_reason)
        }
    }

    /// Ends a handler: publishes what it brought.
    fn end(&mut self, ctx: &mut Context) -> Result<(), Error> {
        self.report(ctx);
        self.spool.end(ctx, &mut self.points, &mut self.stats)
    }

    /// Publishes how the device is, when that has changed.
    fn report(&mut self, ctx: &mut Context) {
        let status = match self.link {
            Some(LinkState::Up) => self.poller.status(),
            Some(LinkState::Down) => Some(self.link_text()),
            Some(LinkState::Connecting) | None => None,
        };
        if let Some(status) = status.filter(|status| *status != self.status) {
            ctx.publish_on(self.status_topic, &status);
            self.status = status;
        }
    }

    fn work(
        &mut self,
        ctx: &mut Context,
        id: CallId,
        deadline: Timestamp,
        job: Job,
    ) -> Result<Answer, CallError> {
        if self.line.is_broadcast() && job.needs_reply() {
            return Err(CallError::invalid_argument(
                "unit 0 is all units, and none replies: nothing can be read",
            ));
        }
        if !self.is_up() {
            return Err(CallError::unavailable(self.link_text()));
        }
        let task = Task {
            call: id,
            deadline,
            job,
        };
        let (mut means, parts) = self.means(ctx);
        parts.desk.accept(task, &mut means)
    }
}

impl Plugin for Modbus {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        description()
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        check(&config)?;
        let connection = ctx
            .connection()
            .map_err(|refused| Error::fatal(refused.to_string()))?;
        let status_topic = ctx.own_topic(STATUS)?;
        let status_name = format!("plugin/{}/{STATUS}", ctx.device());
        let mut points: Vec<Point> = Vec::with_capacity(config.points.len());
        let mut names = std::collections::BTreeMap::new();
        let mut topics = std::collections::BTreeMap::new();
        for (index, written) in config.points.iter().enumerate() {
            if written.name.is_empty() {
                return Err(Error::fatal(format!("`points[{index}].name` is empty")));
            }
            let wrong = |text: String| at(&written.name, &text);
            let point = Point::new(ctx, &config, written).map_err(wrong)?;
            if let Some(first) = names.insert(point.name.clone(), index) {
                return Err(wrong(format!("entries {first} and {index} have this name")));
            }
            let topic = point.topic_name.clone();
            if topic == status_name {
                return Err(wrong(format!(
                    "topic `{topic}` is the device's status; set another `name` or `topic`"
                )));
            }
            if let Some(first) = topics.insert(topic, written.name.clone()) {
                return Err(wrong(format!(
                    "point `{first}` has the same topic `{}`",
                    point.topic_name
                )));
            }
            points.push(point);
        }
        let poller = Poller::start(ctx, &config, &points)?;
        let line = Line::new(connection, &config, ctx.device());
        line.set_fail_safe(&safe::requests(&config, &points)?)?;
        Ok(Modbus {
            line,
            points,
            poller,
            desk: Desk::new(config.retries),
            scanner: Scanner::default(),
            spool: Spool::default(),
            stats: Stats::default(),
            link: None,
            link_reason: String::new(),
            status: String::new(),
            status_topic,
            write_multiple: config.write_multiple,
        })
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _: u64) -> Result<(), Error> {
        // Several timers may tick in one handler call: only one of them has room to publish.
        self.spool.begin(match timer {
            spool::TIMER => spool::PORTION,
            _ => 0,
        });
        let is_up = self.is_up();
        let (mut means, parts) = self.means(ctx);
        if timer == scan::TIMER {
            parts.scanner.time_is_over(&mut means);
        } else if is_up {
            parts.poller.tick(timer, &mut means);
        }
        self.end(ctx)
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        self.spool.begin(spool::PORTION);
        let (mut means, parts) = self.means(ctx);
        // Other tickets were given up when the link changed, or belong to an instance before.
        if parts.poller.owns(ticket) {
            parts.poller.replied(ticket, outcome, &mut means);
        } else if parts.desk.owns(ticket) {
            parts.desk.replied(ticket, outcome, &mut means);
        } else if parts.scanner.owns(ticket) {
            parts.scanner.replied(ticket, outcome, &mut means);
        }
        self.end(ctx)
    }

    fn on_link(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        let was_up = self.is_up();
        let first = self.link.is_none();
        self.link = Some(state);
        self.link_reason = reason.to_owned();
        let text = self.link_text();
        self.spool.begin(spool::PORTION);
        let (mut means, Parts { poller, .. }) = self.means(ctx);
        match state {
            LinkState::Up if !was_up => poller.resume(&mut means),
            LinkState::Up => {}
            LinkState::Down => poller.suspend(&text, &mut means),
            LinkState::Connecting if was_up || !first => poller.suspend(&text, &mut means),
            LinkState::Connecting => {}
        }
        self.end(ctx)
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let job = match call.command {
            Command::Write { point, value } => {
                command::write_point(&self.points, &point, value, self.write_multiple)?
            }
            Command::WriteRaw {
                function,
                address,
                values,
            } => command::write_raw(function, address, &values)?,
            Command::Read {
                point,
                table,
                address,
                count,
            } => command::read(&self.points, point.as_deref(), table, address, count)?,
            Command::Mask {
                point,
                address,
                and,
                or,
            } => command::mask(&self.points, point.as_deref(), address, and, or)?,
            Command::Identify { access, object } => {
                command::identify(access.as_deref(), object.as_ref())?
            }
            Command::Scan {
                from,
                to,
                timeout,
                table,
                address,
            } => {
                let default = self.scan_timeout();
                let order = Order::new(from, to, timeout, table, address, default)?;
                if !self.is_up() {
                    return Err(CallError::unavailable(self.link_text()));
                }
                let (mut means, parts) = self.means(ctx);
                return parts
                    .scanner
                    .begin(call.id, call.deadline, order, &mut means);
            }
            Command::StopScan => {
                let (mut means, parts) = self.means(ctx);
                let found = parts.scanner.stop("stopped by `stop-scan`", &mut means);
                return Answer::json(&json!({"stopped": found.is_some(), "found": found}));
            }
            Command::Points => {
                let points: Vec<_> = self.points.iter().map(Point::to_json).collect();
                return Answer::json(&points);
            }
            Command::Stats => {
                return Answer::json(&json!({
                    "link": self.link_text(),
                    "status": self.status,
                    "counters": self.stats,
                    "scan": self.scanner.to_json(),
                    "reads": self.poller.to_json(),
                }));
            }
        };
        self.work(ctx, call.id, call.deadline, job)
    }
}

/// What concerns the device as a whole.
fn check(config: &Config) -> Result<(), Error> {
    let wrong = |text: String| Err(Error::fatal(text));
    if config.mode == Mode::Rtu && config.unit > 247 {
        return wrong(format!(
            "`unit` is {}, expected 0 to 247 on a serial line (248 to 255 are reserved)",
            config.unit
        ));
    }
    if config.timeout.is_zero() {
        return wrong("`timeout` is 0, expected a span such as \"1 s\"".to_owned());
    }
    if config.retries > MAX_RETRIES {
        return wrong(format!(
            "`retries` is {}, expected 0 to {MAX_RETRIES}",
            config.retries
        ));
    }
    let (registers, bits) = (
        weihe_modbus::MAX_READ_REGISTERS,
        weihe_modbus::MAX_READ_BITS,
    );
    if !(1..=registers).contains(&config.max_registers) {
        return wrong(format!(
            "`max-registers` is {}, expected 1 to {registers}",
            config.max_registers
        ));
    }
    if !(1..=bits).contains(&config.max_bits) {
        return wrong(format!(
            "`max-bits` is {}, expected 1 to {bits}",
            config.max_bits
        ));
    }
    Ok(())
}
