//! Random interleavings of several devices, compared with a model that holds the whole truth.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::*;

const DEVICES: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8),
    Delete(u8),
    /// Fails, and leaves the turn as it was.
    Fail,
    Read,
    Commit,
    Rollback,
    /// The instance traps: its session is dropped, and a new one made.
    Drop,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        6 => (0..5_u8, any::<u8>()).prop_map(|(key, value)| Step::Set(key, value)),
        1 => (0..5_u8).prop_map(Step::Delete),
        1 => Just(Step::Fail),
        3 => Just(Step::Read),
        4 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Drop),
    ];
    (0..DEVICES, step)
}

type Table = BTreeMap<i64, i64>;

/// What the task of a device answers to a step.
#[derive(Debug)]
enum Answer {
    Done,
    Failed(String),
    Table(Table),
}

/// A device's task: takes steps until its channel is closed.
fn device(mut session: Session) -> mpsc::UnboundedSender<(Step, oneshot::Sender<Answer>)> {
    let (steps, mut inbox) = mpsc::unbounded_channel::<(Step, oneshot::Sender<Answer>)>();
    tokio::spawn(async move {
        while let Some((step, answer)) = inbox.recv().await {
            let result = match step {
                Step::Set(key, value) => {
                    let row = vec![Value::Integer(key.into()), Value::Integer(value.into())];
                    session
                        .execute("REPLACE INTO m VALUES (?1, ?2)".into(), row)
                        .await
                        .map(|_| Answer::Done)
                }
                Step::Delete(key) => {
                    let row = vec![Value::Integer(key.into())];
                    session
                        .execute("DELETE FROM m WHERE k = ?1".into(), row)
                        .await
                        .map(|_| Answer::Done)
                }
                Step::Fail => {
                    let rows = vec![vec![Value::Integer(1)], vec![Value::Null]];
                    session
                        .execute_many("REPLACE INTO m VALUES (?1, 1)".into(), rows)
                        .await
                        .map(|_| Answer::Done)
                }
                Step::Read => read(&mut session).await.map(Answer::Table),
                Step::Commit => session
                    .commit()
                    .await
                    .map(|()| Answer::Done)
                    .map_err(StoreError::Unavailable),
                Step::Rollback | Step::Drop => {
                    session.rollback().await;
                    Ok(Answer::Done)
                }
            };
            let _ = answer.send(result.unwrap_or_else(|error| Answer::Failed(error.to_string())));
        }
    });
    steps
}

async fn read(session: &mut Session) -> Result<Table, StoreError> {
    let rows = rows(session, "SELECT k, v FROM m").await?;
    Ok(rows
        .into_iter()
        .map(|row| match row[..] {
            [Value::Integer(key), Value::Integer(value)] => (key, value),
            _ => panic!("{row:?}"),
        })
        .collect())
}

struct Driver {
    rig: Rig,
    tasks: Vec<mpsc::UnboundedSender<(Step, oneshot::Sender<Answer>)>>,
    /// Tables after each finished turn, the oldest first.
    history: Vec<Table>,
    /// The table as the holder of the turn sees it.
    holder: Option<(usize, Table)>,
    /// Devices that wait for their turn, with their first step and its answer.
    waiting: VecDeque<(usize, Step, oneshot::Receiver<Answer>)>,
    /// Commits that are not answered yet, with the length of the history that they end.
    pending: BTreeMap<usize, (usize, oneshot::Receiver<Answer>)>,
    /// How much of the history is known to be durable.
    durable: usize,
}

impl Driver {
    async fn new() -> Self {
        let rig = Rig::new();
        let mut session = rig.session("setup", "tables = ['m']");
        change(
            &mut session,
            "CREATE TABLE m (k INTEGER NOT NULL PRIMARY KEY, v) WITHOUT ROWID",
        )
        .await
        .unwrap();
        session.commit().await.unwrap();
        let tasks = (0..DEVICES)
            .map(|_| device(rig.session("d", "tables = ['m']")))
            .collect();
        Self {
            rig,
            tasks,
            history: vec![Table::new()],
            holder: None,
            waiting: VecDeque::new(),
            pending: BTreeMap::new(),
            durable: 1,
        }
    }

