//! `[world]`.

use std::sync::Arc;

use toml::de::DeValue;

use super::reader::{Item, Section, number_of};
use crate::virtual_board::core::Parts;
use crate::virtual_board::world::{Course, Value, Walk};

/// How often a walk goes a step when nothing else is said.
const EVERY: u64 = 1_000_000_000;

/// Steps must not be shorter than this: whoever follows a walk looks at each of them.
const SHORTEST: u64 = 1_000_000;

/// Reads the values of the world.
pub fn read(top: &Section<'_>, now: u64, parts: &mut Parts) {
    let Some(world) = top.sub("world", "the world") else {
        return;
    };
    for (name, _, item) in world.entries() {
        if let Some(course) = course(&world, name, item) {
            let value = Arc::new(Value::new(course, now));
            parts.world.insert(name.to_owned(), value);
        }
    }
}

fn course<'d>(world: &Section<'d>, name: &str, item: Item<'d>) -> Option<Course> {
    if let Some(number) = number_of(item) {
        return Some(Course::Constant(number));
    }
    let table = world.table_of(name, item, format!("the value `{name}`"))?;
    let course = if table.get("points").is_some() {
        script(&table)
    } else if let Some(sine) = table.sub("sine", format!("the sine of `{name}`")) {
        let period = match sine.span("period") {
            Some(0) => {
                let message = format!("`period` of {} is 0s, and must be longer", sine.title);
                sine.refuse("period", message, None);
                1
            }
            Some(period) => period,
            None => {
                sine.missing("period", "\"1h\"");
                1
            }
        };
        let course = Course::Sine {
            mean: sine.required_number("mean"),
            amplitude: sine.required_number("amplitude"),
            period,
        };
        sine.finish();
        Some(course)
    } else if let Some(walk) = table.sub("walk", format!("the walk of `{name}`")) {
        let course = Course::Walk(random(&walk));
        walk.finish();
        Some(course)
    } else {
        let message = format!("the value `{name}` has no course");
        let help = "write a number, or `points`, `sine` or `walk`".to_owned();
        world.reader.fault(item.span(), message, Some(help));
        None
    };
    table.finish();
    course
}

fn script(table: &Section<'_>) -> Option<Course> {
    let item = table.get("points")?;
    let wrong = |item: Item<'_>| {
        let message = format!("a point of {} is a time and a number", table.title);
        let help = "write them like [[\"0s\", 20.0], [\"10s\", 25.5]]".to_owned();
        table.reader.fault(item.span(), message, Some(help));
    };
    let DeValue::Array(items) = item.get_ref() else {
        wrong(item);
        return None;
    };
    let mut points: Vec<(u64, f64)> = Vec::new();
    for item in items.iter() {
        let pair = item.get_ref().as_array();
        let (Some(time), Some(value), 2) = (
            pair.and_then(|pair| pair.first()),
            pair.and_then(|pair| pair.get(1)),
            pair.map_or(0, |pair| pair.len()),
        ) else {
            wrong(item);
            continue;
        };
        let (Some(time), Some(value)) = (table.span_of("points", time), number_of(value)) else {
            wrong(item);
            continue;
        };
        if points.last().is_some_and(|(before, _)| *before >= time) {
            let message = format!("the points of {} are not in the order of time", table.title);
            table.reader.fault(item.span(), message, None);
        }
        points.push((time, value));
    }
    if points.is_empty() {
        let message = format!("{} has no points", table.title);
        table.reader.fault(item.span(), message, None);
    }
    let repeat = table.span("repeat");
    let last = points.last().map_or(0, |(time, _)| *time);
    if repeat.is_some_and(|repeat| repeat <= last) {
        let message = format!("{} begins anew before its last point", table.title);
        table.refuse("repeat", message, None);
    }
    Some(Course::Script {
        points,
        ramp: table.boolean("ramp").unwrap_or(false),
        repeat,
    })
}

fn random(walk: &Section<'_>) -> Walk {
    let start = walk.required_number("start");
    let step = walk.required_number("step");
    let every = walk.span("every").unwrap_or(EVERY);
    if every < SHORTEST {
        let message = format!("{} goes a step more than once a millisecond", walk.title);
        walk.refuse("every", message, None);
    }
    let least = walk.number("min").unwrap_or(f64::MIN);
    let most = walk.number("max").unwrap_or(f64::MAX);
    if !(least..=most).contains(&start) {
        let message = format!(
            "{} starts at {start}, which is not between its bounds",
            walk.title
        );
        walk.refuse("start", message, None);
    }
    let seed = walk.integer("seed", 0..=i64::MAX).unwrap_or(1);
    // Bounds in the wrong order were reported with the start.
    let bounds = (least.min(most), most.max(least));
    Walk::new(start, step, every, bounds, seed.unsigned_abs())
}
