//! The device's place on its connection: puts requests on it and reads what comes back.

use weihe_modbus::{Asked, BROADCAST, Exception, Mode, Options, Reply, Request, describe_function};
use weihe_sdk::{
    Connection, Duration, Error, FailSafeFrame, Failure, Priority, ReplyRule, Ticket, Timestamp,
};

use crate::config::{Config, at};
use crate::safe::SafeWrite;
use crate::stats::Stats;

/// Transaction identifiers of fail-safe frames begin here. They are sent after everything else of the
/// device, so it matters little that a request may have had the same one.
const SAFE_TRANSACTION: u16 = 0x5AFE;

/// The device's place on its connection.
#[derive(Debug)]
pub struct Line {
    connection: Connection,
    mode: Mode,
    unit: u8,
    timeout: Duration,
    turnaround: Duration,
    settle: Duration,
    transaction: u16,
}

/// How long an exchange waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the reply, from the last byte sent.
    pub timeout: Duration,
    /// In silence, when there was none in time.
    pub settle: Duration,
}

/// Why an exchange brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No reply within the time-out.
    Silence(String),
    /// A reply that cannot be read, or that does not answer the request.
    Wrong(String),
    /// The unit, or a gateway before it, refuses.
    Refused {
        /// The function that was asked for.
        function: u8,
        /// Why.
        exception: Exception,
    },
    /// The request never got its turn on the line.
    Line(Failure),
}

impl Trouble {
    /// Whether the unit is silent, be it that a gateway before it says so.
    pub fn is_silence(&self) -> bool {
        match self {
            Trouble::Silence(_) => true,
            Trouble::Refused { exception, .. } => exception.is_silence(),
            Trouble::Wrong(_) | Trouble::Line(_) => false,
        }
    }

    /// Whether the same request may bring something when it is sent again at once.
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Trouble::Silence(_) | Trouble::Wrong(_) => true,
            Trouble::Refused { exception, .. } => exception.is_transient(),
            Trouble::Line(_) => false,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Silence(text) | Trouble::Wrong(text) => f.write_str(text),
            Trouble::Refused {
                function,
                exception,
            } => write!(
                f,
                "function {} is refused with exception {exception}",
                describe_function(*function)
            ),
            Trouble::Line(failure) => write!(f, "{failure}"),
        }
    }
}

/// What a sound exchange brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The reply; none after a broadcast.
    pub reply: Option<Reply>,
    /// When it was there.
    pub time: Timestamp,
}

impl Line {
    /// The place that `config` describes. `seed` keeps devices that share a line from using the same
    /// transaction identifiers.
    pub fn new(connection: Connection, config: &Config, seed: &str) -> Line {
        let transaction = seed.bytes().fold(0x811C_u16, |hash, byte| {
            (hash ^ u16::from(byte)).wrapping_mul(0x0193)
        });
        Line {
            connection,
            mode: config.mode,
            unit: config.unit,
            timeout: config.timeout,
            turnaround: config.turnaround,
            settle: config.settle(),
            transaction,
        }
    }

    /// Whether requests go to all units on a serial line, and none replies. Over TCP unit 0 is the
    /// device itself (Messaging Guide V1.0b, 4.4.2.2).
    pub fn is_broadcast(&self) -> bool {
        self.mode == Mode::Rtu && self.unit == BROADCAST
    }

    /// The device's unit.
    pub fn unit(&self) -> u8 {
        self.unit
    }

    /// How frames are wrapped.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How long exchanges with the device's unit wait.
    pub fn patience(&self) -> Patience {
        Patience {
            timeout: self.timeout,
            settle: self.settle,
        }
    }

    /// Withdraws a request that has not been sent.
    pub fn cancel(&self, ticket: Ticket) {
        self.connection.cancel(ticket);
    }

    /// How long a reply is awaited.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Queues a request to the device's unit. It is sent when the handler returns.
    pub fn submit(
        &mut self,
        request: &Request,
        priority: Priority,
        deadline: Duration,
    ) -> Result<(Ticket, Asked), Trouble> {
        self.submit_to(self.unit, request, priority, self.patience(), deadline)
    }

