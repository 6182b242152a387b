//! Lines that run beside the rows, each in a lane of its own.

use std::collections::BTreeMap;

/// From which row to which a line runs.
pub(super) type Interval = (usize, usize);

/// The lane of each interval, from 0: the nearest that is free over its length. Short ones come first, so that long lines
/// run outside of short ones.
pub(super) fn lanes(intervals: &[Interval]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by_key(|index| (intervals[*index].1 - intervals[*index].0, intervals[*index]));
    // By lane, the ends of the intervals in it by their starts.
    let mut taken: Vec<BTreeMap<usize, usize>> = Vec::new();
    let mut lanes = vec![0; intervals.len()];
    for index in order {
        let (start, end) = intervals[index];
        let is_free = |lane: &BTreeMap<usize, usize>| lane.range(..=end).next_back().is_none_or(|(_, taken_to)| *taken_to < start);
        let lane = taken.iter().position(is_free).unwrap_or(taken.len());
        if lane == taken.len() {
            taken.push(BTreeMap::new());
        }
        taken[lane].insert(start, end);
        lanes[index] = lane;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::lanes;

    #[test]
    fn lines_that_overlap_run_in_different_lanes_the_long_ones_outside() {
        assert_eq!(lanes(&[(0, 9), (1, 2), (3, 4), (2, 3)]), [2, 0, 0, 1]);
        assert_eq!(lanes(&[(0, 1), (2, 3)]), [0, 0]);
        assert_eq!(lanes(&[(0, 1), (1, 2)]), [0, 1], "they would touch");
        assert!(lanes(&[]).is_empty());
    }
}
