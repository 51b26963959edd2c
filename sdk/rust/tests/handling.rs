//! What the kernel and an operator notice of a plugin's handlers: which events are refused, what is
//! published and by which cause, and what survives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde::{Deserialize, Serialize};
use weihe_sdk::prelude::*;
use weihe_sdk::{EventBuf, Events, Overflow, SubscribeOptions, packed};

/// Publishes what it is told, fails where it is told.
struct Echo {
    out: Topic,
    count: u64,
    waiting: Option<CallId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Command {
    Later,
    Fail { text: String },
    Poll,
}

#[derive(Serialize, Deserialize)]
struct State {
    count: u64,
}

impl Plugin for Echo {
    type Config = Config;
    type Command = Command;
    type State = State;

    const STATE_VERSION: u32 = 2;

    fn describe() -> Description {
        Description::new("echo", "0.1.0", "Says what it hears")
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        ctx.subscribe("in")?;
        ctx.publish("started", i64::from(ctx.incarnation()))?;
        let count = restored.map_or(config.count, |state| state.count);
        Ok(Echo {
            out: ctx.topic("out")?,
            count,
            waiting: None,
        })
    }

    fn stop(&mut self, ctx: &mut Context, _reason: StopReason) {
        ctx.publish_on(self.out, "bye");
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        ctx.publish_on(self.out, event.value);
        ctx.after("later", Duration::from_secs(1))?;
        if let Value::Text(text) = event.value
            && let Some(expression) = text.strip_prefix("cron ")
        {
            ctx.cron("calendar", expression)?;
        }
        match event.value {
            Value::Text("reject") => Err(Error::rejected("as asked")),
            Value::Text("retry") => Err(Error::retry("as asked")),
            _ => {
                self.count += 1;
                Ok(())
            }
        }
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, ticks: u64) -> Result<(), Error> {
        ctx.publish(&format!("tick/{timer}"), ticks as i64)?;
        Ok(())
    }

    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        ctx.publish("answer", format!("{call} {answer:?}").as_str())?;
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Later => {
                self.waiting = Some(call.id);
                Ok(Answer::pending())
            }
            Command::Fail { text } => {
                ctx.publish_on(self.out, &text);
                Err(CallError::failed(text))
            }
            Command::Poll => {
                let line = ctx.connection()?;
                line.send(None, b"hello")?;
                let request = Request::new([1, 2]).reply(ReplyRule::Length(2));
                Answer::json(&line.submit(request)?)
            }
        }
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        connection: &str,
        _ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        let reply = outcome?;
        ctx.publish(connection, reply.bytes.as_slice())?;
        if let Some(call) = self.waiting.take() {
            ctx.reply(call, Answer::json(&reply.bytes));
        }
        Ok(())
    }

    fn export_state(&self) -> Option<State> {
        Some(State { count: self.count })
    }

    fn migrate(version: u32, state: OldState<'_>) -> Result<State, Error> {
        match version {
            1 => state.read().map(|count| State { count }),
            _ => Err(Error::rejected(format!(
                "version {version}: {}",
                state.as_json()
            ))),
        }
    }
}

weihe_sdk::plugin!(Echo: events, commands, state, connection);

fn start() -> FakeKernel<Echo> {
    let mut kernel = FakeKernel::start("echo", "{}").unwrap();
    kernel.take_published();
    kernel
}

fn texts(kernel: &FakeKernel<Echo>, topic: &str) -> Vec<String> {
    let published = kernel.published();
    let of_topic = published.iter().filter(|sample| sample.topic == topic);
    of_topic
        .map(|sample| sample.value.as_value().to_string())
        .collect()
}

#[test]
fn a_refused_event_is_named_by_index_and_leaves_nothing() {
    let mut kernel = start();
    let errors = kernel.events(&[
        ("in", Value::Text("a")),
        ("in", Value::Text("reject")),
        ("in", Value::Text("b")),
        ("in", Value::Text("retry")),
    ]);
    assert_eq!(
        errors,
        [
            (1, Error::rejected("as asked")),
            (3, Error::retry("as asked"))
        ]
    );
    assert_eq!(texts(&kernel, "out"), ["text \"a\"", "text \"b\""]);
    let causes: Vec<_> = kernel
        .published()
        .iter()
        .map(|sample| sample.cause)
        .collect();
    assert_eq!(causes, [Some(0), Some(2)]);
}

