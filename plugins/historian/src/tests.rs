#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection as Sqlite, params_from_iter};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::rc::Rc;
use weihe_sdk::testing::{SqlAnswer, SqlCall};
use weihe_sdk::{EventBuf, IdentityBuf, Rows, SqlValueBuf};

/// A real SQLite behind the fake kernel, which fails when it is told to.
#[derive(Clone)]
struct Bench {
    sqlite: Rc<Sqlite>,
    fault: Rc<RefCell<Option<SqlError>>>,
}

fn parameters<'a>(row: &'a [SqlValue<'a>]) -> impl Iterator<Item = ToSqlOutput<'a>> {
    row.iter().map(|value| {
        ToSqlOutput::Borrowed(match value {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Integer(value) => ValueRef::Integer(*value),
            SqlValue::Real(value) => ValueRef::Real(*value),
            SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
            SqlValue::Blob(bytes) => ValueRef::Blob(bytes),
        })
    })
}

fn failure(error: rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => SqlError::Constraint(error.to_string()),
        _ => SqlError::Invalid(error.to_string()),
    }
}

impl Bench {
    fn new() -> Self {
        let sqlite = Rc::new(Sqlite::open_in_memory().unwrap());
        Bench {
            sqlite,
            fault: Rc::default(),
        }
    }

    fn answer(&self, call: SqlCall<'_>) -> Result<SqlAnswer, SqlError> {
        if let Some(fault) = &*self.fault.borrow() {
            return Err(fault.clone());
        }
        let execute = |statement: &str, row: &[SqlValue<'_>]| {
            let mut statement = self.sqlite.prepare_cached(statement)?;
            statement.execute(params_from_iter(parameters(row)))
        };
        match call {
            SqlCall::Open("main") => Ok(SqlAnswer::Changed(0)),
            SqlCall::Open(name) => Err(SqlError::Unknown(name.to_owned())),
            SqlCall::Execute(statement, row) => {
                let changed = execute(statement, row).map_err(failure)?;
                Ok(SqlAnswer::Changed(changed as u64))
            }
            SqlCall::ExecuteMany(statement, rows) => {
                let all = self.sqlite.unchecked_transaction().map_err(failure)?;
                let mut changed = 0;
                for row in rows {
                    changed += execute(statement, row).map_err(failure)? as u64;
                }
                all.commit().map_err(failure)?;
                Ok(SqlAnswer::Changed(changed))
            }
            SqlCall::Query(statement, row) => self.query(statement, row).map_err(failure),
        }
    }

