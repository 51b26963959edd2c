//! A motion sensor.

use weihe_hal::virtual_board::Fault;
use weihe_kernel::event::Quality;
use weihe_tests::on_a_workbench;

const BOARD: &str = r#"
[world]
motion = 0

[line."usb/0"]
kind = "pir"
motion = "motion"
hold = "2s"
"#;

const SYSTEM: &str = r#"
[plugin]
pir = "weihe-plugin-pir"

[device.hall]
plugin = "pir"
config = { hold = "10 s", warm-up = "60 s" }
grants.hal.gpio.pir = { line = "usb/0", mode = "input" }
"#;

#[test]
fn motion_lasts_for_the_hold_time_and_counts_once_the_sensor_is_warm() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(
            bench.last("plugin/hall/motion").unwrap().quality,
            Quality::Uncertain
        );
        bench.ms(61_000).await;
        let warm = bench.last("plugin/hall/motion").unwrap();
        assert_eq!((warm.quality, warm.value), (Quality::Good, false.into()));
        for _ in 0..2 {
            bench.board().set_world("motion", 1.0).unwrap();
            bench.ms(100).await;
            bench.board().set_world("motion", 0.0).unwrap();
            bench.ms(5_000).await;
            assert_eq!(bench.value("plugin/hall/motion"), true);
        }
        bench.ms(10_000).await;
        assert_eq!(bench.value("plugin/hall/motion"), false);
        assert_eq!(
            bench.value("plugin/hall/count"),
            1,
            "the second was the same"
        );
    });
}

#[test]
fn a_sensor_whose_chip_has_vanished_does_not_look_quiet() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(61_000).await;
        bench.board().fault("usb", Fault::Vanished).unwrap();
        bench.ms(6_000).await;
        assert_eq!(
            bench.last("plugin/hall/motion").unwrap().quality,
            Quality::Bad
        );
        bench.board().mend("usb").unwrap();
        bench.ms(40_000).await;
        let back = bench.last("plugin/hall/motion").unwrap();
        assert_eq!((back.quality, back.value), (Quality::Good, false.into()));
        bench.board().set_world("motion", 1.0).unwrap();
        bench.ms(100).await;
        assert_eq!(
            bench.value("plugin/hall/motion"),
            true,
            "its edges come again"
        );
    });
}