    /// Queues a request to any unit of the line.
    pub fn submit_to(
        &mut self,
        unit: u8,
        request: &Request,
        priority: Priority,
        patience: Patience,
        deadline: Duration,
    ) -> Result<(Ticket, Asked), Trouble> {
        if self.mode == Mode::Tcp {
            self.transaction = self.transaction.wrapping_add(1);
        }
        let asked = Asked {
            mode: self.mode,
            transaction: if self.mode == Mode::Tcp {
                self.transaction
            } else {
                0
            },
            unit,
            request: request.clone(),
        };
        let bytes = asked
            .encode()
            .map_err(|error| Trouble::Wrong(error.to_string()))?;
        let mut exchange = weihe_sdk::Request::new(bytes)
            .priority(priority)
            .timeout(patience.timeout)
            .deadline(deadline);
        exchange = if self.mode == Mode::Rtu && unit == BROADCAST {
            exchange.turnaround(self.turnaround)
        } else {
            // The codec passes over frames that answer something else, and over garbage. A late reply
            // would answer the next request as well: the line is held until it has passed.
            exchange
                .reply(ReplyRule::Codec(Options::of(self.mode)))
                .turnaround(patience.settle)
        };
        match self.connection.submit(exchange) {
            Ok(ticket) => Ok((ticket, asked)),
            Err(failure) => Err(Trouble::Line(failure)),
        }
    }

    /// Registers what the host writes when the device cannot any more, in place of what it would have
    /// written before.
    pub fn set_fail_safe(&self, writes: &[SafeWrite]) -> Result<(), Error> {
        let frames = writes.iter().enumerate().map(|(index, write)| {
            let wrong = |error: weihe_modbus::PduError| at(&write.point, &error.to_string());
            let transaction = match self.mode {
                Mode::Tcp => SAFE_TRANSACTION.wrapping_add(index as u16),
                Mode::Rtu => 0,
            };
            let wrap = |pdu: &[u8]| weihe_modbus::wrap(self.mode, transaction, self.unit, pdu);
            let bytes = wrap(&write.request.encode().map_err(wrong)?);
            let frame = FailSafeFrame::new(&write.label, bytes).timeout(self.timeout);
            if self.is_broadcast() {
                return Ok(frame.turnaround(self.turnaround));
            }
            let confirmation = write.confirmation.encode().map_err(wrong)?;
            Ok(frame
                .reply(ReplyRule::Codec(Options::of(self.mode)))
                .expects(wrap(&confirmation))
                .turnaround(self.settle))
        });
        let frames: Vec<FailSafeFrame> = frames.collect::<Result<_, Error>>()?;
        let set = self.connection.set_fail_safe(frames);
        set.map_err(|failure| {
            Error::fatal(format!("`safe` values cannot be registered: {failure}"))
        })
    }

    /// Reads the outcome of an exchange, and counts it.
    pub fn read(
        &self,
        asked: &Asked,
        outcome: Result<weihe_sdk::Reply, Failure>,
        stats: &mut Stats,
    ) -> Result<Answered, Trouble> {
        let reply = match outcome {
            Ok(reply) => reply,
            Err(Failure::Timeout(bytes)) => {
                stats.timeouts += 1;
                return Err(Trouble::Silence(self.silence(asked.unit, &bytes)));
            }
            Err(Failure::Framing(text)) => {
                stats.wrong_replies += 1;
                return Err(Trouble::Wrong(text));
            }
            Err(failure) => {
                stats.line_failures += 1;
                return Err(Trouble::Line(failure));
            }
        };
        if asked.mode == Mode::Rtu && asked.unit == BROADCAST {
            return Ok(Answered {
                reply: None,
                time: reply.sent,
            });
        }
        match asked.reply(&reply.bytes) {
            Ok(Reply::Exception {
                function,
                exception,
            }) => {
                stats.exceptions += 1;
                Err(Trouble::Refused {
                    function,
                    exception,
                })
            }
            Ok(content) => {
                stats.answered(reply.received.since(reply.sent));
                Ok(Answered {
                    reply: Some(content),
                    time: reply.received,
                })
            }
            Err(error) => {
                stats.wrong_replies += 1;
                Err(Trouble::Wrong(format!("wrong reply: {error}")))
            }
        }
    }

    fn silence(&self, unit: u8, bytes: &[u8]) -> String {
        let base = format!("no reply from unit {unit} within {}", self.timeout);
        if bytes.is_empty() {
            return base;
        }
        let shown: Vec<String> = bytes
            .iter()
            .take(SHOWN_BYTES)
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let more = if bytes.len() > SHOWN_BYTES {
            " …"
        } else {
            ""
        };
        format!(
            "{base}, only {} bytes: {}{more}",
            bytes.len(),
            shown.join(" ")
        )
    }
}

/// Bytes of an incomplete reply that an error shows: a header and some data, still one line.
const SHOWN_BYTES: usize = 16;
