//! `weihe:connection/connections`: the device's side of its connections.

use bytes::Bytes;
use wasmtime::component::Resource;

use crate::connection::Seat;
use crate::device::{Effect, OpenFailure};
use crate::failsafe::{self, SafeFrame};
use crate::runtime::bindings::imports::weihe::connection::connections::{
    FailSafeFrame, Failure, Host, HostConnection, LinkState, OpenError, Reply, Request,
};
use crate::runtime::state::GuestState;

use super::convert;

impl Host for GuestState {}

impl GuestState {
    /// Exchanges that are not finished, those that leave with this handler included.
    fn open_tickets(&self) -> usize {
        let effects = self.outbox.effects.iter();
        let leaving = effects.filter(|effect| matches!(effect, Effect::Submit { .. }));
        leaving.count() + self.device.open_tickets()
    }
}

impl HostConnection for GuestState {
    fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Seat>, OpenError>> {
        match self.device.clone().open(&name) {
            Ok(seat) => Ok(Ok(self.table().push(seat)?)),
            Err(error) => {
                let text = error.to_string();
                Ok(Err(match error {
                    OpenFailure::Unknown(_) => OpenError::Unknown(text),
                    OpenFailure::Denied { .. } => OpenError::Denied(text),
                    OpenFailure::Taken(_) => OpenError::Taken(text),
                }))
            }
        }
    }

    async fn transact(
        &mut self,
        connection: Resource<Seat>,
        request: Request,
    ) -> wasmtime::Result<Result<Reply, Failure>> {
        let seat = self.table().get(&connection)?.clone();
        let outcome = seat.transact(convert::request(request)).await;
        Ok(outcome
            .map(|reply| convert::wit_reply(&reply))
            .map_err(|failure| convert::wit_failure(&failure)))
    }

    fn submit(
        &mut self,
        connection: Resource<Seat>,
        request: Request,
    ) -> wasmtime::Result<Result<u64, Failure>> {
        let seat = self.table().get(&connection)?.clone();
        if self.open_tickets() >= self.device.spec.limits.tickets as usize {
            return Ok(Err(Failure::QueueFull));
        }
        let request = convert::request(request);
        if let Err(failure) = seat.check(&request) {
            return Ok(Err(convert::wit_failure(&failure)));
        }
        let ticket = self.device.new_ticket();
        let submit = Effect::Submit {
            seat,
            ticket,
            request,
        };
        Ok(self
            .order(submit)
            .map(|()| ticket)
            .map_err(|_| Failure::QueueFull))
    }

    fn send(
        &mut self,
        connection: Resource<Seat>,
        peer: Option<u64>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let seat = self.table().get(&connection)?.clone();
        let bytes = Bytes::from(bytes);
        if let Err(failure) = seat.check_send(peer, &bytes) {
            return Ok(Err(convert::wit_failure(&failure)));
        }
        let send = Effect::Send { seat, peer, bytes };
        Ok(self.order(send).map_err(|_| Failure::QueueFull))
    }

    fn cancel(&mut self, connection: Resource<Seat>, ticket: u64) -> wasmtime::Result<()> {
        let seat = self.table().get(&connection)?.clone();
        self.order_or_trap(Effect::Cancel { seat, ticket })
    }

    fn disconnect(&mut self, connection: Resource<Seat>, peer: u64) -> wasmtime::Result<()> {
        let seat = self.table().get(&connection)?.clone();
        self.order_or_trap(Effect::Disconnect { seat, peer })
    }

    fn set_fail_safe(
        &mut self,
        connection: Resource<Seat>,
        frames: Vec<FailSafeFrame>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let seat = self.table().get(&connection)?.clone();
        let frames: Vec<SafeFrame> = frames.into_iter().map(convert::safe_frame).collect();
        let sound = failsafe::check(&frames).and_then(|()| {
            let mut requests = frames.iter().map(|frame| &frame.request);
            requests.try_for_each(|request| seat.check_unattended(request))
        });
        if let Err(failure) = sound {
            return Ok(Err(convert::wit_failure(&failure)));
        }
        let set = Effect::SetFailSafe { seat, frames };
        Ok(self.order(set).map_err(|_| Failure::QueueFull))
    }

    fn state(&mut self, connection: Resource<Seat>) -> wasmtime::Result<LinkState> {
        Ok(convert::link_state(self.table().get(&connection)?.state()))
    }

    fn drop(&mut self, connection: Resource<Seat>) -> wasmtime::Result<()> {
        // The place belongs to the device and stays.
        self.table().delete(connection)?;
        Ok(())
    }
}
