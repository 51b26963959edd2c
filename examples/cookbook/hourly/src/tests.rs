#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection as Sqlite, params_from_iter};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::rc::Rc;
use weihe_sdk::testing::{SqlAnswer, SqlCall};
use weihe_sdk::{EventBuf, Rows, SqlError, SqlValue};

const CONFIG: &str = r#"{ "topics": ["tank/#"] }"#;
const GRANTS: &str =
    r##"{ "subscribe": ["tank/#"], "store": { "tables": ["hourly", "hourly_counted"] } }"##;

/// A real SQLite behind the played kernel, which keeps its transactions: one a handler. The sandbox has its own.
#[derive(Clone)]
struct Bench {
    sqlite: Rc<Sqlite>,
    /// After so many statements the disk is full.
    left: Rc<RefCell<Option<u32>>>,
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

impl Bench {
    fn new() -> Self {
        Bench {
            sqlite: Rc::new(Sqlite::open_in_memory().unwrap()),
            left: Rc::default(),
        }
    }

    fn answer(&self, call: SqlCall<'_>) -> rusqlite::Result<SqlAnswer> {
        match call {
            SqlCall::Execute(statement, row) => {
                let changed = self
                    .sqlite
                    .execute(statement, params_from_iter(parameters(row)))?;
                Ok(SqlAnswer::Changed(changed as u64))
            }
            SqlCall::Query(statement, row) => {
                let mut statement = self.sqlite.prepare(statement)?;
                let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
                let width = columns.len();
                let rows = statement.query_map(params_from_iter(parameters(row)), |row| {
                    (0..width)
                        .map(|column| row.get(column).map(value))
                        .collect()
                })?;
                let rows = rows.collect::<rusqlite::Result<_>>()?;
                Ok(SqlAnswer::Found(Rows { columns, rows }))
            }
            other => panic!("{other:?}"),
        }
    }

    fn start(&self, setup: Setup<Hourly>) -> TestKernel<Hourly> {
        let bench = self.clone();
        let setup = setup.device("hours").grants(GRANTS).sql(move |call| {
            if let SqlCall::Open(name) = call {
                return match name {
                    "main" => Ok(SqlAnswer::Changed(0)),
                    other => Err(SqlError::Unknown(other.to_owned())),
                };
            }
            match bench.left.borrow_mut().as_mut() {
                Some(0) => return Err(SqlError::Full("no space".to_owned())),
                Some(left) => *left -= 1,
                None => {}
            }
            bench
                .answer(call)
                .map_err(|error| SqlError::Invalid(error.to_string()))
        });
        setup.start(CONFIG).unwrap()
    }

