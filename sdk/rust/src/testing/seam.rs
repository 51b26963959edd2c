//! The kernel behind a [`Context`](crate::Context) in native code: the same calls as a component's
//! imports, answered by the fake [`World`].

use super::fault::strike;
use super::grants::Grants;
use super::world::{OutgoingCall, Published, Sent, SqlAnswer, SqlCall, Submitted, Timer, World};
use super::{Log, calendar};
use crate::bindings::imports::weihe::plugin::schedule::{CronOptions, EveryOptions};
use crate::bindings::imports::weihe::plugin::types::Batch;
use crate::log::Level;
use crate::packed::{self, Reader};
use crate::{
    CallError, CallId, EventBuf, FailSafeFrame, Failure, LinkState, PeerId, Refused, Reply,
    Request, Rows, SqlError, SqlValue, SubscribeOptions, SubscriptionId, Ticket, Timestamp,
};
use std::cell::RefCell;
use std::rc::Rc;

/// The fake kernel's side of a context.
#[derive(Debug, Clone, Default)]
pub struct Kernel(Rc<RefCell<World>>);

impl Kernel {
    pub(super) fn with<R>(&self, use_it: impl FnOnce(&mut World) -> R) -> R {
        use_it(&mut self.0.borrow_mut())
    }

    fn allowed(&self, name: &str) -> Result<(), Refused> {
        self.with(|world| {
            if name.is_empty() {
                return Err(Refused::Invalid("a topic is not empty".to_owned()));
            }
            if world.denied.iter().any(|denied| denied == name) {
                return Err(Refused::Denied(format!("`{name}`: no grant covers it")));
            }
            Ok(())
        })
    }

    pub fn now(&self) -> u64 {
        self.with(|world| world.now)
    }

    /// Whether the device's grants, where a test gives some, cover something.
    fn granted(
        &self,
        name: &str,
        covers: impl FnOnce(&Grants, &str) -> bool,
    ) -> Result<(), Refused> {
        self.with(|world| match &world.grants {
            Some(grants) if !covers(grants, &world.device) => {
                Err(Refused::Denied(format!("`{name}`: no grant covers it")))
            }
            _ => Ok(()),
        })
    }

    pub fn topic(&self, name: &str) -> Result<u32, Refused> {
        self.allowed(name)?;
        self.granted(name, |grants, device| grants.may_publish(device, name))?;
        if name.contains(['+', '#']) {
            return Err(Refused::Invalid(format!(
                "`{name}`: a topic holds no wildcard"
            )));
        }
        Ok(self.with(|world| world.id_of(name)))
    }

    pub fn topic_name(&self, id: u32) -> Option<String> {
        self.with(|world| world.name_of(id))
    }

    pub fn source_name(&self, id: u32) -> Option<String> {
        self.with(|world| world.name_of(id))
    }

    pub fn publish_batch(&self, batch: &Batch) -> Result<(), Refused> {
        self.with(|world| {
            let invalid = |error: packed::LayoutError| Refused::Invalid(error.to_string());
            let reader = Reader::new(&batch.head, &batch.bytes).map_err(invalid)?;
            let mut published = Vec::new();
            for record in reader.iter() {
                let record = record.map_err(invalid)?;
                let topic = world.name_of(record.topic).ok_or_else(|| {
                    Refused::Invalid(format!("unknown topic id {}", record.topic))
                })?;
                if let Some(refused) = strike!(world, Publish, &topic) {
                    return Err(refused);
                }
                let now = Timestamp::from_nanos(world.now);
                published.push(Published {
                    topic,
                    time: if record.time.as_nanos() == 0 {
                        now
                    } else {
                        record.time
                    },
                    quality: record.quality,
                    value: record.value.to_buf(),
                    cause: (record.source != packed::NONE).then_some(record.source),
                });
            }
            world.effects.published.append(&mut published);
            Ok(())
        })
    }

