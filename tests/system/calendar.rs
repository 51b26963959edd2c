//! A component with a timer on the calendar.

use weihe_tests::Rig;

fn device(expression: &str) -> String {
    format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [device.clock]
        plugin = "raw"

        [device.clock.config]
        cron = "{expression}"
        "#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_ticks_at_full_seconds_of_the_wall_clock() {
    let rig = Rig::bare();
    let mut echo = rig.watch("plugin/clock/echo");
    rig.add(&device("* * * * * *")).await;
    let (first, second) = (echo.next().await, echo.next().await);
    for tick in [&first, &second] {
        assert_eq!(tick.quality, weihe_kernel::event::Quality::Good);
        assert!(
            tick.value.as_i64().is_some_and(|count| count >= 1),
            "{tick:?}"
        );
    }
    rig.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_is_none_is_refused_with_its_field() {
    let rig = Rig::bare();
    let refused = rig.try_add(&device("*/5 25 * * *")).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("*/5 25 * * *"), "{text}");
    assert!(text.contains("hour `25`"), "{text}");
    rig.shutdown().await;
}