#[test]
fn a_single_event_that_fails_leaves_neither_samples_nor_timers() {
    let mut kernel = start();
    assert_eq!(
        kernel.event("in", "reject"),
        Err(Error::rejected("as asked"))
    );
    assert_eq!(kernel.published(), []);
    assert_eq!(kernel.timers(), []);
    kernel.event("in", "fine").unwrap();
    assert_eq!(kernel.published()[0].cause, Some(0));
    assert_eq!(kernel.timers().len(), 1);
}

#[test]
fn a_timer_on_the_calendar_ticks_at_its_times() {
    let mut kernel = start();
    kernel.event("in", "cron 30 */2 * * * *").unwrap();
    let minute = Duration::from_secs(60).as_nanos();
    let begin = kernel.now().as_nanos();
    kernel.advance(Duration::from_secs(3600)).unwrap();
    let ticks: Vec<u64> = kernel
        .published()
        .iter()
        .filter(|sample| sample.topic == "tick/calendar")
        .map(|sample| sample.time.as_nanos())
        .collect();
    assert_eq!(ticks.len(), 30);
    assert!(ticks[0] - begin <= 2 * minute);
    assert!(ticks.iter().all(|time| time % (2 * minute) == minute / 2));
}

#[test]
fn a_cron_expression_that_the_host_would_not_take_is_refused() {
    let mut kernel = start();
    for wrong in [
        "* * * *",
        "61 * * * *",
        "@daily",
        "* * L * *",
        "MON * * * *",
        "0 0 30 2 *",
    ] {
        let error = kernel.event("in", format!("cron {wrong}").as_str());
        let text = error.unwrap_err().to_string();
        assert!(text.contains(&format!("`{wrong}`")), "{text}");
    }
    assert_eq!(kernel.timers(), []);
}

