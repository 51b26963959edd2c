//! What operators do, on the record: before it is answered, it is on the disk.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use weihe_kernel::audit::{Actor, Audit, Entry, Outcome, Pace};

use crate::control::{
    Answer, ErrorBody, Paced, Peer, Remote, Request, Role, Service, code, is_known, looks,
};

/// The parameters that say what a request is about, and what that is called in a record.
const TARGETS: [(&str, &str); 5] = [
    ("device", "device"),
    ("plugin", "plugin"),
    ("topic", "topic"),
    ("file", "file"),
    // Of a virtual board: a line, a device, a value of the world.
    ("name", "board"),
];

/// How requests are recorded that are none.
const UNKNOWN: &str = "unknown-request";

/// What somebody does who comes in.
const CONNECT: &str = "connect";

/// What to do about a role that is too low.
const GIVE_ROLE: &str = "an administrator of the host can give it one in [control.roles]";

/// A service as one client sees it: what the client does is recorded.
pub struct Audited {
    service: Arc<dyn Service>,
    audit: Arc<dyn Audit>,
    peer: Peer,
    /// Those that were logged lately.
    refusals: Paced,
}

impl Audited {
    /// Records what a client does with a service. Refusals are logged at the pace that is shared by all clients.
    pub fn new(
        service: Arc<dyn Service>,
        audit: Arc<dyn Audit>,
        peer: Peer,
        refusals: Paced,
    ) -> Self {
        Self {
            service,
            audit,
            peer,
            refusals,
        }
    }

    /// Puts on the record that somebody lacks a role. Somebody may try all day long, and choose the words.
    async fn lacks_role(&self, remote: &Remote, mut entry: Entry) {
        let asked = match is_known(&entry.action) || entry.action == CONNECT {
            true => entry.action.as_str(),
            false => UNKNOWN,
        };
        let message = format!(
            "the control door: certificate `{}` from {} may not: {asked}",
            remote.name, remote.address
        );
        if asked == UNKNOWN {
            entry.action = UNKNOWN.to_owned();
            entry.details = serde_json::Map::new();
        }
        entry.pace = Pace::First("role".into());
        let who = format!("certificate `{}` ({})", remote.name, remote.fingerprint);
        self.refusals.warn(&who, "the role is too low", &message);
        self.audit.record(entry);
        self.audit.settled().await;
    }
}

#[async_trait]
impl Service for Audited {
    fn for_peer(self: Arc<Self>, peer: Peer) -> Arc<dyn Service> {
        Arc::new(Self::new(
            Arc::clone(&self.service),
            Arc::clone(&self.audit),
            peer,
            self.refusals.clone(),
        ))
    }

    async fn admit(&self) -> Result<(), ErrorBody> {
        if let Peer::Remote(remote) = &self.peer
            && remote.role.is_none()
        {
            let refusal = no_role(remote);
            let entry = Entry::new(actor(&self.peer), CONNECT, "host").refused(&refusal.message);
            self.lacks_role(remote, entry).await;
            return Err(refusal);
        }
        self.service.admit().await
    }

    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody> {
        if let Peer::Remote(remote) = &self.peer
            && let Some(refusal) = refusal(remote, &request.method)
        {
            let entry = entry(&self.peer, &request).refused(&refusal.message);
            self.lacks_role(remote, entry).await;
            return Err(refusal);
        }
        if looks(&request.method) {
            return self.service.answer(request).await;
        }
        let mut deed = Deed {
            audit: &self.audit,
            entry: Some(entry(&self.peer, &request)),
        };
        let answer = self.service.answer(request).await;
        match &answer {
            // A slip, and nothing happened.
            Err(error) if error.code == code::METHOD => deed.entry = None,
            Err(error) => deed.end(Outcome::Refused {
                reason: error.message.clone(),
            }),
            Ok(_) => deed.end(Outcome::Done),
        }
        // Where the disk refuses, the host goes on all the same; `weihe ps` says so.
        self.audit.settled().await;
        answer
    }
}

/// Why somebody may not ask this.
fn refusal(remote: &Remote, method: &str) -> Option<ErrorBody> {
    let least = Role::least(method);
    let name = &remote.name;
    let message = match remote.role {
        Some(role) if role >= least => return None,
        Some(role) => format!(
            "`{method}` needs the role {least}, and certificate `{name}` has the role {role}"
        ),
        None => return Some(no_role(remote)),
    };
    Some(ErrorBody::new(code::FORBIDDEN, message).help(GIVE_ROLE))
}

/// Why somebody may not ask anything.
fn no_role(remote: &Remote) -> ErrorBody {
    let message = format!("certificate `{}` has no role", remote.name);
    ErrorBody::new(code::FORBIDDEN, message).help(GIVE_ROLE)
}

fn actor(peer: &Peer) -> Actor {
    match peer {
        Peer::Local { uid, pid } => Actor::Operator {
            uid: *uid,
            pid: *pid,
        },
        Peer::Remote(remote) => Actor::Remote {
            certificate: remote.name.clone(),
            fingerprint: remote.fingerprint.clone(),
            address: remote.address.ip().to_string(),
        },
    }
}

