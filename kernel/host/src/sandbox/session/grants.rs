//! What a device is granted whose test says nothing of it.

use weihe_kernel::PluginStatus;
use weihe_kernel::grant::Grants;

use crate::sandbox::protocol::Start;

/// All that can be granted without a name that only the plugin's author knows.
pub(super) fn everything(start: &Start, plugin: &PluginStatus) -> Result<Grants, String> {
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
    Ok(grants)
}