    pub fn subscribe(
        &self,
        filter: &str,
        options: SubscribeOptions,
    ) -> Result<SubscriptionId, Refused> {
        self.allowed(filter)?;
        self.granted(filter, |grants, device| {
            grants.may_subscribe(device, filter)
        })?;
        if let Some(refused) = self.with(|world| strike!(world, Subscribe, filter)) {
            return Err(refused);
        }
        Ok(self.with(|world| {
            let known = world.effects.subscriptions.get(filter).map(|(id, _)| *id);
            let id = known.unwrap_or_else(|| world.take_id() as u32);
            world
                .effects
                .subscriptions
                .insert(filter.to_owned(), (id, options));
            id
        }))
    }

    pub fn unsubscribe(&self, subscription: SubscriptionId) {
        self.with(|world| {
            world
                .effects
                .subscriptions
                .retain(|_, (id, _)| *id != subscription)
        });
    }

    pub fn last(&self, topic: &str) -> Result<Option<EventBuf>, Refused> {
        self.allowed(topic)?;
        Ok(self.with(|world| world.last.get(topic).cloned()))
    }

    fn timer_fault(&self, timer: &str) -> Result<(), Refused> {
        self.with(|world| strike!(world, Timer, timer))
            .map_or(Ok(()), Err)
    }

    pub fn every(&self, timer: &str, period: u64, options: EveryOptions) -> Result<(), Refused> {
        if timer.is_empty() || period == 0 {
            return Err(Refused::Invalid(format!(
                "timer `{timer}`: a name and a period are needed"
            )));
        }
        self.timer_fault(timer)?;
        self.with(|world| {
            let due = Timestamp::from_nanos(world.now + options.first.unwrap_or(period));
            let timer_set = Timer {
                due,
                period: Some(period),
                cron: None,
                options: Some(options),
            };
            world.effects.timers.insert(timer.to_owned(), timer_set);
        });
        Ok(())
    }

    pub fn cron(&self, timer: &str, expression: &str, options: CronOptions) -> Result<(), Refused> {
        if timer.is_empty() {
            return Err(Refused::Invalid("a timer has a name".to_owned()));
        }
        self.timer_fault(timer)?;
        self.with(|world| {
            let now = Timestamp::from_nanos(world.now);
            let due = calendar::after(expression, now)
                .map_err(|fault| Refused::Invalid(format!("timer `{timer}`: {fault}")))?;
            let timer_set = Timer {
                due,
                period: None,
                cron: Some(expression.to_owned()),
                options: Some(EveryOptions {
                    missed: options.missed,
                    jitter: options.jitter,
                    first: None,
                }),
            };
            world.effects.timers.insert(timer.to_owned(), timer_set);
            Ok(())
        })
    }

    pub fn after(&self, timer: &str, delay: u64) -> Result<(), Refused> {
        if timer.is_empty() {
            return Err(Refused::Invalid("a timer has a name".to_owned()));
        }
        self.timer_fault(timer)?;
        self.with(|world| {
            let due = Timestamp::from_nanos(world.now.saturating_add(delay));
            let timer_set = Timer {
                due,
                period: None,
                cron: None,
                options: None,
            };
            world.effects.timers.insert(timer.to_owned(), timer_set);
        });
        Ok(())
    }

    pub fn cancel(&self, timer: &str) {
        self.with(|world| world.effects.timers.remove(timer));
    }

    pub fn call(
        &self,
        device: &str,
        command: &str,
        arguments: &str,
        timeout: u64,
    ) -> Result<CallId, CallError> {
        let arguments: serde_json::Value = serde_json::from_str(arguments)
            .map_err(|error| CallError::InvalidArgument(error.to_string()))?;
        if !arguments.is_object() {
            let text = format!("{device}.{command}: the arguments are no JSON object");
            return Err(CallError::InvalidArgument(text));
        }
        self.granted(device, |grants, _| grants.may_call(device))
            .map_err(|refused| CallError::Denied(refused.text().to_owned()))?;
        if let Some(error) = self.with(|world| strike!(world, Call, device)) {
            return Err(error);
        }
        Ok(self.with(|world| {
            let id = world.take_id();
            world.effects.calls.push(OutgoingCall {
                id,
                device: device.to_owned(),
                command: command.to_owned(),
                arguments,
                timeout,
            });
            id
        }))
    }

