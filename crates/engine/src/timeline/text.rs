//! The timeline in letters.

use std::fmt::Write;

use super::rows::Chart;
use crate::run::State;

const COLUMNS: i64 = 60;

pub(super) fn text(chart: &Chart) -> String {
    let drawn: Vec<_> = chart.rows.iter().filter_map(|row| row.span.map(|span| (row, span))).collect();
    let name = |row: &super::rows::Row| row.run.as_ref().map_or(row.name.clone(), |run| format!("{} {run}", row.name));
    let width = drawn.iter().map(|(row, _)| name(row).chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (row, (from, to)) in drawn {
        let column = |time: i64| usize::try_from(time * COLUMNS / chart.length).unwrap_or_default();
        let (left, right) = (column(from).min(59), column(to).max(column(from) + 1).min(60));
        let mark = match row.state {
            State::Succeeded => "=",
            State::Running => ">",
            _ => "x",
        };
        let bar = format!("{}{}{}", " ".repeat(left), mark.repeat(right - left), " ".repeat(60 - right));
        let label = name(row);
        let padding = " ".repeat(width - label.chars().count());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label}{padding}  |{bar}|");
    }
    text
}
