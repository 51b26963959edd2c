//! Which requests read a set of points: as few as the limits allow.

use weihe_modbus::{ADDRESS_SPACE, Table};

/// A run of items of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first item.
    pub address: u16,
    /// How many items.
    pub quantity: u16,
}

impl Span {
    /// One past the last item.
    #[must_use]
    pub fn end(self) -> u32 {
        u32::from(self.address) + u32::from(self.quantity)
    }

    fn start(self) -> u32 {
        u32::from(self.address)
    }

    fn overlaps(self, start: u32, end: u32) -> bool {
        self.start().max(start) < self.end().min(end)
    }
}

/// What a request may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most items of one request.
    pub max_quantity: u16,
    /// Most unused items between two points that are read along to save a request.
    pub max_gap: u16,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What it reads.
    pub span: Span,
    /// The points that it serves, as indices into the planned spans, in order of their addresses.
    pub points: Vec<usize>,
}

/// Why points cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A point is longer than a request may be.
    #[error("it takes {quantity} items, more than the {max} of one request")]
    TooLong {
        /// Index of the point.
        point: usize,
        /// Its items.
        quantity: u16,
        /// The limit.
        max: u16,
    },
    /// A point reaches beyond the last address.
    #[error("address {address} and {quantity} items reach beyond address 65535")]
    BeyondEnd {
        /// Index of the point.
        point: usize,
        /// Its first item.
        address: u16,
        /// Its items.
        quantity: u16,
    },
    /// A point lies in a range that must not be read.
    #[error("it overlaps the hole of {quantity} items at address {address}")]
    InHole {
        /// Index of the point.
        point: usize,
        /// The hole's first item.
        address: u16,
        /// The hole's items.
        quantity: u16,
    },
}

impl PlanError {
    /// Index of the point that cannot be read.
    #[must_use]
    pub fn point(&self) -> usize {
        match self {
            PlanError::TooLong { point, .. }
            | PlanError::BeyondEnd { point, .. }
            | PlanError::InHole { point, .. } => *point,
        }
    }
}

impl Limits {
    /// The standard's limits for a table, without bridging gaps.
    #[must_use]
    pub fn of(table: Table) -> Limits {
        Limits {
            max_quantity: table.max_read(),
            max_gap: 0,
        }
    }
}

/// Plans the reads of points of one table. Each point is served whole by exactly one read; no read is
/// longer than `limits.max_quantity`, bridges more than `limits.max_gap` items that belong to no point,
/// or touches a hole. No plan within these limits has fewer reads.
///
/// The first point by address has to be in some read, and one that starts right there reaches furthest;
/// so it takes along every point that ends within its reach, and the rest is planned in the same way.
///
/// # Errors
/// When a point alone breaks a limit.
pub fn plan(points: &[Span], limits: Limits, holes: &[Span]) -> Result<Vec<Read>, PlanError> {
    for (point, span) in points.iter().enumerate() {
        let Span { address, quantity } = *span;
        if quantity > limits.max_quantity {
            return Err(PlanError::TooLong {
                point,
                quantity,
                max: limits.max_quantity,
            });
        }
        if span.end() > ADDRESS_SPACE {
            return Err(PlanError::BeyondEnd {
                point,
                address,
                quantity,
            });
        }
        if let Some(hole) = holes
            .iter()
            .find(|hole| hole.overlaps(span.start(), span.end()))
        {
            return Err(PlanError::InHole {
                point,
                address: hole.address,
                quantity: hole.quantity,
            });
        }
    }
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|point| (points[*point].start(), points[*point].end(), *point));
    let mut reads = Vec::new();
    for reachable in runs(&order, points, limits, holes) {
        let mut rest = reachable;
        while let Some(first) = rest.first() {
            let start = points[*first].start();
            let reach = start + u32::from(limits.max_quantity);
            let (taken, left): (Vec<usize>, Vec<usize>) = rest
                .iter()
                .partition(|point| points[**point].end() <= reach);
            let end = taken
                .iter()
                .map(|point| points[*point].end())
                .max()
                .unwrap_or(start);
            reads.push(Read {
                span: Span {
                    address: start as u16,
                    quantity: (end - start) as u16,
                },
                points: taken,
            });
            rest = left;
        }
    }
    Ok(reads)
}