    fn query(&self, statement: &str, row: &[SqlValue<'_>]) -> rusqlite::Result<SqlAnswer> {
        let mut statement = self.sqlite.prepare(statement)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let rows = statement.query_map(params_from_iter(parameters(row)), |row| {
            (0..width)
                .map(|column| {
                    Ok(match row.get::<_, SqliteValue>(column)? {
                        SqliteValue::Null => SqlValueBuf::Null,
                        SqliteValue::Integer(value) => SqlValueBuf::Integer(value),
                        SqliteValue::Real(value) => SqlValueBuf::Real(value),
                        SqliteValue::Text(text) => SqlValueBuf::Text(text),
                        SqliteValue::Blob(bytes) => SqlValueBuf::Blob(bytes),
                    })
                })
                .collect()
        })?;
        let rows = rows.collect::<rusqlite::Result<_>>()?;
        Ok(SqlAnswer::Found(Rows { columns, rows }))
    }

    fn try_start(&self, extra: Json) -> Result<FakeKernel<Historian>, Error> {
        let mut config = json!({"topics": ["greenhouse/#"]});
        config
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let bench = self.clone();
        FakeKernel::<Historian>::setup("history")
            .sql(move |call| bench.answer(call))
            .start(&config.to_string())
    }

    fn start(&self, extra: Json) -> FakeKernel<Historian> {
        self.try_start(extra).unwrap()
    }

    fn rows(&self) -> i64 {
        self.sqlite
            .query_row("SELECT count(*) FROM readings", [], |row| row.get(0))
            .unwrap()
    }

    fn fail(&self, fault: Option<SqlError>) {
        *self.fault.borrow_mut() = fault;
    }
}

fn query(kernel: &mut FakeKernel<Historian>, arguments: Json) -> Vec<Json> {
    let answer = kernel
        .call("query", &arguments.to_string())
        .unwrap()
        .unwrap();
    let answer: Json = serde_json::from_str(&answer).unwrap();
    answer["rows"].as_array().unwrap().clone()
}

fn stats(kernel: &mut FakeKernel<Historian>) -> Json {
    serde_json::from_str(&kernel.call("stats", "{}").unwrap().unwrap()).unwrap()
}

#[test]
fn every_kind_of_value_comes_back_as_it_was_published() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    let values = [
        (Value::None, Json::Null),
        (Value::Boolean(true), json!(true)),
        (Value::Boolean(false), json!(false)),
        (Value::Integer(-1), json!(-1)),
        (Value::Integer(i64::MIN), json!(i64::MIN)),
        (Value::Float(0.0), json!(0.0)),
        (Value::Float(-12.5), json!(-12.5)),
        (Value::Float(f64::NAN), Json::Null),
        (Value::Float(f64::INFINITY), json!("inf")),
        (Value::Text("it's 微"), json!("it's 微")),
        (Value::Bytes(&[0, 255]), json!("00ff")),
        (Value::Json("{\"a\": [1]}"), json!({"a": [1]})),
    ];
    let events: Vec<_> = values
        .iter()
        .map(|(value, _)| ("greenhouse/x", *value))
        .collect();
    assert_eq!(kernel.events(&events), []);
    let rows = query(&mut kernel, json!({}));
    let found: Vec<&Json> = rows.iter().map(|row| &row["value"]).collect();
    assert_eq!(
        found,
        values.iter().map(|(_, shown)| shown).collect::<Vec<_>>()
    );
}

#[test]
fn an_event_keeps_its_identity_cause_quality_and_time() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    let event = EventBuf {
        topic: "greenhouse/soil".to_owned(),
        time: Timestamp::from_nanos(1_700_000_000_123_456_789),
        id: IdentityBuf {
            source: "soil".to_owned(),
            sequence: u64::MAX,
        },
        attempt: 3,
        cause: Some(IdentityBuf {
            source: "clock".to_owned(),
            sequence: 7,
        }),
        quality: Quality::Uncertain,
        value: ValueBuf::Float(1.5),
    };
    assert_eq!(kernel.feed_batch(std::slice::from_ref(&event)), []);
    assert_eq!(
        query(&mut kernel, json!({})),
        [json!({
            "topic": "greenhouse/soil", "time": 1_700_000_000_123_456_789_u64, "kind": "float",
            "value": 1.5, "quality": "uncertain", "source": "soil", "sequence": u64::MAX,
            "cause": {"source": "clock", "sequence": 7},
        })]
    );
}

#[test]
fn an_event_that_comes_again_is_stored_once() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    let first = kernel.make_event("greenhouse/a", 1.0);
    let second = kernel.make_event("greenhouse/a", 2.0);
    kernel.feed(&first).unwrap();
    assert_eq!(
        kernel.feed_batch(&[first.clone(), second.clone(), second.clone()]),
        []
    );
    kernel.restart(r#"{"topics": ["greenhouse/#"]}"#).unwrap();
    kernel.feed(&second).unwrap();
    assert_eq!(bench.rows(), 2);
    let stats = stats(&mut kernel);
    assert_eq!((&stats["stored"], &stats["known"]), (&json!(0), &json!(1)));
}

