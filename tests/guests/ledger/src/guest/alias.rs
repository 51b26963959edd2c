//! Little memory that is named again and again, so that it is much to the host.

mod borrowed {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/deps/wasi-keyvalue",
            "../../../wit/plugin",
            "../../../wit/store",
        ],
        inline: "
            package weihe:aliases;
            world alias {
                import weihe:store/sql@0.1.0;
            }
        ",
        world: "alias",
        ownership: Borrowing { duplicate_if_necessary: true },
        generate_all,
    });
}

use borrowed::weihe::store::sql::{Database, ValueParam};

/// A text, in bytes.
const TEXT: usize = 1 << 20;

/// How often it is named: 100 GiB, if anybody counted.
const NAMES: usize = 100_000;

/// Hands the host one text as 100,000 parameters.
pub fn alias() -> Result<(), String> {
    let text = "x".repeat(TEXT);
    let row: Vec<ValueParam<'_>> = (0..NAMES).map(|_| ValueParam::Text(&text)).collect();
    let failed = |error| format!("{error:?}");
    let database = Database::open("main").map_err(failed)?;
    let said = database.execute("SELECT 1", &row);
    said.map(|_| ()).map_err(failed)
}
