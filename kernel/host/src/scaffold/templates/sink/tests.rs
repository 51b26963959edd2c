//! The sink. Natively its database is played, and notes what is inserted; with `--features sandbox` the built component
//! has a real one, too.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use weihe_sdk::testing::{Fault, SqlAnswer, SqlCall};
use weihe_sdk::{Rows, SqlError, SqlValueBuf};

/// Rows as they were inserted natively.
type Inserted = Rc<RefCell<Vec<Vec<SqlValueBuf>>>>;

fn start(setup: Setup<Sink>) -> (TestKernel<Sink>, Inserted) {
    let inserted = Inserted::default();
    let rows = Rc::clone(&inserted);
    let kernel = setup
        .device("store")
        // As in weihe.toml.
        .grants(r#"{ "subscribe": ["tank/#"], "store": { "tables": ["samples"] } }"#)
        .sql(move |call| match call {
            SqlCall::ExecuteMany(statement, new) => {
                assert_eq!(statement, INSERT);
                let new = new
                    .iter()
                    .map(|row| row.iter().map(SqlValue::to_buf).collect());
                rows.borrow_mut().extend(new);
                Ok(SqlAnswer::Changed(0))
            }
            SqlCall::Query(..) => {
                let count = rows.borrow().len() as i64;
                Ok(SqlAnswer::Found(Rows {
                    columns: vec!["count(*)".to_owned()],
                    rows: vec![vec![SqlValueBuf::Integer(count)]],
                }))
            }
            SqlCall::Open(_) | SqlCall::Execute(..) => Ok(SqlAnswer::Changed(0)),
        })
        .start(r#"{ "topics": ["tank/#"] }"#)
        .unwrap();
    (kernel, inserted)
}

#[weihe_sdk::test(sandbox)]
fn numbers_become_rows(setup: Setup<Sink>) {
    let (mut kernel, inserted) = start(setup);
    let errors = kernel.events(&[
        ("tank/level", Value::Float(81.5)),
        ("tank/pumps", Value::Integer(2)),
    ]);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(kernel.call("count", "{}").unwrap().as_deref(), Some("2"));
    if kernel.is_sandbox() {
        return;
    }
    let rows = inserted.borrow();
    assert_eq!(
        rows[0][3..],
        [
            SqlValueBuf::Text("tank/level".to_owned()),
            SqlValueBuf::Real(81.5)
        ]
    );
    assert_eq!(rows[1][4], SqlValueBuf::Real(2.0));
}

#[weihe_sdk::test(sandbox)]
fn where_there_was_no_reading_the_value_is_null(setup: Setup<Sink>) {
    let (mut kernel, inserted) = start(setup);
    // As the template `driver` says that it has no answer; a number that is bad is no reading either.
    for value in [Value::None, Value::Float(-327.68)] {
        let lost = Sample::new(value).quality(Quality::Bad);
        kernel.event("tank/level", lost).unwrap();
    }
    kernel.event("tank/level", Value::None).unwrap();
    assert_eq!(kernel.call("count", "{}").unwrap().as_deref(), Some("3"));
    for row in inserted.borrow().iter() {
        assert_eq!(row[4], SqlValueBuf::Null);
    }
}

#[weihe_sdk::test(sandbox)]
fn what_is_no_number_is_refused_and_the_rest_is_stored(setup: Setup<Sink>) {
    let (mut kernel, _) = start(setup);
    let errors = kernel.events(&[
        ("tank/name", Value::Text("north")),
        ("tank/level", Value::Float(12.0)),
    ]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, 0, "the first one");
    assert_eq!(kernel.call("count", "{}").unwrap().as_deref(), Some("1"));
}

/// A real disk is not easily full: only natively.
#[weihe_sdk::test]
fn on_a_full_disk_events_are_kept_for_later(setup: Setup<Sink>) {
    let (mut kernel, inserted) = start(setup);
    kernel.inject(Fault::sql(SqlError::Full("disk full".to_owned())).times(1));
    let error = kernel.event("tank/level", 12.0).unwrap_err();
    assert!(matches!(error, Error::Retry(_)), "{error:?}");
    kernel.event("tank/level", 12.0).unwrap();
    assert_eq!(inserted.borrow().len(), 1);
}