#[test]
fn what_may_pass_is_asked_for_again_and_nothing_is_lost() {
    for fault in [
        SqlError::Busy("backup".into()),
        SqlError::Full("/data".into()),
        SqlError::Unavailable("closed".into()),
    ] {
        let bench = Bench::new();
        let mut kernel = bench.start(json!({}));
        let events = [
            kernel.make_event("greenhouse/a", 1.0),
            kernel.make_event("greenhouse/a", 2.0),
        ];
        bench.fail(Some(fault));
        let errors = kernel.feed_batch(&events);
        assert_eq!(
            errors.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(
            errors
                .iter()
                .all(|(_, error)| matches!(error, Error::Retry(_))),
            "{errors:?}"
        );
        assert!(matches!(kernel.feed(&events[0]), Err(Error::Retry(_))));
        bench.fail(None);
        assert_eq!(kernel.feed_batch(&events), []);
        assert_eq!(bench.rows(), 2);
        assert_eq!(stats(&mut kernel)["retried"], 3);
    }
}

#[test]
fn only_the_event_at_fault_is_refused() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    let guard = "CREATE TRIGGER guard BEFORE INSERT ON readings WHEN NEW.value_text = 'poison' \
                 BEGIN SELECT RAISE(ABORT, 'poison'); END";
    bench.sqlite.execute_batch(guard).unwrap();
    let errors = kernel.events(&[
        ("greenhouse/a", Value::Text("good")),
        ("greenhouse/a", Value::Text("poison")),
        ("greenhouse/a", Value::Text("good too")),
    ]);
    assert_eq!(errors.len(), 1);
    let (index, error) = &errors[0];
    assert_eq!(*index, 1);
    assert!(
        matches!(error, Error::Rejected(text) if text.contains("`readings`") && text.contains("poison"))
    );
    assert_eq!(bench.rows(), 2);
    assert!(
        kernel
            .logs()
            .iter()
            .any(|log| log.message.contains("poison"))
    );
}

