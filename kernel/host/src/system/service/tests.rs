#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::config::Config;
use crate::system::DataDirectory;
use serde_json::json;

fn service() -> (tempfile::TempDir, HostService) {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::parse(directory.path(), "").unwrap();
    let data = DataDirectory::take(&config.host.data).unwrap();
    let system = System::start(config, data).unwrap();
    (directory, HostService::new(system, Ring::new()))
}

async fn ask(service: &HostService, method: &str, params: Json) -> Result<Answer, ErrorBody> {
    let request = Request {
        id: 1,
        version: VERSION,
        method: method.to_owned(),
        params,
    };
    service.answer(request).await
}

async fn once(service: &HostService, method: &str, params: Json) -> Result<Json, ErrorBody> {
    match ask(service, method, params).await? {
        Answer::Once(value) => Ok(value),
        Answer::Stream(_) => panic!("a stream"),
    }
}

async fn set(service: &HostService, value: Json) {
    let params = json!({ "topic": "a/b", "value": value });
    once(service, "set", params).await.unwrap();
}

#[tokio::test]
async fn every_kind_of_value_is_published_as_itself() {
    let (_keep, service) = service();
    for (value, kind) in [
        (json!(null), "none"),
        (json!(false), "boolean"),
        (json!(-1), "integer"),
        (json!(0), "integer"),
        (json!(u64::MAX), "float"),
        (json!(0.5), "float"),
        (json!(""), "text"),
        (json!({"a": [1]}), "json"),
    ] {
        set(&service, value.clone()).await;
        let got = once(&service, "get", json!({ "filter": "a/b" }))
            .await
            .unwrap();
        assert_eq!(got[0]["kind"], kind);
        if kind != "float" {
            assert_eq!(got[0]["value"], value);
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_learns_what_it_missed() {
    let (_keep, service) = service();
    let Answer::Stream(mut stream) = ask(&service, "events", Json::Null).await.unwrap() else {
        panic!("no stream");
    };
    for number in 0..EVENT_QUEUE + 10 {
        set(&service, json!(number)).await;
    }
    let mut pieces = Vec::new();
    assert!(stream.next(&mut pieces).await);
    assert_eq!(pieces[0], Piece::Dropped(10));
    match &pieces[1] {
        Piece::Item(event) => assert_eq!(event["value"], 10, "the oldest are dropped"),
        other => panic!("{other:?}"),
    }
    let subscriptions = |service: &HostService| service.bus().subscriptions().len();
    assert_eq!(subscriptions(&service), 1);
    drop(stream);
    assert_eq!(subscriptions(&service), 0, "nothing is left behind");
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let (_keep, service) = service();
    for (method, params, code, word) in [
        ("dance", Json::Null, code::METHOD, "`dance`"),
        ("get", Json::Null, code::PARAMS, "filter"),
        ("get", json!({"filter": "a/#/b"}), code::PARAMS, "a/#/b"),
        (
            "get",
            json!({"filter": "a", "colour": 1}),
            code::PARAMS,
            "colour",
        ),
        (
            "set",
            json!({"topic": "$link/x", "value": 1}),
            code::PARAMS,
            "$link/x",
        ),
        (
            "set",
            json!({"topic": "a/+", "value": 1}),
            code::PARAMS,
            "a/+",
        ),
        (
            "call",
            json!({"device": "d", "command": "c"}),
            "unknown-device",
            "`d`",
        ),
        (
            "call",
            json!({"device": "d", "command": "c", "arguments": [1]}),
            code::PARAMS,
            "[1]",
        ),
        ("events", json!({"filter": ""}), code::PARAMS, "empty"),
    ] {
        let error = once(&service, method, params.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{method} {params}");
        assert!(
            error.message.contains(word),
            "{method} {params}: {}",
            error.message
        );
    }
}

#[tokio::test]
async fn logs_end_unless_they_are_followed() {
    let (_keep, service) = service();
    for (device, message) in [(None, "one"), (Some("soil"), "two"), (None, "three")] {
        service.ring.add(crate::record::Record {
            time: 1,
            level: crate::record::Level::Info,
            device: device.map(str::to_owned),
            target: "t".to_owned(),
            message: message.to_owned(),
        });
    }
    let mut seen = Vec::new();
    for params in [json!({"lines": 2}), json!({"device": "soil"})] {
        let Answer::Stream(mut stream) = ask(&service, "logs", params).await.unwrap() else {
            panic!("no stream");
        };
        let mut pieces = Vec::new();
        assert!(!stream.next(&mut pieces).await);
        for piece in pieces {
            match piece {
                Piece::Item(item) => seen.push(item["message"].as_str().unwrap().to_owned()),
                Piece::Dropped(count) => panic!("{count} dropped"),
            }
        }
    }
    assert_eq!(seen, ["two", "three", "two"]);
}

#[tokio::test]
async fn orders_for_plugins_say_what_is_wrong_with_them() {
    let (_keep, service) = service();
    for (method, params, code, words) in [
        (
            "swap",
            json!({ "plugin": "gone", "file": "gone.wasm" }),
            code::PARAMS,
            "no whole path",
        ),
        (
            "swap",
            json!({ "file": "/gone.wasm" }),
            code::PARAMS,
            "which `plugin`?",
        ),
        (
            "swap",
            json!({ "plugin": "gone", "file": "/gone.wasm" }),
            code::FAILED,
            "/gone.wasm",
        ),
        (
            "rollback",
            json!({ "plugin": "gone" }),
            "unknown-plugin",
            "there is no plugin `gone`",
        ),
        (
            "unload",
            json!({ "plugin": "gone" }),
            "unknown-plugin",
            "there is no plugin `gone`",
        ),
        (
            "load",
            json!({ "file": "/Gone.wasm" }),
            code::PARAMS,
            "`Gone` is no name",
        ),
        (
            "load",
            json!({ "file": "/gone.wasm" }),
            code::FAILED,
            "/gone.wasm",
        ),
    ] {
        let error = once(&service, method, params).await.unwrap_err();
        assert_eq!(error.code, code, "{method}: {}", error.message);
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[tokio::test]
async fn dead_letters_are_listed_dropped_and_asked_for_with_care() {
    use weihe_kernel::device::Letter;

    let (_keep, service) = service();
    assert_eq!(
        once(&service, "dead-list", json!(null)).await,
        Ok(json!([]))
    );
    let store = service.system.kernel().letters().clone();
    let bus = service.bus().clone();
    let event = Event {
        topic: bus.topic("a/b").unwrap(),
        source: bus.source("x").unwrap(),
        time: 1,
        sequence: 2,
        cause: None,
        attempt: 3,
        quality: Quality::Bad,
        value: Value::Float(f64::NAN),
    };
    for _ in 0..2 {
        let letter = Letter::of_event(&bus, &event, "why", 5);
        store.keep("gone", letter).await.unwrap();
    }
    let listed = once(&service, "dead-list", json!({ "device": "gone" }))
        .await
        .unwrap();
    assert_eq!(listed[0]["reason"], "why");
    assert_eq!(listed[0]["kind"], "event");
    assert_eq!(listed[0]["input"]["value"], "NaN");
    assert_eq!(listed[0]["input"]["attempt"], 3);
    assert_eq!(listed[0]["input"]["quality"], "bad");

    for wrong in [
        json!({ "device": "gone" }),
        json!({ "device": "gone", "ids": [1], "all": true }),
    ] {
        let error = once(&service, "dead-drop", wrong).await.unwrap_err();
        assert_eq!(error.code, code::PARAMS);
    }
    let all = json!({ "device": "gone", "all": true });
    let error = once(&service, "dead-retry", all.clone()).await.unwrap_err();
    assert_eq!(error.code, "unknown-device");
    let one = json!({ "device": "gone", "ids": [listed[0]["id"], 99] });
    let dropped = once(&service, "dead-drop", one).await.unwrap();
    assert_eq!(dropped["done"], json!([listed[0]["id"]]));
    assert_eq!(dropped["left"][0]["id"], 99);
    let dropped = once(&service, "dead-drop", all).await.unwrap();
    assert_eq!(dropped["done"], json!([listed[1]["id"]]));
    assert_eq!(once(&service, "dead-list", json!({})).await, Ok(json!([])));
}

#[tokio::test]
async fn a_change_goes_to_its_end_when_its_request_is_cancelled() {
    let (directory, service) = service();
    let system = Arc::clone(&service.system);
    system.populate(Default::default()).await;
    let text = "[connection.far]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n";
    std::fs::write(directory.path().join("weihe.toml"), text).unwrap();
    let other = system.followed.lock().await;
    let reload = ask(&service, "reload", Json::Null);
    assert!(
        tokio::time::timeout(Duration::ZERO, reload).await.is_err(),
        "it waits for the other change"
    );
    drop(other);
    let opened = async {
        while system.kernel().status().connections.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), opened)
        .await
        .unwrap();
    system.stop().await;
}
