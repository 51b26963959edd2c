//! Random lives of one device on the board, in virtual time, against a model: no line changes but by what the
//! plugin does, and whoever minds an output no more leaves it safe.

use std::fmt::Write as _;

use weihe_kernel::SwapError;
use weihe_kernel::device::DeviceState;
use weihe_tests::{Chance, outputs, setting};

use super::desk::{Desk, device};
use super::strict::LINES;

/// The seed, unless `WEIHE_TESTS_SEED` says another.
const SEED: u64 = 20_261_127;

/// Steps, unless `WEIHE_TESTS_STEPS` says more.
const STEPS: usize = 300;

/// What a plugin does.
#[derive(Debug, Clone, Copy)]
enum Act {
    Open {
        line: usize,
        safe: Option<bool>,
        first: bool,
    },
    Set(usize, bool),
    Refuse,
}

fn words(acts: &[Act]) -> String {
    let mut words = String::new();
    for act in acts {
        let done = match *act {
            Act::Open { line, safe, first } => {
                let safe = match safe {
                    None => "keep",
                    Some(true) => "active",
                    Some(false) => "inactive",
                };
                write!(words, "out {} {safe} {};", LINES[line], u8::from(first))
            }
            Act::Set(line, value) => write!(words, "set {} {};", LINES[line], u8::from(value)),
            Act::Refuse => write!(words, "refuse;"),
        };
        done.unwrap();
    }
    words
}

/// A line as it should be.
#[derive(Debug, Clone, Default)]
struct Line {
    level: bool,
    record: Vec<bool>,
    safe: Option<bool>,
    /// Versions that have opened it; none where it is closed.
    versions: Vec<u8>,
}

impl Line {
    fn set(&mut self, level: bool) {
        if self.level != level {
            self.level = level;
            self.record.push(level);
        }
    }

    fn make_safe(&mut self) {
        if let Some(safe) = self.safe {
            self.set(safe);
        }
    }

    fn let_go(&mut self) {
        self.make_safe();
        self.safe = None;
        self.versions.clear();
    }
}

#[derive(Debug, Default)]
struct Model {
    lines: [Line; 4],
    /// What each version does in its start.
    starts: [Vec<Act>; 2],
    present: bool,
    failed: bool,
    running: u8,
    /// The version that comes back when this one traps.
    before: Option<u8>,
    /// The version that the operator can go back to.
    earlier: Option<u8>,
    /// Lines that this instance has opened.
    own: Vec<usize>,
}

impl Model {
    /// A version does something; returns whether it refuses.
    fn act(&mut self, acts: &[Act], version: u8) -> bool {
        for act in acts {
            match *act {
                Act::Open { line, safe, first } => {
                    let opened = &mut self.lines[line];
                    if opened.versions.is_empty() {
                        opened.set(first);
                    }
                    if !opened.versions.contains(&version) {
                        opened.versions.push(version);
                    }
                    opened.safe = safe;
                    if !self.own.contains(&line) {
                        self.own.push(line);
                    }
                }
                Act::Set(line, value) => self.lines[line].set(value),
                Act::Refuse => return true,
            }
        }
        false
    }

    fn start(&mut self, version: u8) -> bool {
        self.own.clear();
        let acts = self.starts[usize::from(version) - 1].clone();
        self.act(&acts, version)
    }

    /// Only these versions are at stake.
    fn keep(&mut self, versions: &[u8]) {
        for line in &mut self.lines {
            let was_open = !line.versions.is_empty();
            line.versions.retain(|version| versions.contains(version));
            if was_open && line.versions.is_empty() {
                line.let_go();
            }
        }
    }

    fn swap(&mut self) -> bool {
        let next = 3 - self.running;
        let (lines, own) = (self.lines.clone(), self.own.clone());
        if self.start(next) {
            for (line, before) in self.lines.iter_mut().zip(lines) {
                if before.versions.is_empty() {
                    line.let_go();
                } else {
                    line.set(before.level);
                    (line.safe, line.versions) = (before.safe, before.versions);
                }
            }
            self.own = own;
            return false;
        }
        (self.before, self.earlier) = (Some(self.running), Some(self.running));
        self.keep(&[self.running, next]);
        (self.running, self.failed) = (next, false);
        true
    }

    fn returns(&mut self, version: u8) {
        (self.running, self.before, self.earlier) = (version, None, None);
    }
}

/// What versions do in their starts: the first never refuses, or there would be no life.
fn scripts(chance: &mut Chance) -> [Vec<Act>; 2] {
    [0, 1].map(|version| {
        let mut acts: Vec<Act> = (0..chance.below(4)).map(|_| opening(chance)).collect();
        let opened: Vec<usize> = acts.iter().filter_map(line_of).collect();
        if !opened.is_empty() && chance.below(2) == 0 {
            acts.push(Act::Set(chance.of(&opened), chance.below(2) == 0));
        }
        if version == 1 && chance.below(4) == 0 {
            acts.push(Act::Refuse);
        }
        acts
    })
}

