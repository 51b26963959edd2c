//! What a running system offers over the control protocol.

mod board;
mod dead;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use weihe_kernel::bus::{Bus, Filter, Overflow, Subscription, Wake, check_topic};
use weihe_kernel::device::CallError;
use weihe_kernel::event::{Event, NamedEvent, Quality, Value};
use weihe_kernel::{OPERATOR, Status};

use super::audited::Audited;
use super::reconcile::Scope;
use super::rejected::Rejected;
use super::start::{FailedPart, System};
use super::versions;
use crate::control::{
    Answer, CallParams, ErrorBody, EventsParams, GetParams, Hello, LogsParams, Paced, Peer, Piece,
    PlanParams, Request, Service, SetParams, Source, VERSION, code,
};
use crate::record::{Reader, Ring};

/// Events that wait for a client of `events`. More only ages; what does not fit is counted.
const EVENT_QUEUE: usize = 4_096;

/// Events that are taken at once. Bounds what a client that is gone leaves in memory.
const EVENT_RUN: usize = 256;

/// How long the answer to a command is awaited, unless the client says otherwise.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that a client may wait for a command.
const LONGEST_CALL: Duration = Duration::from_secs(3_600);

/// The answer to `ps`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ps {
    /// The host.
    pub host: Hello,
    /// Memory of the host's that is in use, in bytes; none where the system does not tell.
    #[serde(default)]
    pub resident: Option<u64>,
    /// The state of everything that runs.
    #[serde(flatten)]
    pub status: Status,
    /// What could not be started.
    pub failed: Vec<FailedPart>,
    /// What should be known besides.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The memory that this process has in use, in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// A system and its log, as clients see them.
pub struct HostService {
    system: Arc<System>,
    ring: Arc<Ring>,
    /// Of requests, as far as they were logged.
    refusals: Paced,
}

impl HostService {
    /// Offers a system.
    pub fn new(system: Arc<System>, ring: Arc<Ring>) -> Self {
        Self {
            system,
            ring,
            refusals: Paced::default(),
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            name: self.system.host().name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: VERSION,
            pid: std::process::id(),
            boot: self.system.data().boot(),
        }
    }

    fn bus(&self) -> &Arc<Bus> {
        self.system.kernel().bus()
    }

    fn get(&self, params: &GetParams) -> Result<Vec<NamedEvent>, ErrorBody> {
        Ok(self.bus().last_matching(&filter(&params.filter)?))
    }

    async fn set(&self, params: SetParams) -> Result<NamedEvent, ErrorBody> {
        let invalid = |message: String| ErrorBody::new(code::PARAMS, message);
        check_topic(&params.topic).map_err(|error| invalid(error.to_string()))?;
        if params.topic.starts_with('$') {
            let message = format!(
                "`{}` is the kernel's own: topics that start with `$` cannot be set",
                params.topic
            );
            return Err(invalid(message).help("set a topic of a device, like `plugin/soil/target`"));
        }
        let full =
            |error: weihe_kernel::bus::BusError| ErrorBody::new(code::FAILED, error.to_string());
        let topic = self.bus().topic(&params.topic).map_err(full)?;
        let source = self.bus().source(OPERATOR).map_err(full)?;
        let mut run = [Event {
            topic,
            source,
            time: self.system.kernel().clock().now(),
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value: value(params.value),
        }];
        let blocked = self.bus().publish(source, &mut run);
        let [event] = &run;
        let named = self.bus().named(event);
        blocked.deliver().await;
        tracing::info!("the operator set {} to {}", named.topic, named.value);
        Ok(named)
    }

    async fn call(&self, params: CallParams) -> Result<Json, ErrorBody> {
        let arguments = match params.arguments {
            Json::Null => "{}".to_owned(),
            Json::Object(_) => params.arguments.to_string(),
            other => {
                let message = format!("the arguments are {other}, which is no JSON object");
                return Err(ErrorBody::new(code::PARAMS, message));
            }
        };
        let timeout = params
            .timeout_ms
            .map_or(CALL_TIMEOUT, Duration::from_millis);
        tracing::info!(
            device = params.device,
            "the operator calls {} {arguments}",
            params.command
        );
        let answer = self
            .system
            .kernel()
            .call(
                &params.device,
                &params.command,
                &arguments,
                OPERATOR,
                timeout.min(LONGEST_CALL),
            )
            .await
            .map_err(|error| refusal(&error))?;
        // Plugins answer JSON; what is none is passed on as text.
        Ok(serde_json::from_str(&answer).unwrap_or(Json::String(answer)))
    }

