//! What people see: failures, tables, progress, values.

mod failure;
mod progress;
mod style;
mod table;
mod text;

pub use failure::{Failure, Outcome, render_problem};
pub use progress::Progress;
pub use style::Style;
pub use table::{Table, width};
pub use text::{bytes, count, date_and_time, duration, print, print_json, time_of_day};