    pub fn reply(&self, call: CallId, answer: Result<String, CallError>) {
        self.with(|world| world.effects.answers.push((call, answer)));
    }

    pub fn open(&self, connection: &str) -> Result<Place, Refused> {
        let known = self.with(|world| world.links.contains_key(connection));
        if !known {
            let text = format!("no connection `{connection}`: name it in the setup of the test");
            return Err(Refused::Unknown(text));
        }
        if let Some(refused) = self.with(|world| strike!(world, Open, connection)) {
            return Err(refused);
        }
        Ok(Place {
            kernel: self.clone(),
            name: connection.to_owned(),
        })
    }

    /// Has the test answer an exchange that the plugin waits for.
    pub(super) fn transact(&self, connection: &str, request: Request) -> Result<Reply, Failure> {
        // The seam is taken out while it runs, so that it may be a closure over the test's own state.
        let mut line = self.with(|world| world.line.take());
        let outcome = match &mut line {
            Some(line) => line(connection, &request),
            None => Err(Failure::LinkDown(
                "the test answers no `transact`".to_owned(),
            )),
        };
        self.with(|world| world.line = line);
        let now = Timestamp::from_nanos(self.now());
        outcome.map(|bytes| Reply {
            bytes,
            sent: now,
            received: now,
        })
    }

    pub fn database(&self, name: &str) -> Result<Tables, SqlError> {
        let tables = Tables {
            kernel: self.clone(),
            name: name.to_owned(),
        };
        tables.ask(SqlCall::Open(name)).map(|_| tables)
    }

    pub fn bucket(&self, name: &str) -> Result<Keys, Refused> {
        if let Some(refused) = self.with(|world| strike!(world, Open, name)) {
            return Err(refused);
        }
        Ok(Keys {
            kernel: self.clone(),
            bucket: name.to_owned(),
        })
    }
}

/// A place at a connection.
#[derive(Debug)]
pub struct Place {
    kernel: Kernel,
    name: String,
}

impl Place {
    fn fault(&self) -> Option<Failure> {
        self.kernel
            .with(|world| strike!(world, Exchange, &self.name))
    }

    pub fn transact(&self, request: Request) -> Result<Reply, Failure> {
        if let Some(failure) = self.fault() {
            return Err(failure);
        }
        self.kernel.transact(&self.name, request)
    }

    pub fn submit(&self, request: Request) -> Result<Ticket, Failure> {
        // As on a host that has tried in vain to open it.
        if let Some(reason) = self
            .kernel
            .with(|world| world.down.get(&self.name).cloned())
        {
            return Err(Failure::LinkDown(reason));
        }
        let fault = self.fault();
        Ok(self.kernel.with(|world| {
            let ticket = world.take_id();
            let connection = self.name.clone();
            world.tickets.insert(ticket, connection.clone());
            if let Some(failure) = fault {
                let failing = (connection.clone(), ticket, failure);
                world.failing.push_back(failing);
            }
            world.effects.submitted.push(Submitted {
                connection,
                ticket,
                request,
            });
            ticket
        }))
    }

    pub fn send(&self, peer: Option<PeerId>, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(failure) = self.fault() {
            return Err(failure);
        }
        self.kernel.with(|world| {
            let connection = self.name.clone();
            world.effects.sent.push(Sent {
                connection,
                peer,
                bytes: bytes.to_owned(),
            });
        });
        Ok(())
    }

    pub fn cancel(&self, ticket: Ticket) {
        self.kernel
            .with(|world| world.effects.cancelled.push(ticket));
    }

    pub fn disconnect(&self, peer: PeerId) {
        self.kernel
            .with(|world| world.effects.disconnected.push(peer));
    }

    pub fn set_fail_safe(&self, frames: Vec<FailSafeFrame>) -> Result<(), Failure> {
        self.kernel.with(|world| {
            let fail_safe = &mut world.effects.fail_safe;
            match frames.is_empty() {
                true => fail_safe.remove(&self.name),
                false => fail_safe.insert(self.name.clone(), frames),
            };
        });
        Ok(())
    }

