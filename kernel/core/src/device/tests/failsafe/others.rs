//! What the guard is told, and who comes after a device.

use super::*;

/// A guard that only remembers.
#[derive(Default)]
struct Watchman {
    charges: Mutex<BTreeMap<u64, Charge>>,
    /// How many changes it was told of each time.
    told: Mutex<Vec<usize>>,
    dismissed: Mutex<bool>,
}

impl Guard for Watchman {
    fn watch(&self, changes: Vec<Change>) {
        self.told.lock().unwrap().push(changes.len());
        let mut charges = self.charges.lock().unwrap();
        for change in changes {
            match change {
                Change::Put(id, charge) => drop(charges.insert(id, charge)),
                Change::Drop(id) => assert!(charges.remove(&id).is_some(), "never told of {id}"),
            }
        }
    }

    fn dismiss(&self) {
        *self.dismissed.lock().unwrap() = true;
    }

    fn status(&self) -> GuardStatus {
        GuardStatus {
            state: GuardState::Running,
            pid: None,
            charges: 0,
            error: String::new(),
        }
    }
}

impl Watchman {
    fn charges(&self) -> Vec<String> {
        let charges = self.charges.lock().unwrap();
        let shown = charges.values().map(|charge| match &charge.action {
            Action::Exchange { frames, .. } => {
                let labels: Vec<&str> = frames.iter().map(|frame| &*frame.label).collect();
                format!("{} on {}: {}", charge.device, charge.on, labels.join(" "))
            }
            Action::Order { order, .. } => format!("{} on {}: {order:?}", charge.device, charge.on),
        });
        shown.collect()
    }
}

#[test]
fn the_guard_is_told_what_has_changed_and_not_all_of_it_each_time() {
    play(|world| async move {
        let watchman = Arc::new(Watchman::default());
        let board = Board::new(Some(watchman.clone()));
        let device = world.add("device", &holding(&[]), wired);
        let outputs = &device.device.outputs;
        board.join(outputs);
        let names: Vec<String> = (0..1_000).map(|number| format!("chip/{number}")).collect();
        for name in &names {
            outputs.declare(Arc::new(Numbered(name.clone())));
        }
        assert_eq!(*watchman.told.lock().unwrap(), vec![1; names.len()]);
        // Declared anew, as after a restart: nothing is new.
        outputs.declare(Arc::new(Numbered(names[0].clone())));
        outputs.release(&names[1]);
        assert_eq!(watchman.told.lock().unwrap()[names.len()..], [1]);
        assert_eq!(watchman.charges().len(), names.len() - 1);
        world.stop(device).await;
        assert!(watchman.charges().is_empty(), "all of them are safe");
    });
}

/// A line of a chip with many.
struct Numbered(String);

impl SafeLine for Numbered {
    fn name(&self) -> &str {
        &self.0
    }

    fn describe(&self) -> String {
        "off".into()
    }

    fn apply(&self) -> Result<(), String> {
        Ok(())
    }

    fn guarded(&self) -> Option<GuardedLine> {
        let log = Arc::default();
        Pin { log, broken: false }.guarded()
    }
}

#[test]
fn the_guard_knows_what_is_left_to_be_done_and_on_which_descriptor() {
    play(|world| async move {
        let watchman = Arc::new(Watchman::default());
        let board = Board::new(Some(watchman.clone()));
        let last = || watchman.charges();
        let field = field(&world);
        let quiet = world.add("quiet", &holding(&[]), wired);
        board.join(&quiet.device.outputs);
        let device = world.add("device", &holding(&["a0", "b0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        // The kernel says so whenever a link has changed.
        board.link_changed("field");
        assert_eq!(last(), ["device on field: a0 b0"]);
        quiet.device.outputs.declare(Arc::new(Pin {
            log: Arc::default(),
            broken: false,
        }));
        assert_eq!(
            last(),
            ["device on field: a0 b0", "quiet on chip/17: b\"0\""]
        );
        // A link that is down has no descriptor.
        field.unplug();
        world.settle().await;
        board.link_changed("field");
        assert_eq!(last(), ["quiet on chip/17: b\"0\""]);
        field.plug_in();
        world.run(60 * SECOND).await;
        board.link_changed("field");
        assert_eq!(last().len(), 2);
        world.stop(device).await;
        assert_eq!(field.heard(), ["a0", "b0"]);
        assert_eq!(last(), ["quiet on chip/17: b\"0\""]);
        let looks = watchman.told.lock().unwrap().len();
        board.link_changed("other");
        assert_eq!(watchman.told.lock().unwrap().len(), looks, "no concern");
        board.dismiss();
        assert!(*watchman.dismissed.lock().unwrap());
    });
}

#[test]
fn a_device_that_does_not_start_leaves_what_is_to_be_done_to_its_predecessor() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.unplug();
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        world.stop(device).await;
        let script = holding(&[]);
        script.on_start(|_, _| retry("the unit is not there yet"));
        let next = world.add("device", &script, wired);
        board.join(&next.device.outputs);
        world.settle().await;
        assert_eq!(next.state(), DeviceState::Waiting);
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), ["a0"]);
        world.stop(next).await;
    });
}

