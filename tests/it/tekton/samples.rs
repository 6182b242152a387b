//! The sets that ran on a real cluster, and each difference of ours from them with its reason.

use serde_json::Value;

use super::manifests::Manifests;
use super::schemas::data;
use crate::harness::repository::{copied, project};

/// What is written otherwise than in the samples: the end of its place, and why. The numbers are paragraphs of the design that
/// the samples were made for.
const DIFFERENCES: &[(&str, &str)] = &[
    ("/metadata/annotations", "§1.1: the hash by which a run finds out that its commit has other stages"),
    ("/metadata/labels", "§7: `apply --prune -l app.kubernetes.io/managed-by=sidestage` finds objects by it"),
    ("/command/0", "§1.2: an image is chosen by `--image`, wherever the program is in it"),
    ("/image", "§3: `--image`; the samples had a local one"),
    ("/args", "§4: the steps are `sidestage tekton start|receive|enter|async-runs`; with the configuration and the hash of §1.1"),
    ("/params/1/description", "§4: a revision may also be a tag"),
    ("/stepTemplate", "§4: `start` and `receive` get the namespace and what git-token needs; `SIDESTAGE_KUBE` says where the volume is"),
    ("/steps/0/env", "the same: what `start` needs stands in its template"),
    ("/volumes", "the same: the secure properties, for git-token"),
    ("/spec/params", "§3: runs/ shows where to put repository, revision and parameters in"),
    ("/roleRef/name", "§5: the role of the cluster and its binding belong to one set: other sets of other namespaces may have its name"),
    ("/metadata/name", "the same"),
    ("/interceptors/0/params/0/value", "§4: the name of a parent, which a person may have chosen, may have dots"),
    ("/timeout", "§2 maps time-outs: without one a task has an hour, whatever the run has"),
    ("/timeouts", "the same; an hour is kept for the tasks at the end"),
    ("/images", "§3: sidecars of tasks at the end, too"),
];

/// The places at which two values differ.
fn differences(ours: &Value, theirs: &Value, place: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => differences(left, right, &format!("{place}/{key}"), found),
                    _ => found.push(format!("{place}/{key}")),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                differences(left, right, &format!("{place}/{at}"), found);
            }
        }
        _ if ours != theirs => found.push(place.to_owned()),
        _ => {}
    }
}

#[test]
fn each_difference_from_the_sets_that_ran_has_a_reason() {
    let mut used = vec![false; DIFFERENCES.len()];
    for (fixture, name) in [("zap", "web"), ("zap-v2", "webv2")] {
        let copy = copied(&project().join("fixtures").join(fixture));
        let ours = Manifests::of(copy.path(), &["--name", name, "--namespace", "web", "--pipeline", "ci"]);
        let theirs = Manifests::read(&data("samples").join(fixture));
        let paths = |set: &Manifests| set.texts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&ours), paths(&theirs), "{fixture}: the files");
        assert_eq!(ours.documents.len(), theirs.documents.len(), "{fixture}");
        for ((file, ours), (_, theirs)) in ours.documents.iter().zip(&theirs.documents) {
            let mut found = Vec::new();
            differences(ours, theirs, file, &mut found);
            for place in found {
                let reason = DIFFERENCES.iter().position(|(end, _)| place.ends_with(end) || place.contains(&format!("{end}/")));
                let reason = reason.unwrap_or_else(|| panic!("{fixture}: {place} has no reason"));
                used[reason] = true;
            }
        }
    }
    let idle: Vec<_> = DIFFERENCES.iter().zip(&used).filter(|(_, used)| !**used).map(|((place, _), _)| place).collect();
    assert!(idle.is_empty(), "no difference any more: {idle:?}");
}
