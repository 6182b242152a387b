//! What the manifests say of the stages: a run stops where its commit has other ones.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::names::hex;
use crate::plan::PlannedStage;

/// The hash of stages, their order, images and flags, and of what they trigger; not of their scripts, which a run takes from
/// its own commit.
pub fn structure<'a>(stages: impl IntoIterator<Item = &'a PlannedStage>) -> String {
    #[derive(Serialize)]
    struct Structure(Vec<PlannedStage>);
    // Whether there is a script decides whether the stage is there.
    let bare = |stage: &PlannedStage| PlannedStage { script: stage.script.as_ref().map(|_| String::new()), line: 0, ..stage.clone() };
    let structure = Structure(stages.into_iter().map(bare).collect());
    let text = serde_json::to_string(&structure).unwrap_or_else(|_| unreachable!("texts, numbers and lists are JSON"));
    hex(&Sha256::digest(text))[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::structure;
    use crate::plan::PlannedStage;

    #[test]
    fn what_a_manifest_says_counts_and_what_a_script_says_does_not() {
        let stage =
            PlannedStage { id: "deploy".into(), image: Some("a:1".into()), script: Some("one".into()), line: 3, ..PlannedStage::default() };
        let same = PlannedStage { script: Some("two".into()), line: 9, ..stage.clone() };
        assert_eq!(structure([&stage]), structure([&same]));
        let others = [
            PlannedStage { image: Some("a:2".into()), ..stage.clone() },
            PlannedStage { may_fail: true, ..stage.clone() },
            PlannedStage { after: vec!["setup".into()], ..stage.clone() },
            PlannedStage { triggers: vec!["owasp-zap".into()], ..stage.clone() },
            PlannedStage { script: None, ..stage.clone() },
        ];
        for other in others {
            assert_ne!(structure([&stage]), structure([&other]), "{other:?}");
        }
        assert_ne!(structure([&stage]), structure([&stage, &stage]));
    }
}
