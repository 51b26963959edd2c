//! What passes on the connections of the sandbox: the test is their far end.

use super::fault::strike;
use super::sandbox::{Outcome, Sandboxed, Written};
use super::sight::hex;
use super::world::Submitted;
use crate::{Duration, Error, Failure, LinkState, PeerId, Reply, ReplyRule, Request, Ticket};
use serde_json::json;

/// How long a link that may come up is awaited: the pause of the sandbox's connections, twice.
const UP_WITHIN: Duration = Duration::from_millis(400);

/// How long a call into the plugin may take: longer than the limit `call-time` lets it.
const LONGEST_CALL: Duration = Duration::from_secs(3_600);

/// Silence after which a reply by the rule `silence` is complete there.
const SILENCE: Duration = Duration::from_nanos(1_001);

impl Sandboxed {
    /// Takes up what was written on a connection: a request that was submitted, bytes that were sent, or else an
    /// exchange that the plugin waits for.
    pub(super) fn take_up(&mut self, written: Written) -> Option<Outcome> {
        let Written {
            connection,
            peer,
            bytes,
        } = written;
        let sent = self.sending.iter().position(|(to, whom, what)| {
            *to == connection && (*whom == peer || whom.is_none()) && *what == bytes
        });
        if let Some(at) = sent {
            self.sending.remove(at);
            return None;
        }
        let at = (connection.clone(), peer);
        let submitted = self.open.iter().find(|open| {
            open.connection == connection
                && open.request.peer == peer
                && open.request.bytes == bytes
        });
        if let Some(submitted) = submitted {
            let ticket = submitted.ticket;
            self.on_wire.insert(at, ticket);
            let failure = self
                .kernel
                .with(|world| strike!(world, Exchange, &connection))?;
            return Some(self.finish(ticket, Err(failure)));
        }
        let request = Request::new(bytes);
        let fault = self
            .kernel
            .with(|world| strike!(world, Exchange, &connection));
        let answer = match fault {
            Some(failure) => Err(failure),
            None => self.kernel.transact(&connection, request),
        };
        Some(match answer {
            Ok(Reply { bytes, .. }) => self.say(&connection, peer, &bytes),
            Err(Failure::LinkDown(reason)) => self.ask_once(&json!({
                "do": "link", "connection": connection, "down": reason,
            })),
            // All others end as if nobody answered; how long that takes, only the plugin knows.
            Err(failure) => {
                let mut outcome = Outcome::default();
                if let Failure::Timeout(partial) = &failure
                    && !partial.is_empty()
                {
                    outcome.absorb(self.say(&connection, peer, partial));
                }
                outcome.absorb(self.pass(LONGEST_CALL, &json!({ "stop-at-return": true })));
                outcome
            }
        })
    }

    pub(super) fn say(&mut self, connection: &str, peer: Option<PeerId>, bytes: &[u8]) -> Outcome {
        self.ask_once(&json!({
            "do": "say", "connection": connection, "peer": peer, "bytes": hex(bytes),
        }))
    }

    /// Whether a request is the one that its connection awaits the reply to.
    pub(super) fn has_turn(&self, submitted: &Submitted) -> bool {
        let at = (submitted.connection.clone(), submitted.request.peer);
        let open = self.open.iter().any(|open| open.ticket == submitted.ticket);
        open && self.on_wire.get(&at) == Some(&submitted.ticket)
    }

    pub(super) fn reply(
        &mut self,
        ticket: Ticket,
        outcome: Result<&[u8], Failure>,
    ) -> Result<(), Error> {
        let outcome = self.finish(ticket, outcome.map(<[u8]>::to_vec));
        let rest = self.ask(&json!({ "do": "rest" }));
        let mut all = outcome;
        all.absorb(rest);
        all.result()
    }

    fn finish(&mut self, ticket: Ticket, reply: Result<Vec<u8>, Failure>) -> Outcome {
        let refused = |text: String| Outcome {
            error: json!({ "text": text }),
            ..Outcome::default()
        };
        let Some(open) = self.open.iter().find(|open| open.ticket == ticket) else {
            return refused(format!("ticket {ticket} is not open"));
        };
        let (connection, peer) = (open.connection.clone(), open.request.peer);
        let (timeout, rule) = (open.request.timeout, open.request.reply.clone());
        let speaking = self.on_wire.get(&(connection.clone(), peer)).copied();
        if speaking != Some(ticket) {
            return refused(format!(
                "ticket {ticket} has not its turn on `{connection}` yet: one exchange goes at a time, and {} comes \
                 before",
                speaking.map_or("another".to_owned(), |other| format!("ticket {other}"))
            ));
        }
        let mut outcome = Outcome::default();
        match &reply {
            Ok(bytes) => {
                outcome.absorb(self.say(&connection, peer, bytes));
                if matches!(rule, ReplyRule::Silence | ReplyRule::Codec(_))
                    && !outcome.finished.contains(&ticket)
                {
                    outcome.absorb(self.pass(SILENCE, &json!({})));
                }
            }
            Err(Failure::Timeout(partial)) => {
                if !partial.is_empty() {
                    outcome.absorb(self.say(&connection, peer, partial));
                }
                outcome.absorb(self.pass(timeout, &json!({})));
            }
            Err(Failure::LinkDown(reason)) => {
                let down = json!({ "do": "link", "connection": connection, "down": reason });
                outcome.absorb(self.ask_once(&down));
            }
            Err(failure) => {
                return refused(format!(
                    "`{failure}` can only be played natively: in the sandbox a reply is bytes, a time-out or a link \
                     that is down"
                ));
            }
        }
        if !outcome.finished.contains(&ticket) && outcome.error.is_null() {
            return refused(format!(
                "ticket {ticket} on `{connection}` is not finished: the reply is not complete by {rule:?}"
            ));
        }
        outcome
    }

    pub(super) fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let request = json!({
            "do": "say", "connection": connection, "peer": peer, "bytes": hex(bytes),
        });
        self.ask(&request).result()
    }

    pub(super) fn link(
        &mut self,
        connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        let request = match state {
            LinkState::Down => json!({ "do": "link", "connection": connection, "down": reason }),
            LinkState::Up => json!({ "do": "link", "connection": connection }),
            LinkState::Connecting => {
                let text = "`connecting` can only be played natively: the sandbox's own connections pass through it";
                return Err(Error::fatal(text));
            }
        };
        let mut outcome = self.ask(&request);
        if state == LinkState::Up && outcome.error.is_null() {
            outcome.absorb(self.ask(&json!({
                "do": "advance", "nanoseconds": UP_WITHIN.as_nanos(), "until-up": connection,
            })));
        }
        outcome.result()
    }

    pub(super) fn peer(
        &mut self,
        connection: &str,
        id: PeerId,
        address: &str,
        connected: bool,
    ) -> Result<(), Error> {
        let mut request = json!({ "do": "peer", "connection": connection, "peer": id });
        if connected {
            let key = (connection.to_owned(), address.to_owned());
            self.addresses.insert(key, id);
            request["address"] = address.into();
        }
        self.ask(&request).result()
    }
}
