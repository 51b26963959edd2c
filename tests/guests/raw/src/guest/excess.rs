//! More of one thing than anybody needs.

use super::bindings::weihe::plugin::bus::Value;
use super::bindings::weihe::plugin::{calls, schedule};
use super::{LONG, connection, debug, nanoseconds, publish};

/// Orders one thing over and over until the host says no; tells how often it did not.
pub fn pile_up(what: &str) -> String {
    let mut taken = 0;
    loop {
        let said = match what {
            "sends" => connection().send(None, &[0; 1024]).map_err(debug),
            "cancels" => {
                connection().cancel(1);
                Ok(())
            }
            "disconnects" => {
                connection().disconnect(1);
                Ok(())
            }
            "answers" => {
                calls::reply(1, Ok("null"));
                Ok(())
            }
            "unset timers" => {
                schedule::cancel("none");
                Ok(())
            }
            "topics" => publish(&format!("topic-{taken}"), Value::None).map_err(debug),
            "timers" => {
                let name = format!("timer-{taken}");
                let set = schedule::after(&name, nanoseconds(LONG)).map_err(debug);
                schedule::cancel(&name);
                set
            }
            "one timer" => schedule::after("one", nanoseconds(LONG)).map_err(debug),
            "words to a stranger" => connection().send(Some(u64::MAX), b"?").map_err(debug),
            other => Err(format!("it cannot pile up {other}")),
        };
        match said {
            Ok(()) => taken += 1,
            Err(error) => return format!("{taken} {what}: {error}"),
        }
    }
}