fn line_of(act: &Act) -> Option<usize> {
    match act {
        Act::Open { line, .. } => Some(*line),
        _ => None,
    }
}

fn opening(chance: &mut Chance) -> Act {
    Act::Open {
        line: chance.of(&[0, 1, 2, 3]),
        safe: chance.of(&[None, Some(false), Some(true)]),
        first: chance.below(2) == 0,
    }
}

/// Makes a step on both sides; returns what it was.
async fn step(desk: &Desk, model: &mut Model, chance: &mut Chance) -> String {
    if !model.present {
        model.starts = scripts(chance);
        let starts = [0, 1].map(|version| words(&model.starts[version]));
        desk.add(device("desk", &starts[0], &starts[1])).await;
        (model.present, model.failed) = (true, false);
        model.returns(1);
        model.start(1);
        return format!("add {starts:?}");
    }
    match chance.below(12) {
        0..4 if !model.failed => {
            let act = match model.own.as_slice() {
                own if !own.is_empty() && chance.below(3) > 0 => {
                    Act::Set(chance.of(own), chance.below(2) == 0)
                }
                _ => opening(chance),
            };
            desk.done("desk", &words(&[act])).await;
            model.act(&[act], model.running);
            format!("{act:?}")
        }
        4..6 if !model.failed => {
            desk.trap("desk").await;
            if let Some(before) = model.before {
                desk.lift().await;
                model.keep(&[before]);
                model.returns(before);
                model.start(before);
            } else if desk.state("desk") == Some(DeviceState::Failed) {
                model.failed = true;
                model.lines.iter_mut().for_each(Line::make_safe);
            } else {
                model.start(model.running);
            }
            "trap".to_owned()
        }
        6 | 7 => {
            let next = 3 - model.running;
            let swapped = desk.kernel.swap_plugin("outputs", &outputs(next)).await;
            match (model.swap(), swapped) {
                (true, Ok(_)) | (false, Err(SwapError::Refused { .. })) => {}
                (expected, swapped) => panic!("it should swap: {expected}: {swapped:?}"),
            }
            "swap".to_owned()
        }
        8 => {
            desk.confirm().await;
            model.keep(&[model.running]);
            model.before = None;
            "confirm".to_owned()
        }
        9 if model.earlier.is_some() && !model.failed => {
            let earlier = model.earlier.unwrap();
            desk.kernel.rollback_plugin("outputs", "").await.unwrap();
            desk.lift().await;
            model.start(earlier);
            model.keep(&[earlier]);
            model.returns(earlier);
            "roll back".to_owned()
        }
        10 => {
            desk.restart("desk").await.unwrap();
            for line in &mut model.lines {
                line.make_safe();
                // One with a safe value is handed over, and is not opened anew.
                line.versions = line.safe.map(|_| vec![0]).unwrap_or_default();
            }
            (model.failed, model.before) = (false, None);
            model.start(model.running);
            model.keep(&[model.running]);
            "restart".to_owned()
        }
        11 => {
            desk.kernel.unload_plugin("outputs").await.unwrap();
            desk.kernel
                .load_plugin("outputs", &outputs(1))
                .await
                .unwrap();
            model.keep(&[]);
            model.present = false;
            "unload".to_owned()
        }
        _ => "nothing".to_owned(),
    }
}

fn wrong(desk: &Desk, model: &Model) -> Option<String> {
    let open: Vec<&str> = (0..LINES.len())
        .filter(|line| !model.lines[*line].versions.is_empty())
        .map(|line| LINES[line])
        .collect();
    if desk.board.open() != open {
        return Some(format!("open are {:?}, not {open:?}", desk.board.open()));
    }
    LINES.iter().zip(&model.lines).find_map(|(name, line)| {
        let record = desk.board.record(name);
        (record != line.record).then(|| format!("{name} was {record:?}"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_no_line_changes_by_itself_and_the_end_is_safe() {
    let seed = setting("WEIHE_TESTS_SEED", SEED);
    let mut chance = Chance::new(seed);
    let desk = Desk::new().await;
    let mut model = Model::default();
    let mut steps = Vec::new();
    for _ in 0..setting("WEIHE_TESTS_STEPS", STEPS) {
        steps.push(step(&desk, &mut model, &mut chance).await);
        desk.settled().await;
        if let Some(wrong) = wrong(&desk, &model) {
            let shown = steps.len().saturating_sub(12);
            panic!(
                "seed {seed}, step {}: {wrong}\n{}\n{model:#?}",
                steps.len(),
                steps[shown..].join("\n")
            );
        }
    }
    desk.kernel.shutdown().await;
    model.keep(&[]);
    assert_eq!(wrong(&desk, &model), None, "at the end");
}
