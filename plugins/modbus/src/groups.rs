//! Which points are polled together: groups by period, and in each group the fewest reads.

use std::collections::BTreeMap;

use weihe_modbus::Table;
use weihe_sdk::{Duration, Error};

use crate::config::{Config, DEFAULT_GROUP, PointConfig, at};
use crate::plan::{Limits, Span, plan};
use crate::point::Point;
use crate::scan;
use crate::spool;

/// A poll group.
#[derive(Debug)]
pub struct Group {
    /// Its name, which is that of its timer.
    pub name: String,
    /// How often its points are read.
    pub period: Duration,
    /// Each poll is delayed by a random span up to this.
    pub jitter: Duration,
    /// Its reads, as indices.
    pub reads: Vec<usize>,
    /// Reads of the poll under way that have no outcome yet.
    pub unfinished: usize,
}

/// A read that is repeated.
#[derive(Debug)]
pub struct PolledRead {
    /// What is read.
    pub table: Table,
    /// Where.
    pub span: Span,
    /// The points that it serves, as indices.
    pub points: Vec<usize>,
    /// Its group, as an index.
    pub group: usize,
    /// How its last poll ended.
    pub outcome: Option<Result<(), String>>,
}

/// All groups and their reads.
#[derive(Debug, Default)]
pub struct Plan {
    /// The groups.
    pub groups: Vec<Group>,
    /// The reads of all groups.
    pub reads: Vec<PolledRead>,
}

impl Plan {
    /// Plans the reads of all points that are polled.
    pub fn new(config: &Config, points: &[Point]) -> Result<Plan, Error> {
        let taken = [spool::TIMER, scan::TIMER];
        if let Some(name) = taken.iter().find(|name| config.groups.contains_key(**name)) {
            return Err(Error::fatal(format!(
                "poll group `{name}`: the plugin needs this name for itself; choose another"
            )));
        }
        let mut members: BTreeMap<String, (Duration, Duration, Vec<usize>)> = BTreeMap::new();
        for (index, (point, written)) in points.iter().zip(&config.points).enumerate() {
            let (name, period) =
                group_of(config, written).map_err(|text| at(&point.name, &text))?;
            if !point.readable {
                continue;
            }
            let (period, jitter) = match (period, config.groups.get(&name)) {
                (None, Some(group)) => (group.period, group.jitter),
                (period, _) => (period.unwrap_or(config.period), Duration::ZERO),
            };
            let entry = members
                .entry(name)
                .or_insert_with(|| (period, jitter, Vec::new()));
            entry.2.push(index);
        }
        let mut plan = Plan::default();
        for (name, (period, jitter, members)) in members {
            let reads = plan.add_reads(config, points, &members)?;
            plan.groups.push(Group {
                name,
                period,
                jitter,
                reads,
                unfinished: 0,
            });
        }
        Ok(plan)
    }

    /// Plans the reads of the next group; gives their indices.
    fn add_reads(
        &mut self,
        config: &Config,
        points: &[Point],
        members: &[usize],
    ) -> Result<Vec<usize>, Error> {
        let group = self.groups.len();
        let first = self.reads.len();
        for table in Table::ALL {
            let members: Vec<usize> = members
                .iter()
                .copied()
                .filter(|index| points[*index].table == table)
                .collect();
            let spans: Vec<Span> = members.iter().map(|index| points[*index].span).collect();
            let holes: Vec<Span> = config
                .holes
                .iter()
                .filter(|hole| hole.table == table)
                .map(|hole| Span {
                    address: hole.address,
                    quantity: hole.quantity,
                })
                .collect();
            let limits = Limits {
                max_quantity: if table.is_bits() {
                    config.max_bits
                } else {
                    config.max_registers
                },
                max_gap: config.max_gap,
            };
            let reads = plan(&spans, limits, &holes)
                .map_err(|error| at(&points[members[error.point()]].name, &error.to_string()))?;
            self.reads.extend(reads.into_iter().map(|read| {
                PolledRead {
                    table,
                    span: read.span,
                    points: read
                        .points
                        .into_iter()
                        .map(|index| members[index])
                        .collect(),
                    group,
                    outcome: None,
                }
            }));
        }
        Ok((first..self.reads.len()).collect())
    }
}

/// The group of a point: its name, and its period where no group of that name is configured.
fn group_of(config: &Config, point: &PointConfig) -> Result<(String, Option<Duration>), String> {
    match (&point.group, point.period) {
        (Some(_), Some(_)) => Err("`group` and `period` exclude each other".to_owned()),
        (Some(group), None) if config.groups.contains_key(group) => Ok((group.clone(), None)),
        (Some(group), None) => {
            let known: Vec<&str> = config.groups.keys().map(String::as_str).collect();
            Err(format!(
                "group `{group}` is not in `groups`; there {}",
                if known.is_empty() {
                    "is none".to_owned()
                } else {
                    format!("are: {}", known.join(", "))
                }
            ))
        }
        (None, Some(period)) => Ok((format!("every {period}"), Some(period))),
        (None, None) if config.groups.contains_key(DEFAULT_GROUP) => {
            Ok((DEFAULT_GROUP.to_owned(), None))
        }
        (None, None) => Ok((DEFAULT_GROUP.to_owned(), Some(config.period))),
    }
}