#[test]
fn ticks_and_answers_come_in_their_order_among_events() {
    let mut kernel = start();
    let mut answer = kernel.make_event("$answer", Value::Json("true"));
    answer.id.sequence = 42;
    let batch: Vec<EventBuf> = vec![
        kernel.make_event("in", 1_i64),
        kernel.make_event("$timer/poll", 3_i64),
        answer,
        kernel.make_event("in", 2_i64),
    ];
    assert_eq!(kernel.feed_batch(&batch), []);
    let topics: Vec<_> = kernel
        .published()
        .into_iter()
        .map(|sample| sample.topic)
        .collect();
    assert_eq!(topics, ["out", "tick/poll", "answer", "out"]);
    assert_eq!(texts(&kernel, "tick/poll"), ["integer 3"]);
    assert_eq!(texts(&kernel, "answer"), [r#"text "42 Ok(\"true\")""#]);
    kernel.answer(43, Err("link down")).unwrap();
    assert_eq!(
        texts(&kernel, "answer")[1],
        r#"text "43 Err(\"link down\")""#
    );
}

#[test]
fn publications_that_the_kernel_refuses_fail_the_events_that_made_them() {
    let mut kernel = start();
    kernel.refuse_publications(Some(Refused::Limit("outbox: 4 MiB".into())));
    let errors = kernel.events(&[("in", Value::Text("reject")), ("in", Value::Text("a"))]);
    assert_eq!(
        errors,
        [
            (0, Error::rejected("as asked")),
            (1, Error::retry("outbox: 4 MiB"))
        ]
    );
    assert_eq!(kernel.event("in", 1.0), Err(Error::retry("outbox: 4 MiB")));
    kernel.refuse_publications(None);
    kernel.event("in", 1.0).unwrap();
    assert_eq!(texts(&kernel, "out"), ["float 1"]);
}

#[test]
fn a_failed_command_publishes_nothing() {
    let mut kernel = start();
    assert_eq!(
        kernel.call("fail", r#"{"text": "x"}"#),
        Err(CallError::failed("x"))
    );
    assert_eq!(kernel.published(), []);
    assert_eq!(
        kernel.call("fial", "{}"),
        Err(CallError::UnknownCommand(
            "unknown command `fial`, expected one of `later`, `fail`, `poll`".into()
        ))
    );
}

#[test]
fn a_pending_call_is_answered_when_its_reply_comes() {
    let mut kernel: FakeKernel<Echo> = FakeKernel::<Echo>::setup("echo")
        .connection("field")
        .start("{}")
        .unwrap();
    assert_eq!(kernel.call("later", "{}"), Ok(None));
    let call = kernel.last_call();
    kernel.call("poll", "{}").unwrap();
    let submitted = kernel.submitted();
    assert_eq!(submitted[0].request.bytes, [1, 2]);
    assert_eq!(kernel.sent()[0].bytes, b"hello");
    let failed = kernel.reply(submitted[0].ticket, Err(Failure::LinkDown("cable".into())));
    assert_eq!(failed, Err(Error::retry("the link is down: cable")));
    kernel.reply(submitted[0].ticket, Ok(&[7, 8])).unwrap();
    assert_eq!(texts(&kernel, "field"), ["2 bytes"]);
    assert_eq!(kernel.answers(), [(call, Ok("[7,8]".to_owned()))]);
}

#[test]
fn a_device_without_a_connection_says_what_to_set() {
    let mut kernel = start();
    let error = kernel.call("poll", "{}").unwrap_err();
    assert_eq!(
        error.text(),
        "device `echo` has no connection: set `connection = \"…\"`"
    );
}

#[test]
fn state_survives_and_an_older_one_is_migrated() {
    let mut kernel = start();
    kernel.event("in", 1.0).unwrap();
    kernel.restart("{}").unwrap();
    assert_eq!(texts(&kernel, "out").last().unwrap(), "text \"bye\"");
    assert_eq!(texts(&kernel, "started"), ["integer 2"]);
    assert_eq!(kernel.state(), (2, serde_json::json!({"count": 1})));

    let old: FakeKernel<Echo> = FakeKernel::<Echo>::setup("echo")
        .state(1, "5")
        .start("{}")
        .unwrap();
    assert_eq!(old.state().1["count"], 5);
    let start = |version, json| {
        FakeKernel::<Echo>::setup("echo")
            .state(version, json)
            .start("{}")
            .unwrap_err()
    };
    assert_eq!(start(9, "5"), Error::rejected("version 9: 5"));
    assert!(
        start(2, r#"{"count": -1}"#)
            .text()
            .starts_with("state: `count`: invalid value")
    );
    assert!(start(2, "{").text().starts_with("state: "));
}

#[test]
fn a_wrong_configuration_names_the_key() {
    let start = |config| FakeKernel::<Echo>::start("echo", config).unwrap_err();
    let text = "config: `count`: invalid type: string \"x\", expected u64";
    assert_eq!(start(r#"{"count": "x"}"#), Error::fatal(text));
    assert!(
        start(r#"{"cuont": 1}"#)
            .text()
            .contains("unknown field `cuont`, expected `count`")
    );
}

/// Takes its batches as a whole.
struct Whole;

impl Plugin for Whole {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("whole", "0.1.0", "All or nothing")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        let options = SubscribeOptions {
            overflow: Overflow::LatestOnly,
            ..Default::default()
        };
        ctx.subscribe_with("in", options)?;
        Ok(Whole)
    }

    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        ctx.publish("count", events.iter().count() as i64)?;
        for (index, event) in events.indexed() {
            if event.value == Value::Boolean(false) {
                ctx.fail(index, Error::rejected("false"));
            }
            if event.value == Value::None {
                return Err(Error::retry("nothing"));
            }
        }
        Ok(())
    }
}

weihe_sdk::plugin!(Whole: events);

#[test]
fn an_error_of_a_whole_run_fails_every_event_of_it_and_no_other() {
    let mut kernel = FakeKernel::<Whole>::start("whole", "{}").unwrap();
    let errors = kernel.events(&[
        ("in", Value::Boolean(true)),
        ("in", Value::Boolean(false)),
        ("$timer/x", Value::Integer(1)),
        ("in", Value::Boolean(true)),
        ("in", Value::None),
    ]);
    assert_eq!(
        errors,
        [
            (1, Error::rejected("false")),
            (3, Error::retry("nothing")),
            (4, Error::retry("nothing")),
        ]
    );
    assert_eq!(kernel.last("count"), Some(ValueBuf::Integer(2)));
    assert_eq!(
        kernel.published().len(),
        1,
        "what the failed run published is dropped"
    );
}

#[test]
fn the_writer_and_the_reader_are_open_to_other_tools() {
    let mut writer = packed::Writer::default();
    writer.publish(1, &Sample::new("x"), packed::NONE).unwrap();
    let batch = writer.batch();
    assert_eq!(
        packed::Reader::new(&batch.head, &batch.bytes)
            .unwrap()
            .len(),
        1
    );
}
