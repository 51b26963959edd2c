//! The kernel of a component: its imports.

use crate::bindings::imports::wasi::keyvalue::store;
use crate::bindings::imports::wasi::logging::logging;
use crate::bindings::imports::weihe::connection::connections;
use crate::bindings::imports::weihe::plugin::types::Batch;
use crate::bindings::imports::weihe::plugin::{bus, calls, schedule};
use crate::bindings::sql::weihe::store::sql;
use crate::log::Level;
use crate::{
    CallError, CallId, EventBuf, FailSafeFrame, Failure, LinkState, PeerId, Refused, Reply,
    Request, Rows, SqlError, SqlValue, SubscribeOptions, SubscriptionId, Ticket,
};

/// The imports of `weihe:plugin`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kernel;

impl Kernel {
    pub fn now(&self) -> u64 {
        schedule::now()
    }

    pub fn topic(&self, name: &str) -> Result<u32, Refused> {
        Ok(bus::topic(name)?)
    }

    pub fn topic_name(&self, id: u32) -> Option<String> {
        bus::topic_name(id)
    }

    pub fn source_name(&self, id: u32) -> Option<String> {
        bus::source_name(id)
    }

    pub fn publish_batch(&self, batch: &Batch) -> Result<(), Refused> {
        Ok(bus::publish_batch(batch)?)
    }

    pub fn subscribe(
        &self,
        filter: &str,
        options: SubscribeOptions,
    ) -> Result<SubscriptionId, Refused> {
        Ok(bus::subscribe(filter, options)?)
    }

    pub fn unsubscribe(&self, subscription: SubscriptionId) {
        bus::unsubscribe(subscription);
    }

    pub fn last(&self, topic: &str) -> Result<Option<EventBuf>, Refused> {
        Ok(bus::last(topic)?.map(EventBuf::from))
    }

    pub fn every(
        &self,
        timer: &str,
        period: u64,
        options: schedule::EveryOptions,
    ) -> Result<(), Refused> {
        Ok(schedule::every(timer, period, options)?)
    }

    pub fn cron(
        &self,
        timer: &str,
        expression: &str,
        options: schedule::CronOptions,
    ) -> Result<(), Refused> {
        Ok(schedule::cron(timer, expression, options)?)
    }

    pub fn after(&self, timer: &str, delay: u64) -> Result<(), Refused> {
        Ok(schedule::after(timer, delay)?)
    }

    pub fn cancel(&self, timer: &str) {
        schedule::cancel(timer);
    }

    pub fn call(
        &self,
        device: &str,
        command: &str,
        arguments: &str,
        timeout: u64,
    ) -> Result<CallId, CallError> {
        Ok(calls::call(device, command, arguments, timeout)?)
    }

    pub fn reply(&self, call: CallId, answer: Result<String, CallError>) {
        let answer = answer.map_err(Into::into);
        calls::reply(call, answer.as_ref().map(String::as_str));
    }

    pub fn open(&self, connection: &str) -> Result<Place, Refused> {
        Ok(Place(connections::Connection::open(connection)?))
    }

    pub fn database(&self, name: &str) -> Result<Tables, SqlError> {
        Ok(Tables(sql::Database::open(name)?))
    }

    pub fn bucket(&self, name: &str) -> Result<Keys, Refused> {
        Ok(Keys(store::open(name)?))
    }
}

/// A place at a connection.
#[derive(Debug)]
pub struct Place(connections::Connection);

impl Place {
    pub fn transact(&self, request: Request) -> Result<Reply, Failure> {
        Ok(self.0.transact(&request.into())?.into())
    }

    pub fn submit(&self, request: Request) -> Result<Ticket, Failure> {
        Ok(self.0.submit(&request.into())?)
    }

    pub fn send(&self, peer: Option<PeerId>, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.0.send(peer, bytes)?)
    }

    pub fn cancel(&self, ticket: Ticket) {
        self.0.cancel(ticket);
    }

    pub fn disconnect(&self, peer: PeerId) {
        self.0.disconnect(peer);
    }

    pub fn set_fail_safe(&self, frames: Vec<FailSafeFrame>) -> Result<(), Failure> {
        let frames: Vec<_> = frames.into_iter().map(Into::into).collect();
        Ok(self.0.set_fail_safe(&frames)?)
    }

    pub fn state(&self) -> LinkState {
        self.0.state()
    }
}

/// An open database.
#[derive(Debug)]
pub struct Tables(sql::Database);

impl Tables {
    pub fn execute(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<u64, SqlError> {
        Ok(self.0.execute(statement, parameters)?)
    }

    pub fn execute_many(&self, statement: &str, rows: &[&[SqlValue<'_>]]) -> Result<u64, SqlError> {
        Ok(self.0.execute_many(statement, rows)?)
    }

    pub fn query(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<Rows, SqlError> {
        Ok(self.0.query(statement, parameters)?)
    }
}

/// An open bucket.
#[derive(Debug)]
pub struct Keys(store::Bucket);

impl Keys {
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refused> {
        Ok(self.0.get(key)?)
    }

    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Refused> {
        Ok(self.0.set(key, value)?)
    }

    pub fn delete(&self, key: &str) -> Result<(), Refused> {
        Ok(self.0.delete(key)?)
    }

    pub fn exists(&self, key: &str) -> Result<bool, Refused> {
        Ok(self.0.exists(key)?)
    }

    pub fn keys(&self, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Refused> {
        let page = self.0.list_keys(cursor)?;
        Ok((page.keys, page.cursor))
    }
}

/// Writes one message to the host's log.
pub fn log(level: Level, context: &str, message: &str) {
    logging::log(level, context, message);
}
