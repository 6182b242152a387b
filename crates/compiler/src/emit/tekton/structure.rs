//! What the manifests say of the stages: a run stops where its commit has other ones.

use sha2::{Digest, Sha256};

use super::names::hex;
use crate::plan::PlannedStage;

/// The hash of stages, their order, images and flags: what the configuration says itself. Not of scripts, which a run takes
/// from its own commit, nor of what they trigger: that is found out by following them, as settings and pipelines have it.
pub fn structure<'a>(stages: impl IntoIterator<Item = &'a PlannedStage>) -> String {
    let text: String = stages.into_iter().map(said_of).collect();
    hex(&Sha256::digest(text))[..32].to_owned()
}

/// What is said of a stage, in a form that only a change of this file changes.
fn said_of(stage: &PlannedStage) -> String {
    let PlannedStage { id, name, task, line: _, after, run_after, triggers: _, may_trigger: _, script, .. } = stage;
    let flags = [stage.always, stage.on_failure, stage.skip, stage.may_fail, script.is_some()];
    let texts = [
        &stage.timeout,
        &stage.task_timeout,
        &stage.image,
        &stage.image_pull_policy,
        &stage.dind_image,
        &stage.runtime_class_name,
        &stage.configmap,
        &stage.secret,
    ];
    format!("{id:?} {name:?} {task:?} {after:?} {run_after:?} {flags:?} {:?} {:?} {texts:?}\n", stage.when, stage.include)
}

#[cfg(test)]
mod tests {
    use super::structure;
    use crate::plan::PlannedStage;

    #[test]
    fn what_a_manifest_says_counts_and_what_a_script_says_does_not() {
        let stage =
            PlannedStage { id: "deploy".into(), image: Some("a:1".into()), script: Some("one".into()), line: 3, ..PlannedStage::default() };
        let same = PlannedStage { script: Some("two".into()), line: 9, triggers: vec!["zap".into()], ..stage.clone() };
        assert_eq!(structure([&stage]), structure([&same]));
        let others = [
            PlannedStage { image: Some("a:2".into()), ..stage.clone() },
            PlannedStage { may_fail: true, ..stage.clone() },
            PlannedStage { after: vec!["setup".into()], ..stage.clone() },
            PlannedStage { script: None, ..stage.clone() },
        ];
        for other in others {
            assert_ne!(structure([&stage]), structure([&other]), "{other:?}");
        }
        assert_ne!(structure([&stage]), structure([&stage, &stage]));
    }
}
