//! Holds an SQLite database for writing until its input ends: another process that is in the way.

use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os()
        .nth(1)
        .ok_or("usage: hold-database FILE")?;
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    writeln!(std::io::stdout(), "held")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
