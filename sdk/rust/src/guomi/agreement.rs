//! SM2 key agreement.

use super::{GuomiError, Secret};
use crate::bindings::guomi::weihe::guomi::key_agreement as wit;
use crate::kernel::guomi::key_agreement as host;

/// Who talks with whom, and how long the key is to be.
///
/// ```
/// # use weihe_sdk::guomi::Parties;
/// # let point = [4; 65];
/// // 16 bytes, for SM4, with a peer whose public key is known.
/// let parties = Parties::new(&point, 16).named("meter-7", "gateway");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    peer_key: Vec<u8>,
    length: u32,
    ids: Option<(Vec<u8>, Vec<u8>)>,
}

impl Parties {
    /// A peer's public key in SEC 1 form, and how many bytes to agree on.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Parties;
    /// # let point = [4; 65];
    /// let parties = Parties::new(&point, 16);
    /// ```
    pub fn new(peer_key: &[u8], length: u32) -> Self {
        Parties {
            peer_key: peer_key.to_vec(),
            length,
            ids: None,
        }
    }

    /// What this side and the peer are called; without, both are `1234567812345678`.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Parties;
    /// # let point = [4; 65];
    /// let parties = Parties::new(&point, 16).named("meter-7", "gateway");
    /// ```
    pub fn named(mut self, own: impl AsRef<[u8]>, peer: impl AsRef<[u8]>) -> Self {
        self.ids = Some((own.as_ref().to_vec(), peer.as_ref().to_vec()));
        self
    }

    /// As the interface has it.
    pub(super) fn wire(&self) -> wit::Parties<'_> {
        wit::Parties {
            own_id: self.ids.as_ref().map(|(own, _)| &own[..]),
            peer_id: self.ids.as_ref().map(|(_, peer)| &peer[..]),
            peer_key: &self.peer_key,
            length: self.length,
        }
    }
}

/// The side that begins an agreement (GB/T 32918.3-2016), from [`Context::initiator`](crate::Context::initiator).
///
/// ```
/// use weihe_sdk::guomi::{GuomiError, Initiator, Responder, Secret};
///
/// /// Both sides at once; in between is the wire.
/// fn agree(one: Initiator, mut other: Responder) -> Result<(Secret, Secret), GuomiError> {
///     let (point, confirmation) = other.respond(&one.point())?;
///     let (first, confirmation) = one.finish(&point, &confirmation)?;
///     Ok((first, other.finish(&confirmation)?))
/// }
/// ```
#[derive(Debug)]
pub struct Initiator(host::Initiator);

impl Initiator {
    pub(super) fn new(begun: host::Initiator) -> Self {
        Initiator(begun)
    }

    /// The point to send to the responder.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Initiator;
    /// # fn f(initiator: Initiator) {
    /// assert_eq!(initiator.point().len(), 65);
    /// # }
    /// ```
    pub fn point(&self) -> Vec<u8> {
        self.0.point()
    }

    /// Takes what the responder has sent; gives the key, and the confirmation to send. A peer that does not prove itself is
    /// [`GuomiError::DecryptFailed`].
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Initiator, Sm4Gcm};
    /// # fn f(initiator: Initiator, point: &[u8], confirmation: &[u8]) -> Result<(), GuomiError> {
    /// let (key, confirmation) = initiator.finish(point, confirmation)?;
    /// let channel = Sm4Gcm::new(key);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish(
        self,
        point: &[u8],
        confirmation: &[u8],
    ) -> Result<(Secret, Vec<u8>), GuomiError> {
        let (key, own) = self.0.finish(point, confirmation)?;
        Ok((Secret::new(key), own))
    }
}

/// The side that answers, from [`Context::responder`](crate::Context::responder).
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context, point: &[u8], peer_key: &[u8]) -> Result<(), Error> {
/// use weihe_sdk::guomi::Parties;
///
/// let mut responder = ctx.responder("meter", &Parties::new(peer_key, 16))?;
/// let (point, confirmation) = responder.respond(point)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Responder(host::Responder);

impl Responder {
    pub(super) fn new(begun: host::Responder) -> Self {
        Responder(begun)
    }

    /// Takes the initiator's point; gives the point and the confirmation to send. Once only.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Responder};
    /// # fn f(mut responder: Responder, received: &[u8]) -> Result<(), GuomiError> {
    /// let (point, confirmation) = responder.respond(received)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn respond(&mut self, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), GuomiError> {
        Ok(self.0.respond(point)?)
    }

    /// Takes the initiator's confirmation; gives the key.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Responder, Sm4Gcm};
    /// # fn f(responder: Responder, received: &[u8]) -> Result<(), GuomiError> {
    /// let channel = Sm4Gcm::new(responder.finish(received)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish(self, confirmation: &[u8]) -> Result<Secret, GuomiError> {
        Ok(Secret::new(self.0.finish(confirmation)?))
    }
}