#[test]
fn rows_are_found_by_topic_and_time() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    let base = 1_700_000_000_000_000_000;
    for (index, topic) in ["a", "a/b", "a/b/c", "a0", "a/b"].into_iter().enumerate() {
        let time = Timestamp::from_nanos(base + index as u64 * 1_000_000_000);
        kernel
            .event(topic, Sample::new(index as i64).at(time))
            .unwrap();
    }
    let mut values = |arguments: Json| -> Vec<i64> {
        let rows = query(&mut kernel, arguments);
        rows.iter()
            .map(|row| row["value"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(values(json!({})), [0, 1, 2, 3, 4]);
    assert_eq!(values(json!({"topic": "#"})), [0, 1, 2, 3, 4]);
    assert_eq!(values(json!({"topic": "a/b"})), [1, 4]);
    assert_eq!(values(json!({"topic": "a/#"})), [1, 2, 4]);
    assert_eq!(values(json!({"limit": 2})), [3, 4]);
    assert_eq!(values(json!({"from": base + 3_000_000_000_u64})), [3, 4]);
    assert_eq!(values(json!({"to": "2023-11-14T22:13:22Z"})), [0, 1]);
    assert_eq!(
        values(json!({"topic": "a'; DROP TABLE readings; --"})),
        [0_i64; 0]
    );
    let answer = kernel.call("query", r#"{"limit": 2}"#).unwrap().unwrap();
    assert!(answer.contains(r#""more":true"#));
    let answer = kernel.call("query", r#"{"limit": 5}"#).unwrap().unwrap();
    assert!(answer.contains(r#""more":false"#));
}

#[test]
fn wrong_arguments_name_the_culprit() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({}));
    for (arguments, culprit) in [
        (r#"{"limit": 0}"#, "`limit`"),
        (r#"{"limit": 10000}"#, "`limit`"),
        (r#"{"topic": "a/+/b"}"#, "`topic`"),
        (r#"{"from": "yesterday"}"#, "`from`"),
        (r#"{"form": 1}"#, "`form`"),
    ] {
        match kernel.call("query", arguments) {
            Err(CallError::InvalidArgument(text)) => assert!(text.contains(culprit), "{text}"),
            other => panic!("{arguments}: {other:?}"),
        }
    }
}

#[test]
fn old_rows_are_pruned_in_steps() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({"max-age": "1 h", "prune-every": "1 min"}));
    let old = kernel.now() - Duration::from_secs(7200);
    let events: Vec<EventBuf> = (0..i64::from(PRUNE_ROWS) + 10)
        .map(|value| kernel.make_event("greenhouse/a", Sample::new(value).at(old)))
        .collect();
    assert_eq!(kernel.feed_batch(&events), []);
    kernel.event("greenhouse/a", 1.0).unwrap();
    kernel.advance(PRUNE_PAUSE).unwrap();
    assert_eq!(bench.rows(), 11);
    kernel.advance(PRUNE_PAUSE).unwrap();
    assert_eq!(bench.rows(), 1);
    kernel.advance(Duration::from_secs(3700)).unwrap();
    assert_eq!(bench.rows(), 0);
}

#[test]
fn without_a_maximum_age_no_timer_is_set() {
    let bench = Bench::new();
    assert_eq!(bench.start(json!({})).timers(), []);
}

#[test]
fn a_failed_prune_is_said_and_the_next_one_comes() {
    let bench = Bench::new();
    let mut kernel = bench.start(json!({"max-age": "1 h"}));
    bench.fail(Some(SqlError::Busy("backup".into())));
    kernel.advance(Duration::from_secs(601)).unwrap();
    bench.fail(None);
    assert!(
        stats(&mut kernel)["last-error"]
            .as_str()
            .unwrap()
            .contains("backup")
    );
}

#[test]
fn a_foreign_table_is_refused_with_its_difference() {
    let start = |schema: &str| {
        let bench = Bench::new();
        bench.sqlite.execute_batch(schema).unwrap();
        match bench.try_start(json!({})) {
            Err(Error::Fatal(text)) => text,
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    let text = start("CREATE TABLE readings (id INTEGER PRIMARY KEY, value REAL)");
    assert!(
        text.starts_with(
            "config: `table`: `readings` exists already, but it has no column `source`"
        ),
        "{text}"
    );
    let columns = COLUMNS.join(", ");
    let text = start(&format!("CREATE TABLE readings ({columns})"));
    assert!(
        text.contains("its primary key must be `source`, `sequence`, but is none"),
        "{text}"
    );
    let text = start(&format!(
        "CREATE TABLE readings ({columns}, site TEXT NOT NULL, PRIMARY KEY (source, sequence))"
    ));
    assert!(text.contains("its column `site` needs a value"), "{text}");
}

#[test]
fn an_own_table_with_more_columns_is_taken() {
    let bench = Bench::new();
    let columns = COLUMNS.join(", ");
    let schema = format!("CREATE TABLE readings ({columns}, note, PRIMARY KEY (source, sequence))");
    bench.sqlite.execute_batch(&schema).unwrap();
    let mut kernel = bench.start(json!({}));
    kernel.event("greenhouse/a", 1.0).unwrap();
    assert_eq!(bench.rows(), 1);
}

#[test]
fn the_start_names_what_it_cannot_have() {
    let bench = Bench::new();
    let error = bench.try_start(json!({"database": "dm8"})).unwrap_err();
    assert_eq!(
        error,
        Error::fatal("table `readings` of database `dm8`: no such database: dm8")
    );
    bench.fail(Some(SqlError::Busy("backup".into())));
    assert!(matches!(bench.try_start(json!({})), Err(Error::Retry(_))));
    let denied = FakeKernel::<Historian>::setup("history").deny("a/#");
    let bench = Bench::new();
    let denied = denied.sql(move |call| bench.answer(call));
    let error = denied.start(r#"{"topics": ["b", "a/#"]}"#).unwrap_err();
    assert_eq!(
        error,
        Error::fatal("config: `topics[1]`: `a/#`: no grant covers it")
    );
}

#[test]
fn each_filter_is_subscribed_with_the_configured_capacity() {
    let bench = Bench::new();
    let kernel = bench.start(json!({"topics": ["a", "b/#"], "capacity": 10}));
    let subscriptions = kernel.subscriptions();
    let filters: Vec<&str> = subscriptions
        .iter()
        .map(|(filter, _)| filter.as_str())
        .collect();
    assert_eq!(filters, ["a", "b/#"]);
    assert!(
        subscriptions
            .iter()
            .all(|(_, options)| options.capacity == 10 && options.retained)
    );
}

#[test]
fn the_description_names_every_command() {
    let description = Historian::describe();
    assert_eq!(
        description.command_names().collect::<Vec<_>>(),
        ["query", "stats"]
    );
    let schema: Json = serde_json::from_str(include_str!("config.schema.json")).unwrap();
    assert!(schema["properties"]["topics"].is_object());
}
