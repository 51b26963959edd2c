//! The example `workbench`, as it stands in its folder.

use std::fmt::Write as _;

use weihe_tests::{on_a_workbench, workspace};

fn read(name: &str) -> String {
    let file = workspace().join("examples/workbench").join(name);
    std::fs::read_to_string(file).unwrap()
}

/// The devices of the example, with its plugins from this workspace.
fn system() -> String {
    let table: toml::Table = read("weihe.toml").parse().unwrap();
    let mut system = String::from("[plugin]\n");
    for (name, plugin) in table["plugin"].as_table().unwrap() {
        let source = plugin["source"].as_str().unwrap();
        assert_eq!(source, format!("../../plugins/{name}"));
        writeln!(system, "{name} = \"weihe-plugin-{name}\"").unwrap();
    }
    let devices = toml::Table::from_iter([("device".to_owned(), table["device"].clone())]);
    system + &toml::to_string(&devices).unwrap()
}

#[test]
fn the_example_lives_by_itself() {
    on_a_workbench(&read("board.toml"), &system(), async |bench| {
        let mut fan = bench.watch("plugin/fan/mode");
        let mut light = bench.watch("plugin/night-light/on");
        bench.ms(10_000).await;
        for device in [
            "door",
            "lamp",
            "hall",
            "night-light",
            "oven",
            "fan",
            "tank",
            "air",
            "screen",
        ] {
            assert_eq!(
                bench.value(&format!("plugin/{device}/state")),
                "ready",
                "{device}"
            );
        }
        assert!(bench.value("plugin/tank/distance").is_number());
        let air = bench.value("plugin/air/temperature").as_f64().unwrap();
        assert!((18.0..=26.0).contains(&air), "{air}");
        // A letter, a bar, a letter: each of the three rows has something in it.
        let shown = bench.board().screen("i2c/1", 0x3c).unwrap();
        for row in shown.chunks(5).take(3) {
            let lit = row.iter().any(|line| line.contains(['█', '▀', '▄']));
            assert!(lit, "{shown:#?}");
        }
        // A finger on a button that bounces.
        bench.board().press("gpio/A0", Some(80_000_000)).unwrap();
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/lamp/on"), true);
        assert!(bench.board().pwm("pwm/0").unwrap().2);
        bench.ms(60_000).await;
        let later = bench.board().screen("i2c/1", 0x3c).unwrap();
        assert_ne!(later, shown, "the screen goes with the air and the oven");
        let modes: Vec<_> = fan.so_far().into_iter().map(|event| event.value).collect();
        assert!(
            modes.contains(&"turn".into()) && modes.contains(&"coast".into()),
            "{modes:?}"
        );
        let lit: Vec<_> = light
            .so_far()
            .into_iter()
            .map(|event| event.value)
            .collect();
        assert!(lit.len() >= 5, "somebody passes every 20 s: {lit:?}");
    });
}
