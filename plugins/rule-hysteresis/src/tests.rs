#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use serde_json::Value as Json;
use weihe_sdk::testing::Published;

const OUTPUT: &str = "plugin/watering/output";

fn config(extra: Json) -> String {
    let mut config = json!({"input": "soil", "on-below": 20, "off-above": 30});
    config
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    config.to_string()
}

fn start(extra: Json) -> FakeKernel<RuleHysteresis> {
    start_in(FakeKernel::setup("watering"), extra)
}

fn start_in(setup: Setup<RuleHysteresis>, extra: Json) -> TestKernel<RuleHysteresis> {
    setup.device("watering").start(&config(extra)).unwrap()
}

fn output(kernel: &FakeKernel<RuleHysteresis>) -> Option<bool> {
    match kernel.last(OUTPUT) {
        Some(ValueBuf::Boolean(output)) => Some(output),
        None => None,
        other => panic!("{other:?}"),
    }
}

fn mode(kernel: &FakeKernel<RuleHysteresis>) -> String {
    match kernel.last("plugin/watering/mode") {
        Some(ValueBuf::Text(mode)) => mode,
        other => panic!("{other:?}"),
    }
}

fn status(kernel: &mut FakeKernel<RuleHysteresis>) -> Json {
    serde_json::from_str(&kernel.call("status", "{}").unwrap().unwrap()).unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn the_output_follows_the_input_with_hysteresis(setup: Setup<RuleHysteresis>) {
    let mut kernel = start_in(setup, json!({}));
    let mut seen = Vec::new();
    for moisture in [25.0, 19.0, 25.0, 31.0, 25.0, 19.0] {
        kernel.event("soil", moisture).unwrap();
        seen.push(output(&kernel).unwrap());
    }
    assert_eq!(seen, [false, true, true, false, false, true]);
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn an_output_is_published_once_and_names_its_cause(setup: Setup<RuleHysteresis>) {
    let mut kernel = start_in(setup, json!({"output": "valve/open"}));
    kernel.take_published();
    let errors = kernel.events(&[
        ("soil", Value::Float(40.0)),
        ("soil", Value::Integer(10)),
        ("soil", Value::Float(9.0)),
    ]);
    assert_eq!(errors, []);
    let published = kernel.take_published();
    let of = |topic: &str| -> Vec<&Published> {
        published
            .iter()
            .filter(|sample| sample.topic == topic)
            .collect()
    };
    assert_eq!(of("valve/open").len(), 2);
    assert_eq!(of("valve/open")[1].value, ValueBuf::Boolean(true));
    assert_eq!(of("valve/open")[1].cause, Some(1));
    assert_eq!(of(OUTPUT).len(), 2);
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn a_text_is_rejected_and_the_others_count(setup: Setup<RuleHysteresis>) {
    let mut kernel = start_in(setup, json!({}));
    let errors = kernel.events(&[("soil", Value::Text("wet")), ("soil", Value::Float(1.0))]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, 0);
    assert_eq!(
        errors[0].1,
        Error::rejected("`soil`: expected a number, found text \"wet\"")
    );
    assert_eq!(output(&kernel), Some(true));
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn minimum_times_are_kept_and_then_made_up_for(setup: Setup<RuleHysteresis>) {
    let mut kernel = start_in(setup, json!({"min-on": "10 s", "min-off": "5 s"}));
    kernel.advance(secs(5)).unwrap();
    kernel.event("soil", 10.0).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.advance(secs(3)).unwrap();
    kernel.event("soil", 40.0).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.advance(secs(6)).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.advance(secs(1)).unwrap();
    assert_eq!(output(&kernel), Some(false));
    kernel.event("soil", 10.0).unwrap();
    assert_eq!(output(&kernel), Some(false));
    kernel.event("soil", 40.0).unwrap();
    kernel.advance(secs(60)).unwrap();
    assert_eq!(
        output(&kernel),
        Some(false),
        "the input changed its mind in time"
    );
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn a_stale_input_makes_the_output_safe_at_once(setup: Setup<RuleHysteresis>) {
    let mut kernel = start_in(setup, json!({"max-age": "30 s", "min-on": "10 min"}));
    kernel.event("soil", 10.0).unwrap();
    kernel.advance(secs(20)).unwrap();
    kernel.event("soil", 10.0).unwrap();
    kernel.advance(secs(29)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "auto")
    );
    kernel.advance(secs(1)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(false), "safe")
    );
    kernel.event("soil", 10.0).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "auto")
    );
}

#[test]
fn an_input_that_was_stale_when_it_came_does_not_count() {
    let mut kernel = start(json!({"max-age": "30 s", "safe": "on"}));
    let old = kernel.now() - secs(31);
    kernel.event("soil", Sample::new(40.0).at(old)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "safe")
    );
}

#[test]
fn without_any_input_the_output_becomes_safe_after_the_same_time() {
    let mut kernel = start(json!({"max-age": "30 s", "safe": "on", "startup": "wait"}));
    assert_eq!(output(&kernel), None);
    kernel.advance(secs(30)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "safe")
    );
}