fn entry(peer: &Peer, request: &Request) -> Entry {
    let params = match &request.params {
        Value::Object(params) => params.clone(),
        _ => serde_json::Map::new(),
    };
    let target = TARGETS.iter().find_map(|(key, kind)| {
        let name = params.get(*key)?.as_str()?;
        Some(format!("{kind}/{name}"))
    });
    let mut entry = Entry::new(
        actor(peer),
        request.method.as_str(),
        target.unwrap_or_else(|| "host".to_owned()),
    );
    entry.details = params;
    entry
}

/// Something that is being done. It is recorded in any case: a client that leaves does not undo it.
struct Deed<'a> {
    audit: &'a Arc<dyn Audit>,
    entry: Option<Entry>,
}

impl Deed<'_> {
    fn end(&mut self, outcome: Outcome) {
        if let Some(mut entry) = self.entry.take() {
            entry.outcome = outcome;
            self.audit.record(entry);
        }
    }
}

impl Drop for Deed<'_> {
    fn drop(&mut self) {
        self.end(Outcome::Abandoned);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use weihe_kernel::audit::MemoryAudit;

    /// Answers `call`, refuses `set`, never ends `swap`.
    struct Host;

    #[async_trait]
    impl Service for Host {
        fn for_peer(self: Arc<Self>, _: Peer) -> Arc<dyn Service> {
            self
        }

        async fn answer(&self, request: Request) -> Result<Answer, ErrorBody> {
            match request.method.as_str() {
                "call" | "ps" => Ok(Answer::Once(Value::Null)),
                "set" => Err(ErrorBody::new(code::PARAMS, "no such topic")),
                "swap" => std::future::pending().await,
                _ => Err(ErrorBody::new(code::METHOD, "there is no such method")),
            }
        }
    }

    fn audited() -> (Audited, Arc<MemoryAudit>) {
        let audit = Arc::new(MemoryAudit::default());
        let peer = Peer::Local {
            uid: 1000,
            pid: Some(7),
        };
        let audited = Audited::new(Arc::new(Host), audit.clone(), peer, Paced::default());
        (audited, audit)
    }

    fn request(method: &str, params: Value) -> Request {
        Request {
            id: 1,
            version: crate::control::VERSION,
            method: method.into(),
            params,
        }
    }

    #[tokio::test]
    async fn what_operators_do_is_recorded_with_who_it_was_and_what_came_of_it() {
        let (service, audit) = audited();
        for (method, params) in [
            ("call", json!({ "device": "soil", "command": "open" })),
            ("set", json!({ "topic": "a/b", "value": 3 })),
            ("ps", Value::Null),
            ("no-such-thing", Value::Null),
        ] {
            let _ = service.answer(request(method, params)).await;
        }
        let actor = Actor::Operator {
            uid: 1000,
            pid: Some(7),
        };
        let call = Entry::new(actor.clone(), "call", "device/soil")
            .detail("device", "soil")
            .detail("command", "open");
        let set = Entry::new(actor, "set", "topic/a/b")
            .detail("topic", "a/b")
            .detail("value", 3)
            .refused("no such topic");
        assert_eq!(audit.entries(), [call, set]);
    }

    #[tokio::test]
    async fn each_request_of_a_remote_operator_needs_its_role_and_a_refusal_is_recorded() {
        for role in [
            None,
            Some(Role::Read),
            Some(Role::Operate),
            Some(Role::Admin),
        ] {
            let audit = Arc::new(MemoryAudit::default());
            let peer = Peer::Remote(Remote {
                name: "panel".to_owned(),
                fingerprint: "ab12".to_owned(),
                address: ([10, 0, 0, 7], 4000).into(),
                role,
            });
            let service = Audited::new(Arc::new(Host), audit.clone(), peer, Paced::default());
            assert_eq!(service.admit().await.is_ok(), role.is_some(), "{role:?}");
            let methods = crate::control::METHODS.iter().map(|method| method.name);
            for method in methods
                .filter(|method| *method != "swap")
                .chain(["new-one"])
            {
                let may = role.is_some_and(|role| role >= Role::least(method));
                let answer = service.answer(request(method, Value::Null)).await;
                let refused = answer.err().filter(|error| error.code == code::FORBIDDEN);
                assert_eq!(refused.is_none(), may, "{role:?} {method}");
                let why = match role {
                    Some(_) => format!("needs the role {}", Role::least(method)),
                    None => "has no role".to_owned(),
                };
                let recorded = audit.entries().iter().any(|entry| {
                    (entry.action == method || entry.action == UNKNOWN && method == "new-one")
                        && matches!(&entry.actor, Actor::Remote { certificate, .. } if certificate == "panel")
                        && matches!(&entry.outcome, Outcome::Refused { reason }
                            if reason.contains(&why))
                });
                assert_eq!(recorded, !may, "{role:?} {method}");
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_take_its_deed_off_the_record() {
        let (service, audit) = audited();
        let swap = service.answer(request("swap", json!({ "plugin": "modbus" })));
        drop(tokio::time::timeout(std::time::Duration::ZERO, swap).await);
        let [entry] = &audit.entries()[..] else {
            unreachable!("one entry");
        };
        assert_eq!(entry.target, "plugin/modbus");
        assert_eq!(entry.outcome, Outcome::Abandoned);
    }
}
