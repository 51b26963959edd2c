//! What a good device notices of a hostile one: the longest time between two ticks of a timer that ticks
//! every millisecond, without the hostile guest and with it, on lanes of their own and on one lane.

use weihe_tests::hostile::{BOMB, HOSTILE, Hostile, LONG, Noticed, OWN_LANE, SHARED_LANE};

use crate::Anyhow;

/// How long a guest rages that has no end of its own.
const STORM: std::time::Duration = std::time::Duration::from_secs(3);

/// Measures those whose names have these words; the components are built by the way.
pub fn run(words: &str) -> Anyhow<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "Worst gap between two ticks of 1 ms; goals: own lane {OWN_LANE:?}, shared {SHARED_LANE:?}"
    );
    println!(
        "{:<32} {:>22} {:>22}  how it ended",
        "", "own lane", "shared lane"
    );
    runtime.block_on(async {
        for hostile in HOSTILE
            .iter()
            .filter(|hostile| hostile.name.contains(words))
        {
            let own = hostile.run(false, STORM).await;
            let shared = hostile.run(true, STORM).await;
            show(hostile, &own, Some(&shared));
        }
        // It is compiled in a process of its own, on no lane.
        if BOMB.name.contains(words) {
            show(&BOMB, &BOMB.run(false, LONG).await, None);
        }
    });
    Ok(())
}

fn show(hostile: &Hostile, own: &Noticed, shared: Option<&Noticed>) {
    let gap = |noticed: &Noticed| {
        let (worst, before) = (noticed.worst.as_secs_f64(), noticed.before.as_secs_f64());
        format!("{:.1} ms ({:.1} without)", worst * 1e3, before * 1e3)
    };
    let shared = shared.map(gap).unwrap_or_default();
    println!(
        "{:<32} {:>22} {shared:>22}  {}",
        hostile.name,
        gap(own),
        own.end
    );
}
