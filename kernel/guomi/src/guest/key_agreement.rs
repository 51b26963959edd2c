//! `weihe:guomi/key-agreement@0.1.0`.

use subtle::ConstantTimeEq;
use wasmtime::component::Resource;
use zeroize::Zeroizing;

use super::bindings::weihe::guomi::key_agreement as wit;
use super::keys::OpenSecret;
use super::{Outcome, View, identity, over, public};
use crate::error::{GuomiError, within};
use crate::keys::{Agreed, Algorithm, Exchange, Role, Terms, Use};
use crate::limits::AGREED_BYTES;
use crate::memory::Origin;
use crate::session::{Place, effort};
use crate::worker::Effort;

/// An exchange that a guest has begun.
struct Begun {
    /// It has the peer's point yet to come.
    exchange: Option<Box<dyn Exchange>>,
    point: [u8; 65],
    effort: Effort,
    /// What becomes of the key.
    origin: Origin,
    _place: Place,
}

/// The side that begins.
pub struct OpenInitiator(Begun);

/// The side that answers.
pub struct OpenResponder {
    begun: Begun,
    agreed: Option<Agreed>,
}

fn terms(role: Role, parties: wit::Parties) -> Result<Terms, GuomiError> {
    within(
        "bytes to agree on",
        parties.length.into(),
        AGREED_BYTES.into(),
    )?;
    if parties.length == 0 {
        return Err(GuomiError::Malformed(
            "a key has at least one byte".to_owned(),
        ));
    }
    Ok(Terms {
        role,
        own_id: identity(parties.own_id)?,
        peer_id: identity(parties.peer_id)?,
        peer: public::of_point(&parties.peer_key)?,
        length: usize::try_from(parties.length).unwrap_or(0),
    })
}

/// The key, where the peer has proved that it has it too.
fn confirmed(agreed: Agreed, confirmation: &[u8]) -> Result<Zeroizing<Vec<u8>>, GuomiError> {
    match bool::from(agreed.expected.as_slice().ct_eq(confirmation)) {
        true => Ok(agreed.key),
        false => Err(GuomiError::Decrypt),
    }
}

impl View<'_> {
    async fn begin(&mut self, name: &str, role: Role, parties: wit::Parties) -> Outcome<Begun> {
        let terms = terms(role, parties)?;
        let session = self.session()?;
        let place = session.place()?;
        let (key, granted) = session
            .open(name, None, &[Algorithm::Sm2], [Use::Agree].into())
            .await?;
        let may_export = granted.contains(Use::Export) && key.about().exportable;
        let effort = effort(&*key, Effort::Point);
        let begin = move || Ok(key.exchange(&terms)?);
        let exchange = session.workers().run(effort, begin).await?;
        Ok(Begun {
            point: exchange.ephemeral(),
            exchange: Some(exchange),
            effort,
            origin: if may_export {
                Origin::Brought
            } else {
                Origin::Made
            },
            _place: place,
        })
    }

    /// What was agreed on, with the peer's point.
    async fn agree(&mut self, begun: Parts, point: Vec<u8>) -> Outcome<Agreed> {
        let (exchange, effort) = begun;
        let work = move || Ok(exchange.finish(&point)?);
        Ok(self.session()?.workers().run(effort, work).await?)
    }

    /// Hands what was agreed on to the guest.
    fn agreed(&mut self, key: &[u8], origin: Origin) -> Outcome<Resource<OpenSecret>> {
        self.hand_over_loose(key.to_vec(), origin)
    }
}

type Parts = (Box<dyn Exchange>, Effort);

impl Begun {
    fn take(&mut self) -> Result<Parts, GuomiError> {
        Ok((self.exchange.take().ok_or_else(over)?, self.effort))
    }
}

impl wit::Host for View<'_> {}

impl wit::HostInitiator for View<'_> {
    async fn open(
        &mut self,
        key: String,
        parties: wit::Parties,
    ) -> Outcome<Resource<OpenInitiator>> {
        let begun = self.begin(&key, Role::Initiator, parties).await?;
        self.push(OpenInitiator(begun))
    }

    fn point(&mut self, initiator: Resource<OpenInitiator>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table().get(&initiator)?.0.point.to_vec())
    }

    async fn finish(
        &mut self,
        initiator: Resource<OpenInitiator>,
        point: Vec<u8>,
        confirmation: Vec<u8>,
    ) -> Outcome<(Resource<OpenSecret>, Vec<u8>)> {
        let open = &mut self.get(&initiator)?.0;
        let (begun, origin) = (open.take()?, open.origin);
        let agreed = self.agree(begun, point).await?;
        let own = agreed.confirmation.to_vec();
        let key = confirmed(agreed, &confirmation)?;
        Ok((self.agreed(&key, origin)?, own))
    }

    fn drop(&mut self, initiator: Resource<OpenInitiator>) -> wasmtime::Result<()> {
        self.close(initiator)
    }
}

impl wit::HostResponder for View<'_> {
    async fn open(
        &mut self,
        key: String,
        parties: wit::Parties,
    ) -> Outcome<Resource<OpenResponder>> {
        let begun = self.begin(&key, Role::Responder, parties).await?;
        self.push(OpenResponder {
            begun,
            agreed: None,
        })
    }

    async fn respond(
        &mut self,
        responder: Resource<OpenResponder>,
        point: Vec<u8>,
    ) -> Outcome<(Vec<u8>, Vec<u8>)> {
        let open = &mut self.get(&responder)?.begun;
        let (begun, own) = (open.take()?, open.point.to_vec());
        let agreed = self.agree(begun, point).await?;
        let confirmation = agreed.confirmation.to_vec();
        self.get(&responder)?.agreed = Some(agreed);
        Ok((own, confirmation))
    }

    async fn finish(
        &mut self,
        responder: Resource<OpenResponder>,
        confirmation: Vec<u8>,
    ) -> Outcome<Resource<OpenSecret>> {
        let open = self.get(&responder)?;
        let origin = open.begun.origin;
        let agreed = open.agreed.take().ok_or_else(over)?;
        let key = confirmed(agreed, &confirmation)?;
        self.agreed(&key, origin)
    }

    fn drop(&mut self, responder: Resource<OpenResponder>) -> wasmtime::Result<()> {
        self.close(responder)
    }
}
