//! Volumes and where they are mounted.

use super::node::{Node, Report, texts_of};
use super::{names, references};
use std::collections::HashSet;

/// Files of a volume can have the permissions 0 to 0777, which is 511 in decimal.
const MODES: std::ops::RangeInclusive<i64> = 0..=0o777;
const LABEL: usize = 63;

/// The fields of the sources of volumes. The schemas leave volumes open, Tekton's webhook does not.
const SOURCES: [(&str, &[&str]); 8] = [
    ("configMap", &["name", "items", "defaultMode", "optional"]),
    ("secret", &["secretName", "items", "defaultMode", "optional"]),
    ("emptyDir", &["medium", "sizeLimit"]),
    ("persistentVolumeClaim", &["claimName", "readOnly"]),
    ("projected", &["sources", "defaultMode"]),
    ("hostPath", &["path", "type"]),
    ("csi", &["driver", "fsType", "nodePublishSecretRef", "readOnly", "volumeAttributes"]),
    ("downwardAPI", &["items", "defaultMode"]),
];

/// The volumes of a task.
pub(super) fn check(volumes: &[Node<'_>], report: &mut Report<'_>) {
    names::duplicates(volumes, "name", "volume", report);
    names::forms(volumes, "name", |name| names::label(name, LABEL), report);
    for volume in volumes {
        sources(volume, report);
        modes(volume, report);
    }
}

fn sources(volume: &Node<'_>, report: &mut Report<'_>) {
    let sources: Vec<_> = volume.fields().into_iter().filter(|(key, node)| *key != "name" && !node.value.is_null()).collect();
    if sources.len() != 1 {
        report.add(volume, format!("the volume has {} sources; exactly one is needed", sources.len()));
    }
    for (source, node) in sources {
        let Some((_, fields)) = SOURCES.iter().find(|(name, _)| *name == source) else { continue };
        for (key, field) in node.fields().into_iter().filter(|(key, _)| !fields.contains(key)) {
            report.add(&field, format!("{source} has no field `{key}`"));
        }
    }
}

/// Permissions of files at any depth: those of the volume, of its items, of projected sources.
fn modes(node: &Node<'_>, report: &mut Report<'_>) {
    for (key, field) in node.fields() {
        match field.value.as_i64() {
            Some(mode) if matches!(key, "defaultMode" | "mode") && !MODES.contains(&mode) => {
                report.add(&field, format!("the mode {mode} is not within 0 and 511, which is 0777 in octal"));
            }
            _ => modes(&field, report),
        }
    }
    for item in node.items() {
        modes(&item, report);
    }
}

/// The mounts of a container or of a template of steps. A step's mount replaces the template's at the same path.
pub(super) fn check_mounts(container: &Node<'_>, volumes: &[&str], report: &mut Report<'_>) {
    let mounts = container.list("volumeMounts");
    names::duplicates(&mounts, "mountPath", "mount at", report);
    for mount in &mounts {
        let name = mount.filled("name").filter(|name| !references::is_filled_in(name) && !volumes.contains(name));
        if let Some(name) = name {
            report.add_field(mount, "name", format!("there is no volume `{name}`"));
        }
    }
}

/// Tekton keeps its own files below `/tekton` of steps.
pub(super) fn check_reserved(container: &Node<'_>, report: &mut Report<'_>) {
    for mount in container.list("volumeMounts") {
        if mount.text("mountPath").is_some_and(|path| path.starts_with("/tekton/") && !path.starts_with("/tekton/home")) {
            report.add_field(&mount, "mountPath", "nothing can be mounted below /tekton");
        }
        if mount.text("name").is_some_and(|name| name.starts_with("tekton-internal-")) {
            report.add_field(&mount, "name", "names with `tekton-internal-` are Tekton's own");
        }
    }
}

/// The workspaces that a task declares: their paths must differ from each other and from those of mounts.
pub(super) fn check_workspaces(spec: &Node<'_>, report: &mut Report<'_>) {
    let workspaces = spec.list("workspaces");
    names::duplicates(&workspaces, "name", "workspace", report);
    let containers = spec.list("steps").into_iter().chain(spec.get("stepTemplate"));
    let mounts: Vec<_> = containers.flat_map(|container| container.list("volumeMounts")).collect();
    let mut taken: HashSet<String> = texts_of(&mounts, "mountPath").into_iter().map(clean).collect();
    for workspace in &workspaces {
        let path =
            workspace.filled("mountPath").map_or_else(|| format!("/workspace/{}", workspace.text("name").unwrap_or_default()), clean);
        if !taken.insert(path.clone()) {
            report.add(workspace, format!("something else is mounted at `{path}`"));
        }
    }
}

fn clean(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}
