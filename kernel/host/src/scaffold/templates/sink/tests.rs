//! The sink with a database that is played: it notes what is inserted.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use weihe_sdk::testing::{SqlAnswer, SqlCall};
use weihe_sdk::{Rows, SqlValueBuf};

/// Rows as they were inserted.
type Inserted = Rc<RefCell<Vec<Vec<SqlValueBuf>>>>;

fn start() -> (FakeKernel<Sink>, Inserted) {
    let inserted = Inserted::default();
    let rows = Rc::clone(&inserted);
    let kernel = FakeKernel::<Sink>::setup("store")
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

#[test]
fn numbers_become_rows() {
    let (mut kernel, inserted) = start();
    let errors = kernel.events(&[
        ("tank/level", Value::Float(81.5)),
        ("tank/pumps", Value::Integer(2)),
    ]);
    assert!(errors.is_empty(), "{errors:?}");
    let rows = inserted.borrow();
    assert_eq!(
        rows[0][3..],
        [
            SqlValueBuf::Text("tank/level".to_owned()),
            SqlValueBuf::Real(81.5)
        ]
    );
    assert_eq!(rows[1][4], SqlValueBuf::Real(2.0));
    drop(rows);
    assert_eq!(kernel.call("count", "{}").unwrap().as_deref(), Some("2"));
}

#[test]
fn what_is_no_number_is_refused_and_the_rest_is_stored() {
    let (mut kernel, inserted) = start();
    let errors = kernel.events(&[
        ("tank/name", Value::Text("north")),
        ("tank/level", Value::Float(12.0)),
    ]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, 0, "the first one");
    assert_eq!(inserted.borrow().len(), 1);
}