/// Splits points in order of their addresses where no read may cross: at wide gaps and at holes.
fn runs(order: &[usize], points: &[Span], limits: Limits, holes: &[Span]) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut end = 0;
    for point in order {
        let start = points[*point].start();
        let crossable = start <= end
            || (start - end <= u32::from(limits.max_gap)
                && !holes.iter().any(|hole| hole.overlaps(end, start)));
        match runs.last_mut().filter(|_| crossable) {
            Some(run) => run.push(*point),
            None => runs.push(vec![*point]),
        }
        end = end.max(points[*point].end());
    }
    runs
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(address: u16, quantity: u16) -> Span {
        Span { address, quantity }
    }

    #[test]
    fn neighbours_are_read_together_and_gaps_split() {
        let points = [span(10, 2), span(0, 2), span(2, 1), span(12, 1)];
        let limits = Limits::of(Table::Holding);
        let reads = plan(&points, limits, &[]).unwrap();
        assert_eq!(
            reads,
            [
                Read {
                    span: span(0, 3),
                    points: vec![1, 2]
                },
                Read {
                    span: span(10, 3),
                    points: vec![0, 3]
                },
            ]
        );
        let bridged = Limits {
            max_gap: 7,
            ..limits
        };
        assert_eq!(plan(&points, bridged, &[]).unwrap().len(), 1);
        assert_eq!(plan(&points, bridged, &[span(5, 1)]).unwrap().len(), 2);
    }

    #[test]
    fn a_point_is_never_torn() {
        let limits = Limits {
            max_quantity: 3,
            max_gap: 0,
        };
        let reads = plan(&[span(0, 2), span(2, 2), span(4, 2)], limits, &[]).unwrap();
        assert_eq!(reads.len(), 3);
    }

    #[test]
    fn impossible_points_are_named() {
        let limits = Limits::of(Table::Holding);
        assert_eq!(
            plan(&[span(0, 1), span(0, 126)], limits, &[])
                .unwrap_err()
                .point(),
            1
        );
        assert_eq!(plan(&[span(65535, 2)], limits, &[]).unwrap_err().point(), 0);
        assert_eq!(
            plan(&[span(4, 2)], limits, &[span(5, 9)])
                .unwrap_err()
                .point(),
            0
        );
    }

    /// Fewest blocks over all partitions of the points into possible reads.
    fn brute_force(points: &[Span], limits: Limits, holes: &[Span]) -> usize {
        fn possible(block: &[Span], points: &[Span], limits: Limits, holes: &[Span]) -> bool {
            let start = block.iter().map(|span| span.start()).min().unwrap_or(0);
            let end = block.iter().map(|span| span.end()).max().unwrap_or(0);
            if end - start > u32::from(limits.max_quantity) {
                return false;
            }
            let mut gap = 0;
            for item in start..end {
                if holes.iter().any(|hole| hole.overlaps(item, item + 1)) {
                    return false;
                }
                let used = points.iter().any(|span| span.overlaps(item, item + 1));
                gap = if used { 0 } else { gap + 1 };
                if gap > u32::from(limits.max_gap) {
                    return false;
                }
            }
            true
        }
        fn search(
            at: usize,
            blocks: &mut Vec<Vec<Span>>,
            points: &[Span],
            limits: Limits,
            holes: &[Span],
        ) -> usize {
            if at == points.len() {
                let fits = blocks
                    .iter()
                    .all(|block| possible(block, points, limits, holes));
                return if fits { blocks.len() } else { usize::MAX };
            }
            let mut best = usize::MAX;
            for index in 0..blocks.len() {
                blocks[index].push(points[at]);
                best = best.min(search(at + 1, blocks, points, limits, holes));
                blocks[index].pop();
            }
            blocks.push(vec![points[at]]);
            best = best.min(search(at + 1, blocks, points, limits, holes));
            blocks.pop();
            best
        }
        search(0, &mut Vec::new(), points, limits, holes)
    }

    proptest! {
        #[test]
        fn no_plan_is_shorter_and_every_point_is_served_once(
            raw in prop::collection::vec((0u16..40, 1u16..5), 0..7),
            hole in (0u16..40, 0u16..3),
            max_quantity in 4u16..16,
            max_gap in 0u16..6,
        ) {
            let limits = Limits { max_quantity, max_gap };
            let holes = [span(hole.0, hole.1)];
            let points: Vec<Span> = raw
                .into_iter()
                .map(|(address, quantity)| span(address, quantity))
                .filter(|point| !holes[0].overlaps(point.start(), point.end()))
                .collect();
            let reads = plan(&points, limits, &holes).unwrap();
            let mut served: Vec<usize> = reads.iter().flat_map(|read| read.points.clone()).collect();
            served.sort_unstable();
            prop_assert_eq!(served, (0..points.len()).collect::<Vec<_>>());
            for read in &reads {
                prop_assert!(read.span.quantity <= max_quantity);
                prop_assert!(!holes[0].overlaps(read.span.start(), read.span.end()));
                for point in &read.points {
                    prop_assert!(points[*point].start() >= read.span.start());
                    prop_assert!(points[*point].end() <= read.span.end());
                }
            }
            let fewest = if points.is_empty() { 0 } else { brute_force(&points, limits, &holes) };
            prop_assert_eq!(reads.len(), fewest);
        }

        #[test]
        fn any_points_within_the_limits_are_planned(
            raw in prop::collection::vec((0u16..=65535, 1u16..=125), 0..200),
            max_gap in 0u16..2000,
        ) {
            let points: Vec<Span> = raw
                .into_iter()
                .map(|(address, quantity)| span(address.min(65535 - 124), quantity))
                .collect();
            let limits = Limits { max_gap, ..Limits::of(Table::Input) };
            for read in plan(&points, limits, &[]).unwrap() {
                prop_assert!(read.span.quantity <= 125 && read.span.end() <= ADDRESS_SPACE);
            }
        }
    }
}
