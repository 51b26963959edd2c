//! The unit is asked what it is.

use crate::bench::Bench;
use serde_json::json;
use weihe_modbus::{Mode, Object};
use weihe_sdk::prelude::*;

fn bench(mode: Mode) -> Bench {
    let mut bench = Bench::up(mode, r#"{"points": []}"#);
    bench.unit.objects = vec![
        Object::new(0, "Weihe"),
        Object::new(1, "SOIL-1"),
        Object::new(2, "V2.11"),
        Object::new(4, "Soil probe"),
        Object::new(128, "bed seven"),
    ];
    bench
}

#[test]
fn a_unit_says_what_it_is_as_far_as_it_is_asked() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        let mut bench = bench(mode);
        let basic = json!({"vendor-name": "Weihe", "product-code": "SOIL-1", "revision": "V2.11"});
        let mut regular = basic.clone();
        regular["product-name"] = json!("Soil probe");
        let mut extended = regular.clone();
        extended["object-128"] = json!("bed seven");
        for (arguments, objects) in [
            ("{}", regular),
            (r#"{"access":"basic"}"#, basic),
            (r#"{"access":"extended"}"#, extended),
            (r#"{"object":"revision"}"#, json!({"revision": "V2.11"})),
            (
                r#"{"access":"individual","object":128}"#,
                json!({"object-128": "bed seven"}),
            ),
        ] {
            let answer = bench.call("identify", arguments).unwrap();
            assert_eq!(
                answer,
                json!({"level": "extended", "individual": true, "objects": objects}),
                "{arguments}"
            );
        }
    }
}

#[test]
fn what_does_not_fit_into_one_reply_is_asked_for_until_all_is_there() {
    let mut bench = bench(Mode::Rtu);
    bench.unit.objects = (0..=6)
        .map(|id| Object::new(id, &"x".repeat(100)))
        .collect();
    bench.unit.functions.clear();
    let answer = bench.call("identify", "{}").unwrap();
    assert_eq!(answer["objects"].as_object().unwrap().len(), 7);
    assert_eq!(
        bench.unit.functions, [43; 4],
        "two objects of a hundred bytes a reply"
    );
}

#[test]
fn a_unit_that_names_the_same_object_again_and_again_is_not_asked_for_ever() {
    let mut bench = bench(Mode::Tcp);
    bench.kernel.call("identify", "{}").unwrap();
    for _ in 0..2 {
        let Some(exchange) = bench.kernel.take_submitted().pop() else {
            break;
        };
        let mut reply = exchange.request.bytes[..7].to_vec();
        let pdu = [43, 14, 2, 0x82, 0xFF, 1, 1, 0, 1, b'x'];
        reply[5] = pdu.len() as u8 + 1;
        reply.extend(pdu);
        bench.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
    }
    let error = bench.last_answer().unwrap_err();
    assert!(
        error.text().contains("object 1 follows on object 1"),
        "{error}"
    );
}

#[test]
fn a_unit_that_knows_the_basic_objects_only_is_asked_for_them_unless_more_was_wanted() {
    let mut bench = bench(Mode::Tcp);
    let mut refuse_regular = |arguments: &str| {
        bench.kernel.call("identify", arguments).unwrap();
        let exchange = bench.kernel.take_submitted().remove(0);
        let mut reply = exchange.request.bytes[..7].to_vec();
        reply[5] = 3;
        reply.extend([43 | 0x80, 3]);
        bench.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
        bench.serve();
        bench.last_answer()
    };
    let objects = refuse_regular("{}").unwrap()["objects"].clone();
    assert_eq!(objects.as_object().unwrap().len(), 3, "{objects}");
    let error = refuse_regular(r#"{"access":"regular"}"#).unwrap_err();
    assert!(error.text().contains("exception 3"), "{error}");
}

#[test]
fn a_unit_without_the_function_says_so_and_wrong_arguments_are_named() {
    let mut bench = bench(Mode::Tcp);
    bench.unit.objects.clear();
    let error = bench.call("identify", "{}").unwrap_err();
    assert!(
        error.text().contains("exception 1 (illegal function)"),
        "{error}"
    );
    for (arguments, words) in [
        (r#"{"access":"all"}"#, "\"regular\""),
        (r#"{"access":"individual"}"#, "say which `object`"),
        (r#"{"access":"basic","object":1}"#, "goes with `access`"),
        (r#"{"object":"colour"}"#, "vendor-name"),
        (r#"{"object":256}"#, "0 to 255"),
    ] {
        let error = bench.kernel.call("identify", arguments).unwrap_err();
        assert!(error.text().contains(words), "{arguments}: {error}");
    }
    let mut all = Bench::up(Mode::Rtu, r#"{"unit": 0}"#);
    let error = all.kernel.call("identify", "{}").unwrap_err();
    assert!(matches!(error, CallError::InvalidArgument(_)), "{error}");
}