#[test]
fn nothing_is_sent_for_a_predecessor_while_a_device_starts() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.behave(Manners::Silent);
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        let ended = device.device.mailbox.stop(StopReason::Unload);
        world.run(10 * SECOND).await;
        ended.await.unwrap();
        let source = world.bus.source("$kernel").unwrap();
        let clock = Arc::new(world.clock.clone());
        let next = Outputs::new("device".into(), source, world.bus.clone(), clock);
        board.join(&next);
        next.starting();
        world.settle().await;
        field.heard();
        field.behave(Manners::Polite);
        world.run(600 * SECOND).await;
        assert_eq!(field.heard(), [""; 0]);
        next.not_started();
        world.run(LONGEST_PAUSE).await;
        assert_eq!(field.heard(), ["a0"]);
    });
}

#[test]
fn a_device_of_the_same_name_takes_over_what_is_left_to_be_done() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.unplug();
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        let outputs = device.device.outputs.clone();
        world.stop(device).await;
        board.left(&outputs);
        assert_eq!(board.status().devices[0].state, SafeState::Pending);
        let next = world.add("device", &holding(&["b0"]), wired);
        board.join(&next.device.outputs);
        world.settle().await;
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), [""; 0]);
        let devices = board.status().devices;
        assert_eq!(devices.len(), 1);
        assert_eq!(devices[0].outputs[0].what, "b0");
        assert_eq!(devices[0].state, SafeState::Armed);
        let last = world.bus.last("$safe/device").unwrap().value.to_json();
        assert_eq!(last["outputs"][0]["what"], "b0");
        world.stop(next).await;
        assert_eq!(field.heard(), ["b0"]);
    });
}

#[test]
fn a_version_that_starts_where_the_one_before_could_not_takes_over_what_is_left_to_be_done() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.unplug();
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        world.stop(device).await;
        let script = holding(&[]);
        script.on_start(|_, _| retry("the unit is not there yet"));
        let next = world.add("device", &script, wired);
        board.join(&next.device.outputs);
        world.settle().await;
        // A trial that fails leaves it to the predecessor, too.
        let refused = world.order(&next, "second", &script, Manner::Trial).await;
        refused.unwrap_err();
        assert_eq!(board.status().devices[0].state, SafeState::Pending);
        let swapped = world
            .order(&next, "third", &holding(&["b0"]), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        assert_eq!(next.state(), DeviceState::Running);
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), [""; 0], "it works, and minds its outputs");
        world.stop(next).await;
        assert_eq!(field.heard(), ["b0"]);
    });
}

#[test]
fn a_device_that_is_refused_late_leaves_what_is_to_be_done_to_its_predecessor() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.unplug();
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        world.stop(device).await;
        let script = holding(&[]);
        let tries = std::cell::Cell::new(0);
        script.on_start(move |_, _| match tries.replace(tries.get() + 1) {
            0 => retry("the unit is not there yet"),
            _ => rejected("it is another unit"),
        });
        let next = world.add("device", &script, wired);
        board.join(&next.device.outputs);
        world.settle().await;
        world.run(SECOND).await;
        assert_eq!(next.state(), DeviceState::Failed);
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), ["a0"]);
        world.stop(next).await;
    });
}