    /// Feeds events as the host does: what they write is committed when all went well.
    fn feed(&self, kernel: &mut TestKernel<Hourly>, events: &[EventBuf]) -> Vec<(u32, Error)> {
        self.sqlite.execute_batch("BEGIN").unwrap();
        let errors = kernel.feed_batch(events);
        let retried = errors
            .iter()
            .any(|(_, error)| matches!(error, Error::Retry(_)));
        self.sqlite
            .execute_batch(if retried { "ROLLBACK" } else { "COMMIT" })
            .unwrap();
        errors
    }
}

fn value(value: SqliteValue) -> SqlValueBuf {
    match value {
        SqliteValue::Null => SqlValueBuf::Null,
        SqliteValue::Integer(value) => SqlValueBuf::Integer(value),
        SqliteValue::Real(value) => SqlValueBuf::Real(value),
        SqliteValue::Text(text) => SqlValueBuf::Text(text),
        SqliteValue::Blob(bytes) => SqlValueBuf::Blob(bytes),
    }
}

fn samples(kernel: &mut TestKernel<Hourly>, values: &[f64]) -> Vec<EventBuf> {
    values
        .iter()
        .map(|value| kernel.make_event("tank/level", *value))
        .collect()
}

fn hours(kernel: &mut TestKernel<Hourly>) -> Json {
    let answer = kernel
        .call("hours", r#"{ "topic": "tank/level" }"#)
        .unwrap();
    serde_json::from_str(&answer.unwrap()).unwrap()
}

#[weihe_sdk::test(sandbox)]
fn each_hour_has_its_minimum_maximum_and_mean(setup: Setup<Hourly>) {
    let bench = Bench::new();
    let mut kernel = bench.start(setup);
    let first = samples(&mut kernel, &[4.0, 1.0, 7.0]);
    assert!(bench.feed(&mut kernel, &first).is_empty());
    kernel.advance(HOUR).unwrap();
    let second = samples(&mut kernel, &[5.0]);
    assert!(bench.feed(&mut kernel, &second).is_empty());
    assert_eq!(
        hours(&mut kernel),
        json!([
            { "hour": "2026-01-01T00:00:00.000Z", "minimum": 1.0, "maximum": 7.0, "mean": 4.0, "samples": 3 },
            { "hour": "2026-01-01T01:00:00.000Z", "minimum": 5.0, "maximum": 5.0, "mean": 5.0, "samples": 1 },
        ])
    );
}

const HOUR: Duration = table::HOUR;

#[weihe_sdk::test(sandbox)]
fn a_sample_that_comes_again_counts_once(setup: Setup<Hourly>) {
    let bench = Bench::new();
    let mut kernel = bench.start(setup);
    let batch = samples(&mut kernel, &[1.0, 3.0]);
    bench.feed(&mut kernel, &batch);
    // The last value of the topic is told to the instance after this one: in the sandbox by the kernel itself.
    kernel.restart(CONFIG).unwrap();
    if !kernel.is_sandbox() {
        bench.feed(&mut kernel, &batch[1..]);
    }
    assert_eq!(
        (
            &hours(&mut kernel)[0]["samples"],
            &hours(&mut kernel)[0]["mean"]
        ),
        (&json!(2), &json!(2.0))
    );
}

#[test]
fn a_batch_that_fails_in_its_middle_is_counted_once_in_the_end() {
    let bench = Bench::new();
    let mut kernel = bench.start(FakeKernel::setup("test"));
    let batch = samples(&mut kernel, &[1.0, 2.0, 3.0]);
    // Room for the first event, and for one table of the second.
    *bench.left.borrow_mut() = Some(3);
    let errors = bench.feed(&mut kernel, &batch);
    assert!(matches!(errors[0].1, Error::Retry(_)), "{errors:?}");
    *bench.left.borrow_mut() = None;
    assert_eq!(hours(&mut kernel), json!([]));
    assert!(bench.feed(&mut kernel, &batch).is_empty());
    assert_eq!(hours(&mut kernel)[0]["samples"], 3);
    assert_eq!(hours(&mut kernel)[0]["mean"], 2.0);
}

#[weihe_sdk::test(sandbox)]
fn bad_samples_are_left_out_and_what_is_no_number_is_refused_alone(setup: Setup<Hourly>) {
    let bench = Bench::new();
    let mut kernel = bench.start(setup);
    let mut batch = samples(&mut kernel, &[1.0, 9.0]);
    batch[1].quality = Quality::Bad;
    batch.push(kernel.make_event("tank/level", "full"));
    batch.extend(samples(&mut kernel, &[3.0]));
    let errors = bench.feed(&mut kernel, &batch);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, 2);
    assert!(
        errors[0]
            .1
            .text()
            .starts_with("`tank/level`: expected a number")
    );
    assert_eq!(hours(&mut kernel)[0]["samples"], 2);
}

#[weihe_sdk::test(sandbox)]
fn a_late_sample_goes_into_the_hour_it_was_taken_in(setup: Setup<Hourly>) {
    let bench = Bench::new();
    let mut kernel = bench.start(setup);
    let mut batch = samples(&mut kernel, &[1.0]);
    batch[0].time = batch[0].time - HOUR;
    bench.feed(&mut kernel, &batch);
    assert_eq!(hours(&mut kernel)[0]["hour"], "2025-12-31T23:00:00.000Z");
}

#[test]
fn wrong_names_and_numbers_are_named() {
    let bench = Bench::new();
    let mut kernel = bench.start(FakeKernel::setup("test"));
    let error = kernel
        .call("hours", r#"{ "topic": "a", "limit": 0 }"#)
        .unwrap_err();
    assert!(error.text().contains("`limit`: 0"), "{error}");
    let setup = FakeKernel::<Hourly>::setup("hours").sql(|call| match call {
        SqlCall::Open(name) => Err(SqlError::Unknown(name.to_owned())),
        _ => Ok(SqlAnswer::Changed(0)),
    });
    let error = setup
        .start(r#"{ "topics": ["a"], "database": "mian" }"#)
        .unwrap_err();
    assert!(error.text().contains("mian"), "{error}");
}
