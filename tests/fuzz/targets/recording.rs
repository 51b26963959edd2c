//! Recordings, as people edit them: any text is replayed, or refused with a line that it has.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use weihe_sdk::prelude::*;

/// Asks once for each event, and refuses some.
struct Asking {
    line: Connection,
}

impl Plugin for Asking {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("asking", "0.1.0", "Asks")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        ctx.subscribe("#")?;
        Ok(Asking {
            line: ctx.connection()?,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        ctx.publish("plugin/asking/seen", event.value)?;
        match event.value {
            Value::Text(_) => Err(Error::rejected("a text")),
            Value::Boolean(_) => {
                let _ = self.line.submit(Request::new(*b"T?"));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

thread_local! {
    /// One file, written anew each time: recordings are replayed from files.
    static FILE: RefCell<std::path::PathBuf> =
        RefCell::new(std::env::temp_dir().join(format!("weihe-fuzz-{}.jsonl", std::process::id())));
}

fuzz_target!(|text: &str| {
    FILE.with_borrow(|file| {
        std::fs::write(file, text).expect("a temporary file");
        let setup = FakeKernel::<Asking>::setup("asking").connection("line");
        let mut kernel = setup.start("{}").expect("it starts");
        let lines = text.lines().count();
        match kernel.replay(file) {
            Ok(replayed) => {
                assert!(replayed.events + replayed.exchanges <= lines);
                assert!(
                    replayed
                        .refused
                        .iter()
                        .all(|(line, _)| (1..=lines).contains(line))
                );
            }
            Err(error) => {
                assert!((1..=lines).contains(&error.line), "{error}");
                assert!(!error.text.is_empty());
            }
        }
    });
});
