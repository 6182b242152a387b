//! Conditions of tasks and steps.

use super::node::{Node, Report};

/// The `when` of a task or a step.
pub(super) fn check(node: &Node<'_>, report: &mut Report<'_>) {
    for when in node.list("when") {
        if when.has("cel") {
            report.add_field(&when, "cel", "CEL in `when` is refused unless the cluster sets enable-cel-in-whenexpression");
            continue;
        }
        if let Some(operator) = when.text("operator").filter(|operator| !matches!(*operator, "in" | "notin")) {
            report.add_field(&when, "operator", format!("`{operator}` is no operator: in and notin are allowed"));
        }
        if when.list("values").is_empty() && when.filled("values").is_none() {
            report.add_field(&when, "values", "there is no value to compare with");
        }
    }
}
