//! Stages that only another configuration triggers are not unreachable.

use super::Part;
use crate::diagnostics::RuleId;
use crate::flow::Elsewhere;

/// Takes out what `unreachable-stage` says of stages that runs of other configurations may trigger.
pub(super) fn apply(parts: &mut [Part<'_>]) {
    let triggers: Vec<(&str, Elsewhere)> = parts
        .iter()
        .flat_map(|part| {
            part.configuration.iter().flat_map(|(_, elsewhere)| *elsewhere).map(|elsewhere| (part.repository, elsewhere.clone()))
        })
        .collect();
    if triggers.is_empty() {
        return;
    }
    for part in parts {
        let Some((path, _)) = part.configuration else { continue };
        let repository = part.repository;
        part.findings.retain(|finding| {
            let Some(stage) = finding.stage.as_ref().filter(|_| finding.rule == RuleId::UnreachableStage) else { return true };
            !triggers.iter().any(|(from, trigger)| {
                let is_here = trigger.configuration.as_deref().is_none_or(|chosen| chosen == path);
                *from == repository && is_here && (trigger.has_unknown || trigger.names.contains(stage))
            })
        });
    }
}
