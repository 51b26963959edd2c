//! What people see: failures, tables, progress, values.

mod failure;
mod progress;
mod shown;
mod style;
mod table;
mod text;

pub use failure::{Failure, Outcome, render_problem};
pub use progress::Progress;
pub use style::{Colour, Style};
pub use table::{Table, clip, width};
pub use text::{bytes, count, date_and_time, duration, one_line, print, print_json, time_of_day};
