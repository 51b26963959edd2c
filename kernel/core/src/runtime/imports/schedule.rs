//! `weihe:plugin/schedule`: timers.

use std::collections::HashSet;

use crate::device::Effect;
use crate::runtime::bindings::imports::weihe::plugin::schedule::{
    CronOptions, EveryOptions, Host, Missed, ScheduleError,
};
use crate::runtime::state::GuestState;
use crate::schedule::{CronError, Missed as Policy, TimerOrder};

use super::convert::shared;

impl From<Missed> for Policy {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::Skip => Self::Skip,
            Missed::Once => Self::Once,
            Missed::CatchUp => Self::CatchUp,
        }
    }
}

impl GuestState {
    fn check_timer(&self, name: &str) -> Result<(), ScheduleError> {
        let topic = format!("$timer/{name}");
        if name.is_empty() {
            return Err(ScheduleError::Invalid("a timer needs a name".into()));
        }
        if let Err(error) = crate::bus::check_topic(&topic) {
            return Err(ScheduleError::Invalid(format!("timer `{name}`: {error}")));
        }
        let limit = self.device.spec.limits.timers as usize;
        if self.outbox.effects.len() >= limit && self.sets(name) >= limit {
            return Err(ScheduleError::Limit(format!(
                "a device may have {limit} timers (limit `timers`)"
            )));
        }
        // Made now, so that the plugin hears of it when there is no room.
        self.device
            .timer_topic(name)
            .map(|_| ())
            .map_err(|refused| ScheduleError::Limit(refused.to_string()))
    }

    /// How many timers the handler sets so far, those named `name` left out.
    fn sets(&self, name: &str) -> usize {
        let set = self
            .outbox
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Timer(order) => order.sets().map(|name| &**name),
                _ => None,
            });
        set.filter(|other| *other != name)
            .collect::<HashSet<_>>()
            .len()
    }

    fn set_timer(&mut self, order: TimerOrder) -> Result<(), ScheduleError> {
        self.order(Effect::Timer(order))
            .map_err(|full| ScheduleError::Limit(full.to_string()))
    }
}

impl Host for GuestState {
    fn every(
        &mut self,
        name: String,
        period: u64,
        options: EveryOptions,
    ) -> wasmtime::Result<Result<(), ScheduleError>> {
        if let Err(error) = self.check_timer(&name) {
            return Ok(Err(error));
        }
        let shortest = self.device.spec.limits.timer_period;
        if period < shortest.nanoseconds() {
            return Ok(Err(ScheduleError::Invalid(format!(
                "timer `{name}`: a period of {period} ns is below the shortest, {shortest} (limit `timer-period`)"
            ))));
        }
        Ok(self.set_timer(TimerOrder::Every {
            name: shared(name),
            period,
            missed: options.missed.into(),
            jitter: options.jitter,
            first: options.first,
        }))
    }

    fn cron(
        &mut self,
        name: String,
        expression: String,
        options: CronOptions,
    ) -> wasmtime::Result<Result<(), ScheduleError>> {
        if let Err(error) = self.check_timer(&name) {
            return Ok(Err(error));
        }
        let expression = match expression.parse() {
            Ok(expression) => expression,
            Err(error @ CronError::Length(_)) => {
                return Ok(Err(ScheduleError::Limit(format!(
                    "timer `{name}`: {error}"
                ))));
            }
            Err(error) => {
                return Ok(Err(ScheduleError::Invalid(format!(
                    "timer `{name}`: {error}"
                ))));
            }
        };
        Ok(self.set_timer(TimerOrder::Cron {
            name: shared(name),
            expression,
            missed: options.missed.into(),
            jitter: options.jitter,
        }))
    }

    fn after(&mut self, name: String, delay: u64) -> wasmtime::Result<Result<(), ScheduleError>> {
        if let Err(error) = self.check_timer(&name) {
            return Ok(Err(error));
        }
        let name = shared(name);
        Ok(self.set_timer(TimerOrder::After { name, delay }))
    }

    fn cancel(&mut self, name: String) -> wasmtime::Result<()> {
        let name = shared(name);
        self.order_or_trap(Effect::Timer(TimerOrder::Cancel { name }))
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.device.clock.now())
    }
}
