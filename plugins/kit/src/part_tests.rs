#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;

use weihe_sdk::hal::HalError;
use weihe_sdk::prelude::*;
use weihe_sdk::testing::FakeKernel;

use crate::{Part, RETRY, Topics};

thread_local! {
    /// Why the hardware is absent.
    static ABSENT: RefCell<Option<&'static str>> = const { RefCell::new(None) };
    /// When it was looked for, in seconds since the start.
    static TRIED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A device that does nothing but have hardware.
struct Owner(Part<()>);

impl Plugin for Owner {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("owner", "0.1.0", "For tests")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        let (begin, topics) = (ctx.now(), Topics::new(ctx, None));
        let part = Part::begin(ctx, &topics, move |ctx| {
            let tried = ctx.now().since(begin).as_nanos() / 1_000_000_000;
            TRIED.with_borrow_mut(|all| all.push(tried));
            match ABSENT.with_borrow(|absent| *absent) {
                Some(text) => Err(HalError::Gone(text.to_owned())),
                None => Ok(()),
            }
        })?;
        Ok(Owner(part))
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _: u64) -> Result<(), Error> {
        if timer == RETRY {
            self.0.with(ctx, |()| Ok(())).ok();
        }
        Ok(())
    }
}

#[test]
fn absent_hardware_is_said_once_and_looked_for_less_and_less_often_until_it_is_there() {
    ABSENT.set(Some("gpio/A0 is gone"));
    TRIED.take();
    let mut kernel = FakeKernel::<Owner>::start("door", "{}").unwrap();
    kernel.advance(Duration::from_secs(100)).unwrap();
    assert_eq!(TRIED.take(), [0, 1, 3, 7, 15, 31, 61, 91]);
    ABSENT.set(None);
    kernel.advance(Duration::from_secs(100)).unwrap();
    assert_eq!(TRIED.take(), [121], "there, it is left alone");
    let said: Vec<_> = kernel
        .published()
        .into_iter()
        .map(|sample| (sample.topic, sample.value, sample.quality))
        .collect();
    let state = "plugin/door/state".to_owned();
    let expected = [
        (
            state.clone(),
            ValueBuf::Text("gpio/A0 is gone".into()),
            Quality::Bad,
        ),
        (state, ValueBuf::Text("ready".into()), Quality::Good),
    ];
    assert_eq!(said, expected);
}