#[test]
fn holding_keeps_the_output_and_says_that_it_is_not_to_be_trusted() {
    let mut kernel = start(json!({"max-age": "30 s", "safe": "hold"}));
    kernel.event("soil", 10.0).unwrap();
    kernel.advance(secs(30)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "safe")
    );
    let published = kernel.published();
    let last = published
        .iter()
        .rfind(|sample| sample.topic == OUTPUT)
        .unwrap();
    assert_eq!(last.quality, Quality::Uncertain);
}

#[test]
fn an_older_sample_is_left_out() {
    let mut kernel = start(json!({}));
    kernel.event("soil", 10.0).unwrap();
    let earlier = kernel.now() - secs(1);
    kernel.event("soil", Sample::new(40.0).at(earlier)).unwrap();
    assert_eq!(output(&kernel), Some(true));
}

#[test]
fn quality_is_treated_as_configured() {
    let bad = |value: f64| Sample::new(value).quality(Quality::Bad);
    let uncertain = |value: f64| Sample::new(value).quality(Quality::Uncertain);

    let mut kernel = start(json!({}));
    kernel.event("soil", uncertain(10.0)).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.event("soil", bad(40.0)).unwrap();
    kernel
        .event("soil", Sample::new(Value::None).quality(Quality::Bad))
        .unwrap();
    kernel.event("soil", f64::NAN).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "auto")
    );

    let mut kernel = start(json!({"uncertain": "ignore", "bad": "safe"}));
    kernel.event("soil", 10.0).unwrap();
    kernel.event("soil", uncertain(40.0)).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.event("soil", bad(10.0)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(false), "safe")
    );
    kernel.event("soil", 10.0).unwrap();
    assert_eq!(output(&kernel), Some(true));
}

#[test]
fn an_uncertain_input_makes_an_uncertain_output() {
    let mut kernel = start(json!({}));
    kernel
        .event("soil", Sample::new(10.0).quality(Quality::Uncertain))
        .unwrap();
    let published = kernel.published();
    let last = published
        .iter()
        .rfind(|sample| sample.topic == OUTPUT)
        .unwrap();
    assert_eq!(last.quality, Quality::Uncertain);
}

#[test]
fn the_operator_overrides_the_input_for_a_while() {
    let mut kernel = start(json!({"min-off": "1 h"}));
    kernel.event("soil", 40.0).unwrap();
    kernel
        .call("override", r#"{"state": "on", "for": "1 min"}"#)
        .unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "override")
    );
    kernel.event("soil", 41.0).unwrap();
    kernel.advance(secs(59)).unwrap();
    assert_eq!(output(&kernel), Some(true));
    kernel.advance(secs(1)).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(false), "auto")
    );
}

#[test]
fn an_override_without_an_end_lasts_until_auto() {
    let mut kernel = start(json!({}));
    kernel.event("soil", 40.0).unwrap();
    kernel.call("override", r#"{"state": "on"}"#).unwrap();
    kernel.advance(secs(1_000_000)).unwrap();
    assert_eq!(status(&mut kernel)["mode"], "override");
    kernel.call("auto", "{}").unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(false), "auto")
    );
}

#[test]
fn wrong_commands_name_the_culprit() {
    let mut kernel = start(json!({}));
    let text = |error: CallError| error.text().to_owned();
    let wrong = text(kernel.call("override", r#"{"state": "open"}"#).unwrap_err());
    assert!(
        wrong.contains("`state`") && wrong.contains("`on`"),
        "{wrong}"
    );
    let wrong = text(
        kernel
            .call("override", r#"{"state": "on", "for": "soon"}"#)
            .unwrap_err(),
    );
    assert!(wrong.contains("`for`") && wrong.contains("soon"), "{wrong}");
    let wrong = text(
        kernel
            .call("override", r#"{"state": "on", "for": 0}"#)
            .unwrap_err(),
    );
    assert!(wrong.contains("`for`"), "{wrong}");
    assert!(matches!(
        kernel.call("off", "{}"),
        Err(CallError::UnknownCommand(_))
    ));
}

#[test]
fn output_and_override_survive_a_restart() {
    let mut kernel = start(json!({}));
    kernel.event("soil", 10.0).unwrap();
    kernel.restart(&config(json!({}))).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "starting")
    );
    kernel.event("soil", 25.0).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(true), "auto")
    );
    kernel
        .call("override", r#"{"state": "off", "for": "1 min"}"#)
        .unwrap();
    kernel.restart(&config(json!({}))).unwrap();
    assert_eq!(
        (output(&kernel), mode(&kernel).as_str()),
        (Some(false), "override")
    );
    kernel.advance(secs(60)).unwrap();
    assert_eq!(mode(&kernel), "starting");
}

#[test]
fn the_start_is_as_configured() {
    assert_eq!(output(&start(json!({}))), Some(false));
    assert_eq!(output(&start(json!({"startup": "wait"}))), None);
    let state = r#"{"output": true, "since": 0, "override": null}"#;
    let restored = |startup: &str| {
        FakeKernel::<RuleHysteresis>::setup("watering")
            .state(1, state)
            .start(&config(json!({"startup": startup})))
            .unwrap()
    };
    assert_eq!(output(&restored("restore")), Some(true));
    assert_eq!(output(&restored("safe")), Some(false));
    assert_eq!(output(&restored("wait")), None);
}

fn with_call() -> FakeKernel<RuleHysteresis> {
    start(json!({
        "startup": "wait",
        "call": {"device": "valve", "command": "write",
                 "arguments": {"register": "valve", "value": "{state}"}, "retry": "3 s"},
    }))
}

#[test]
fn the_actuator_is_called_once_a_switch() {
    let mut kernel = with_call();
    for moisture in [10.0, 9.0, 8.0, 40.0] {
        kernel.event("soil", moisture).unwrap();
    }
    let calls = kernel.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (calls[0].device.as_str(), calls[0].command.as_str()),
        ("valve", "write")
    );
    assert_eq!(
        calls[0].arguments,
        json!({"register": "valve", "value": true})
    );
    assert_eq!(
        calls[1].arguments,
        json!({"register": "valve", "value": false})
    );
}