    /// Carries out a change of what runs to its end, also when the request is cancelled meanwhile:
    /// what was stopped for it is to be started again. The end of the system ends it.
    async fn change<P, T, F>(
        &self,
        request: Request,
        change: impl FnOnce(Arc<System>, P) -> F,
    ) -> Result<T, ErrorBody>
    where
        P: DeserializeOwned,
        T: Send + 'static,
        F: Future<Output = Result<T, ErrorBody>> + Send + 'static,
    {
        let change = change(Arc::clone(&self.system), params(request)?);
        let done = self.system.whole(change).await;
        done.unwrap_or_else(|| Err(ErrorBody::new(code::STOPPING, "the host stops")))
    }

    fn events(&self, params: &EventsParams) -> Result<Events, ErrorBody> {
        let filter = filter(params.filter.as_deref().unwrap_or("#"))?;
        let bus = Arc::clone(self.bus());
        let wake = Arc::new(Wake::default());
        let subscription = bus.subscribe(
            OPERATOR,
            filter,
            Overflow::DropOldest,
            EVENT_QUEUE,
            params.retained,
            wake,
        );
        Ok(Events {
            bus,
            subscription,
            dropped: 0,
            run: Vec::new(),
        })
    }
}

#[async_trait]
impl Service for HostService {
    fn for_peer(self: Arc<Self>, peer: Peer) -> Arc<dyn Service> {
        let audit = Arc::clone(self.system.kernel().audit());
        let refusals = self.refusals.clone();
        Arc::new(Audited::new(self, audit, peer, refusals))
    }

    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody> {
        match request.method.as_str() {
            "hello" => once(&self.hello()),
            "ps" => once(&Ps {
                host: self.hello(),
                resident: resident(),
                status: self.system.kernel().status(),
                failed: self.system.failed(),
                notes: self.system.notes(),
            }),
            "board" => once(&self.system.hal().look()),
            "board-do" => once(&self.board_do(&params(request)?)?),
            "get" => once(&self.get(&params(request)?)?),
            "set" => once(&self.set(params(request)?).await?),
            "call" => Ok(Answer::Once(self.call(params(request)?).await?)),
            "dead-list" => once(&self.dead_list(&params(request)?).await?),
            "dead-retry" => once(&self.dead_retry(params(request)?).await?),
            "dead-drop" => once(&self.dead_drop(params(request)?).await?),
            "events" => Ok(Answer::Stream(Box::new(self.events(&params(request)?)?))),
            "logs" => Ok(Answer::Stream(Box::new(Logs {
                params: params(request)?,
                reader: self.ring.reader(),
                begun: false,
            }))),
            "swap" => once(&self.change(request, versions::swap).await?),
            "rollback" => once(&self.change(request, versions::roll_back).await?),
            "load" => once(&self.change(request, versions::load).await?),
            "unload" => once(&self.change(request, versions::unload).await?),
            "restart" => once(&self.change(request, versions::restart).await?),
            "plan" => {
                let PlanParams { text } = params(request)?;
                once(
                    &self
                        .system
                        .foresee(text)
                        .await
                        .map_err(|error| rejection(&error))?,
                )
            }
            "reload" => {
                tracing::info!("the operator has everything looked at");
                let reload = |system: Arc<System>, _: Json| async move {
                    let done = system.reconcile(&Scope::all()).await;
                    done.map_err(|error| rejection(&error))
                };
                once(&self.change(request, reload).await?)
            }
            other => {
                let message = format!("there is no method `{other}`");
                let help = "there are hello, ps, board, board-do, get, set, call, events, logs, dead-list, dead-retry, dead-drop, swap, rollback, \
                            load, unload, restart, plan, reload and cancel";
                Err(ErrorBody::new(code::METHOD, message).help(help))
            }
        }
    }
}