    pub fn state(&self) -> LinkState {
        self.kernel.with(|world| {
            world
                .links
                .get(&self.name)
                .copied()
                .unwrap_or(LinkState::Down)
        })
    }
}

/// An open database.
#[derive(Debug)]
pub struct Tables {
    kernel: Kernel,
    name: String,
}

impl Tables {
    fn ask(&self, call: SqlCall<'_>) -> Result<SqlAnswer, SqlError> {
        if let Some(error) = self.kernel.with(|world| strike!(world, Sql, &self.name)) {
            return Err(error);
        }
        let mut sql = self.kernel.with(|world| world.sql.take());
        let answer = match &mut sql {
            Some(sql) => sql(call),
            None => Err(SqlError::Unknown(
                "the test has no database: set one up".to_owned(),
            )),
        };
        self.kernel.with(|world| world.sql = sql);
        answer
    }

    fn change(&self, call: SqlCall<'_>) -> Result<u64, SqlError> {
        match self.ask(call)? {
            SqlAnswer::Changed(rows) => Ok(rows),
            SqlAnswer::Found(_) => Err(SqlError::Invalid("the test answered rows".to_owned())),
        }
    }

    pub fn execute(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<u64, SqlError> {
        self.change(SqlCall::Execute(statement, parameters))
    }

    pub fn execute_many(&self, statement: &str, rows: &[&[SqlValue<'_>]]) -> Result<u64, SqlError> {
        self.change(SqlCall::ExecuteMany(statement, rows))
    }

    pub fn query(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<Rows, SqlError> {
        match self.ask(SqlCall::Query(statement, parameters))? {
            SqlAnswer::Found(rows) => Ok(rows),
            SqlAnswer::Changed(_) => Err(SqlError::Invalid("the test answered no rows".to_owned())),
        }
    }
}

/// An open bucket.
#[derive(Debug)]
pub struct Keys {
    kernel: Kernel,
    bucket: String,
}

impl Keys {
    fn fault(&self) -> Result<(), Refused> {
        self.kernel
            .with(|world| strike!(world, Keys, &self.bucket))
            .map_or(Ok(()), Err)
    }

    fn path(&self, key: &str) -> (String, String) {
        (self.bucket.clone(), key.to_owned())
    }

    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refused> {
        self.fault()?;
        Ok(self
            .kernel
            .with(|world| world.effects.keys.get(&self.path(key)).cloned()))
    }

    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Refused> {
        self.fault()?;
        self.kernel
            .with(|world| world.effects.keys.insert(self.path(key), value.to_owned()));
        Ok(())
    }

    pub fn delete(&self, key: &str) -> Result<(), Refused> {
        self.fault()?;
        self.kernel
            .with(|world| world.effects.keys.remove(&self.path(key)));
        Ok(())
    }

    pub fn exists(&self, key: &str) -> Result<bool, Refused> {
        self.fault()?;
        Ok(self
            .kernel
            .with(|world| world.effects.keys.contains_key(&self.path(key))))
    }

    pub fn keys(&self, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Refused> {
        self.fault()?;
        let from = self.path(cursor.unwrap_or_default());
        let keys = self.kernel.with(|world| {
            let all = world.effects.keys.range(from..);
            all.take_while(|((bucket, _), _)| *bucket == self.bucket)
                .map(|((_, key), _)| key.clone())
                .collect()
        });
        Ok((keys, None))
    }
}

thread_local! {
    /// Messages of this thread's plugins; the log has no device, so it belongs to the thread.
    static LOGS: RefCell<Vec<Log>> = const { RefCell::new(Vec::new()) };
}

/// Writes one message to stderr and keeps it.
pub fn log(level: Level, context: &str, message: &str) {
    keep_log(Log {
        level,
        context: context.to_owned(),
        message: message.to_owned(),
    });
}

pub(super) fn keep_log(log: Log) {
    eprintln!("{:?} {}: {}", log.level, log.context, log.message);
    LOGS.with_borrow_mut(|logs| logs.push(log));
}

pub(super) fn take_logs() -> Vec<Log> {
    LOGS.with_borrow_mut(std::mem::take)
}
