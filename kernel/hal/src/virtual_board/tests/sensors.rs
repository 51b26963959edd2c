//! Sensors on lines, and what follows the world.

use super::*;

#[test]
fn an_echo_is_as_long_as_the_way_of_the_sound() {
    let (board, clock) = board(
        r#"
        lines = ["gpio/A5", "gpio/A6"]
        [world]
        level = 34.3
        [echo.tank]
        trigger = "gpio/A5"
        echo = "gpio/A6"
        distance = "level"
        "#,
    );
    let trigger = open(&board, "gpio/A5", &output(Some(false)));
    let (_echo, heard) = listen(&board, "gpio/A6", Bias::AsIs);
    let measure = || {
        trigger.write(true).unwrap();
        clock.advance(10_000);
        trigger.write(false).unwrap();
        clock.advance(60 * MILLISECOND);
        board.catch_up();
        let edges = heard.values();
        assert_eq!((edges.len(), edges[0].1), (2, true));
        edges[1].0 - edges[0].0
    };
    // There and back, 0.686 m with 343 m/s.
    assert!(measure().abs_diff(2_000_000) < 100);
    board.set_world("level", 500.0).unwrap();
    assert_eq!(measure(), 38 * MILLISECOND, "nothing comes back");
}

#[test]
fn an_encoder_gives_four_edges_a_step_and_tells_the_direction() {
    let (board, clock) =
        board("lines = [\"a\", \"b\"]\n[encoder.knob]\na = \"a\"\nb = \"b\"\nquarter = \"1ms\"");
    let (a, heard_a) = listen(&board, "a", Bias::AsIs);
    let (b, heard_b) = listen(&board, "b", Bias::AsIs);
    assert!(a.read().unwrap() && b.read().unwrap(), "open contacts");
    board.turn("knob", 2).unwrap();
    clock.advance(20 * MILLISECOND);
    board.catch_up();
    let of = |heard: &Heard| -> Vec<(u64, bool)> {
        let values = heard.values().into_iter();
        values
            .map(|(time, level)| (time / MILLISECOND, level))
            .collect()
    };
    // `a` closes before `b`.
    assert_eq!(of(&heard_a), [(1, false), (3, true), (5, false), (7, true)]);
    assert_eq!(of(&heard_b), [(2, false), (4, true), (6, false), (8, true)]);
    board.turn("knob", -1).unwrap();
    clock.advance(20 * MILLISECOND);
    board.catch_up();
    assert!(of(&heard_b)[0].0 < of(&heard_a)[0].0);
    let seen = board.look().encoders;
    assert_eq!((&*seen[0].name, &*seen[0].value), ("knob", "1"));
    let error = board.turn("knop", 1).unwrap_err().to_string();
    assert_eq!(error, "there is no encoder `knop`; did you mean `knob`?");
}

#[test]
fn a_motion_sensor_follows_the_world_by_itself() {
    let (board, clock) = board(
        r#"
        [world]
        motion = { points = [["0s", 0], ["10s", 1], ["11s", 0]] }
        [line.pir]
        kind = "pir"
        hold = "3s"
        "#,
    );
    let (line, heard) = listen(&board, "pir", Bias::AsIs);
    assert!(!line.read().unwrap());
    clock.advance(20_000 * MILLISECOND);
    board.catch_up();
    let values = heard.values();
    let second = 1_000 * MILLISECOND;
    assert_eq!(values, [(10 * second, true), (13 * second, false)]);
    board.set_world("motion", 1.0).unwrap();
    assert!(line.read().unwrap());
}

#[test]
fn analogue_inputs_count_what_the_world_is() {
    let (board, clock) = board(
        r#"
        [world]
        light = { points = [["0s", 0.0], ["10s", 1000.0]], ramp = true }
        [adc."adc/0"]
        value = "light"
        scale = 0.0033
        bits = 10
        "#,
    );
    let adc = board.adc("adc/0").unwrap();
    assert_eq!(adc.read_raw().unwrap(), 0);
    clock.advance(5_000 * MILLISECOND);
    assert_eq!(adc.read_raw().unwrap(), 512);
    assert!((adc.read().unwrap() - 1.65).abs() < 0.005);
    board.set_world("light", 9_999.0).unwrap();
    assert_eq!(adc.read_raw().unwrap(), 1_023);
}

#[test]
fn pwm_channels_do_what_their_timer_can() {
    let (board, _) = board("[pwm.\"pwm/0\"]\nshortest = \"1us\"\nlongest = \"1s\"");
    let pwm = board.pwm("pwm/0").is_some();
    assert!(pwm);
    let channel = Hardware::pwm(&*board, "pwm/0").unwrap();
    assert!(channel.enable(true).is_err(), "no period yet");
    channel.set(20 * MILLISECOND, 1_500_000).unwrap();
    channel.enable(true).unwrap();
    assert_eq!(
        board.pwm("pwm/0"),
        Some((20 * MILLISECOND, 1_500_000, true))
    );
    let error = channel.set(10, 5).unwrap_err().to_string();
    assert!(
        error.contains("10 ns") && error.contains("pwm/0"),
        "{error}"
    );
    assert!(channel.set(2_000, 3_000).is_err());
}