/// A file that is not taken: each fault with its place.
fn rejection(rejected: &Rejected) -> ErrorBody {
    let mut message = rejected.to_string();
    for problem in &rejected.problems {
        message.push_str(&format!("\n  {}: {problem}", problem.place()));
        if let Some(help) = &problem.fault().help {
            message.push_str(&format!("\n    {help}"));
        }
    }
    let body = ErrorBody::new(code::FAILED, message);
    match &rejected.help {
        Some(help) => body.help(help),
        None => body,
    }
}

fn once(value: &impl Serialize) -> Result<Answer, ErrorBody> {
    serde_json::to_value(value)
        .map(Answer::Once)
        .map_err(|error| ErrorBody::new(code::FAILED, error.to_string()))
}

/// The typed parameters of a request; none at all stand for an empty object.
fn params<P: DeserializeOwned>(request: Request) -> Result<P, ErrorBody> {
    let params = match request.params {
        Json::Null => Json::Object(serde_json::Map::new()),
        params => params,
    };
    serde_json::from_value(params).map_err(|error| {
        ErrorBody::new(code::PARAMS, format!("`{}`: {error}", request.method))
            .help("docs/control-protocol.md lists the parameters of each method")
    })
}

fn filter(text: &str) -> Result<Filter, ErrorBody> {
    text.parse().map_err(|error| {
        ErrorBody::new(code::PARAMS, format!("{error}"))
            .help("a filter is like `greenhouse/+/moisture` or `greenhouse/#`")
    })
}

/// A value from JSON: scalars as themselves, lists and objects as documents.
fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(boolean) => Value::Boolean(boolean),
        Json::String(text) => Value::Text(text.into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Text(number.to_string().into()),
        },
        document @ (Json::Array(_) | Json::Object(_)) => Value::Json(document.to_string().into()),
    }
}

/// A refused call, with the code of its kind.
fn refusal(error: &CallError) -> ErrorBody {
    let code = match error {
        CallError::UnknownDevice(_) => "unknown-device",
        CallError::UnknownCommand(_) => "unknown-command",
        CallError::InvalidArgument(_) => "invalid-argument",
        CallError::Denied(_) => "denied",
        CallError::Unavailable(_) => "unavailable",
        CallError::Timeout(_) => "timeout",
        CallError::Failed(_) => code::FAILED,
    };
    ErrorBody::new(code, error.to_string())
}

/// A subscription for a client. Its queue drops the oldest, so a client that does not read never
/// stalls the bus.
struct Events {
    bus: Arc<Bus>,
    subscription: Subscription,
    /// Drops that the client knows of.
    dropped: u64,
    run: Vec<Event>,
}

#[async_trait]
impl Source for Events {
    async fn next(&mut self, pieces: &mut Vec<Piece>) -> bool {
        self.subscription.recv(&mut self.run, EVENT_RUN).await;
        let dropped = self.subscription.dropped();
        if dropped > self.dropped {
            pieces.push(Piece::Dropped(dropped - self.dropped));
            self.dropped = dropped;
        }
        for event in self.run.drain(..) {
            match serde_json::to_value(self.bus.named(&event)) {
                Ok(item) => pieces.push(Piece::Item(item)),
                Err(error) => tracing::error!("an event cannot be told as JSON: {error}"),
            }
        }
        true
    }
}

/// The log for a client.
struct Logs {
    params: LogsParams,
    reader: Reader,
    begun: bool,
}

#[async_trait]
impl Source for Logs {
    async fn next(&mut self, pieces: &mut Vec<Piece>) -> bool {
        if self.begun {
            self.reader.wait().await;
        }
        let (lost, records) = self.reader.take();
        if lost > 0 {
            pieces.push(Piece::Dropped(lost));
        }
        let of_device =
            |device: &Option<String>| self.params.device.is_none() || *device == self.params.device;
        let mut items: Vec<Piece> = records
            .iter()
            .filter(|record| of_device(&record.device))
            .filter_map(|record| serde_json::to_value(&**record).ok())
            .map(Piece::Item)
            .collect();
        if let (false, Some(lines)) = (self.begun, self.params.lines) {
            items.drain(..items.len().saturating_sub(lines));
        }
        pieces.append(&mut items);
        self.begun = true;
        self.params.follow
    }
}

#[cfg(test)]
mod tests;
