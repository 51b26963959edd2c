//! What a device is granted whose test says nothing of it.

use weihe_guomi::keys::Use;
use weihe_hal::virtual_board::BoardView;
use weihe_kernel::PluginStatus;
use weihe_kernel::grant::Grants;

use crate::sandbox::protocol::Start;

/// All that can be granted without a name that only the plugin's author knows.
pub(super) fn everything(
    start: &Start,
    plugin: &PluginStatus,
    board: &BoardView,
) -> Result<Grants, String> {
    let all = || {
        "#".parse()
            .map(|filter| vec![filter])
            .map_err(|error| format!("filter `#`: {error}"))
    };
    let mut grants = Grants {
        publish: all()?,
        subscribe: all()?,
        call: vec!["*".to_owned()],
        connections: start
            .connections
            .iter()
            .map(|connection| connection.name.clone())
            .collect(),
        ..Grants::default()
    };
    let stores = |import: &String| {
        import.starts_with("weihe:store/") || import.starts_with("wasi:keyvalue/")
    };
    if plugin.imports.iter().any(stores) {
        let table = toml::Table::from_iter([("keys".to_owned(), true.into())]);
        grants.capabilities.insert("store".to_owned(), table);
    }
    let hardware =
        |import: &String| import.starts_with("weihe:hal/") || import.starts_with("wasi:i2c/");
    if start.board.is_some() && plugin.imports.iter().any(hardware) {
        grants.capabilities.insert("hal".to_owned(), whole(board));
    }
    let guomi = |import: &String| import.starts_with("weihe:guomi/");
    if plugin.imports.iter().any(guomi) {
        grants
            .capabilities
            .insert("guomi".to_owned(), all_keys(start));
    }
    Ok(grants)
}

/// All that can be done with the keys of the test.
fn all_keys(start: &Start) -> toml::Table {
    let granted = start.keys.iter().map(|key| {
        let export = key.exportable.then_some(Use::Export);
        let uses = key.algorithm.uses();
        let uses = uses.iter().chain(export).map(|one| one.name().into());
        (key.name.clone(), toml::Value::Array(uses.collect()))
    });
    let keys: toml::Table = granted.collect();
    toml::Table::from_iter([("keys".to_owned(), keys.into())])
}

/// All that is on a board, under every name that it has.
fn whole(board: &BoardView) -> toml::Table {
    let text = |name: &String| toml::Value::from(name.clone());
    let mut lines = toml::Table::new();
    // Pins of an expander are reached through it.
    let own = board.lines.iter().filter(|line| !line.is_pin);
    for line in own {
        for name in line.aliases.iter().chain([&line.name]) {
            let granted = [("line", text(&line.name)), ("mode", "both".into())];
            let granted = granted.map(|(key, value)| (key.to_owned(), value));
            lines.insert(name.clone(), toml::Table::from_iter(granted).into());
        }
    }
    let mut buses = toml::Table::new();
    let mut spi = Vec::new();
    for device in &board.devices {
        match device.address {
            Some(address) => {
                let addresses = buses
                    .entry(device.bus.clone())
                    .or_insert_with(|| toml::Value::Array(Vec::new()));
                if let toml::Value::Array(addresses) = addresses {
                    addresses.push(i64::from(address).into());
                }
            }
            None => spi.push(text(&device.bus)),
        }
    }
    let names = |names: Vec<&String>| toml::Value::Array(names.into_iter().map(text).collect());
    let parts = [
        ("gpio", lines.into()),
        ("i2c", buses.into()),
        ("spi", toml::Value::Array(spi)),
        (
            "uart",
            names(board.ports.iter().map(|port| &port.name).collect()),
        ),
        (
            "pwm",
            names(board.pwm.iter().map(|pwm| &pwm.name).collect()),
        ),
        (
            "adc",
            names(board.adc.iter().map(|adc| &adc.name).collect()),
        ),
    ];
    toml::Table::from_iter(parts.map(|(key, value)| (key.to_owned(), value)))
}