#[test]
fn a_failed_call_is_made_again_until_it_succeeds() {
    let mut kernel = with_call();
    kernel.event("soil", 10.0).unwrap();
    kernel
        .answer(kernel.calls()[0].id, Err("link down"))
        .unwrap();
    assert_eq!(status(&mut kernel)["call-error"], "link down");
    assert!(
        kernel
            .logs()
            .iter()
            .any(|log| log.message.contains("valve.write: link down"))
    );
    kernel.advance(secs(3)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
    kernel.answer(kernel.calls()[1].id, Ok("null")).unwrap();
    kernel.advance(secs(59)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
    assert_eq!(status(&mut kernel)["call-error"], Json::Null);
}

#[test]
fn an_output_that_somebody_else_switched_follows_the_rule_again() {
    let mut kernel = with_call();
    kernel.event("soil", 10.0).unwrap();
    kernel.answer(kernel.calls()[0].id, Ok("null")).unwrap();
    let made = kernel.calls().len();
    kernel.advance(secs(59)).unwrap();
    assert_eq!(kernel.calls().len(), made);
    kernel.advance(secs(1)).unwrap();
    assert_eq!(kernel.calls().len(), made + 1, "as often as `repeat` says");
    assert_eq!(
        kernel.calls()[made].arguments,
        kernel.calls()[made - 1].arguments
    );
    kernel.call("override", r#"{"state": "on"}"#).unwrap();
    assert_eq!(
        kernel.calls().len(),
        made + 2,
        "and when an operator asks for it"
    );
}

#[test]
fn a_call_that_goes_on_failing_is_logged_when_the_reason_changes() {
    let mut kernel = with_call();
    kernel.event("soil", 10.0).unwrap();
    let reasons = ["no grant", "no grant", "link down", "link down", "no grant"];
    for (index, reason) in reasons.into_iter().enumerate() {
        kernel
            .answer(kernel.calls()[index].id, Err(reason))
            .unwrap();
        kernel.advance(secs(3)).unwrap();
    }
    kernel
        .answer(kernel.calls()[reasons.len()].id, Ok("null"))
        .unwrap();
    let logs = kernel.logs();
    let said = logs
        .iter()
        .filter_map(|log| log.message.strip_prefix("valve.write: "));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            "no grant; again every 3 s",
            "link down; again every 3 s",
            "no grant; again every 3 s",
            "succeeded again"
        ]
    );
}

#[test]
fn the_answer_to_an_older_call_does_not_count() {
    let mut kernel = with_call();
    kernel.event("soil", 10.0).unwrap();
    kernel.event("soil", 40.0).unwrap();
    kernel
        .answer(kernel.calls()[0].id, Err("too late"))
        .unwrap();
    kernel.advance(secs(60)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
}

#[test]
fn a_topic_without_a_grant_names_its_key() {
    let setup = FakeKernel::<RuleHysteresis>::setup("watering").deny("soil");
    let error = setup.start(&config(json!({}))).unwrap_err();
    assert_eq!(
        error,
        Error::fatal("config: `input`: `soil`: no grant covers it")
    );
}

#[test]
fn a_wrong_configuration_names_its_key() {
    let error = FakeKernel::<RuleHysteresis>::start("watering", &config(json!({"min-on": "x"})));
    let text = error.unwrap_err().text().to_owned();
    assert!(
        text.starts_with("config: `min-on`: \"x\" is no span of time"),
        "{text}"
    );
}

#[test]
fn the_description_names_every_command() {
    let description = RuleHysteresis::describe();
    assert_eq!(
        description.command_names().collect::<Vec<_>>(),
        ["override", "auto", "status"]
    );
    let schema: Json = serde_json::from_str(include_str!("config.schema.json")).unwrap();
    assert!(schema["properties"]["on-below"].is_object());
}