    fn send(&self, index: usize, step: Step) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.tasks[index].send((step, answer)).unwrap();
        answered
    }

    /// Takes the answer of a pending commit if it is there.
    fn settle(&mut self, index: usize) {
        if let Some((length, answered)) = self.pending.get_mut(&index)
            && let Ok(answer) = answered.try_recv()
        {
            assert!(matches!(answer, Answer::Done), "{answer:?}");
            self.durable = self.durable.max(*length);
            self.pending.remove(&index);
        }
    }

    async fn take(&mut self, index: usize, step: Step) {
        self.settle(index);
        if matches!(step, Step::Drop) {
            return self.restart(index).await;
        }
        // A device that waits does nothing else.
        if self.pending.contains_key(&index)
            || self.waiting.iter().any(|(waits, ..)| *waits == index)
        {
            return;
        }
        let holds = self
            .holder
            .as_ref()
            .is_some_and(|(holder, _)| *holder == index);
        match step {
            Step::Read => {
                let answer = soon(self.send(index, Step::Read)).await.unwrap();
                let Answer::Table(found) = answer else {
                    panic!("{answer:?}");
                };
                match &self.holder {
                    Some((holder, table)) if *holder == index => assert_eq!(found, *table),
                    // Another sees what is durable, and perhaps already what is being made so.
                    _ => assert!(
                        self.history[self.durable - 1..].contains(&found),
                        "{found:?}"
                    ),
                }
            }
            Step::Commit => {
                let answered = self.send(index, Step::Commit);
                if holds {
                    let (_, table) = self.holder.take().unwrap();
                    self.history.push(table);
                    self.pending.insert(index, (self.history.len(), answered));
                    self.next().await;
                } else {
                    assert!(matches!(soon(answered).await.unwrap(), Answer::Done));
                }
            }
            Step::Rollback => {
                assert!(matches!(
                    soon(self.send(index, step)).await.unwrap(),
                    Answer::Done
                ));
                if holds {
                    self.holder = None;
                    self.next().await;
                }
            }
            write => {
                let answered = self.send(index, write.clone());
                self.waiting.push_back((index, write, answered));
                if holds || self.holder.is_none() {
                    self.next().await;
                } else {
                    // Let it ask for its turn, so that the order is known.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// The turn is free (or its holder writes on): the device that waits longest writes.
    async fn next(&mut self) {
        let at = match &self.holder {
            Some((holder, _)) => self.waiting.iter().position(|(waits, ..)| waits == holder),
            None => (!self.waiting.is_empty()).then_some(0),
        };
        let Some((index, step, answered)) = at.and_then(|at| self.waiting.remove(at)) else {
            return;
        };
        let answer = soon(answered).await.unwrap();
        let newest = self.history.last().unwrap().clone();
        let (_, table) = self.holder.get_or_insert((index, newest));
        match step {
            Step::Set(key, value) => {
                table.insert(key.into(), value.into());
            }
            Step::Delete(key) => {
                table.remove(&key.into());
            }
            _ => {
                assert!(
                    matches!(&answer, Answer::Failed(text) if text.contains("NOT NULL")),
                    "{answer:?}"
                );
                return;
            }
        }
        assert!(matches!(answer, Answer::Done), "{answer:?}");
    }

    /// The device's session is dropped, whatever it was doing.
    async fn restart(&mut self, index: usize) {
        if self.pending.contains_key(&index) {
            return;
        }
        let waited = self.waiting.iter().position(|(waits, ..)| *waits == index);
        if waited.is_some() {
            // Its task is inside of the write; other tests drop that.
            return;
        }
        self.tasks[index] = device(self.rig.session("d", "tables = ['m']"));
        if self
            .holder
            .take_if(|(holder, _)| *holder == index)
            .is_some()
        {
            self.next().await;
        }
    }

    /// Everybody ends; the file holds what the model holds.
    async fn finish(mut self) {
        while let Some((holder, _)) = self.holder {
            self.take(holder, Step::Commit).await;
        }
        for (_, (_, answered)) in std::mem::take(&mut self.pending) {
            let answer = soon(answered).await.unwrap();
            assert!(matches!(answer, Answer::Done), "{answer:?}");
        }
        let statistics = self.rig.store().statistics();
        assert_eq!(statistics.failed_groups, 0);
        assert_eq!(statistics.commits as usize, self.history.len());
        drop(self.tasks);
        self.rig.reopen();
        let mut session = self.rig.session("check", "read = ['m']");
        assert_eq!(
            Some(&read(&mut session).await.unwrap()),
            self.history.last()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_is_as_if_turns_followed_one_another(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut driver = Driver::new().await;
            for (index, step) in steps {
                driver.take(index, step).await;
            }
            driver.finish().await;
        });
    }
}
