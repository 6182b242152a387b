//! What Tekton (Pipelines v1.15, Triggers v0.37) refuses of a set of manifests, or takes and then fails on at run time.
//!
//! The JSON schemas of the kinds say which fields there are and of which types they are. This says the rest: names, references,
//! durations, values that only fit together. Nodes of a wrong type are not looked at, since the schemas have them.

mod bindings;
mod cel;
mod durations;
mod graph;
mod interceptors;
mod listener;
mod metadata;
mod names;
mod node;
mod parameters;
mod pipeline;
mod pipeline_task;
mod references;
mod run;
mod set;
mod steps;
mod task;
mod template;
mod usage;
mod volumes;
mod when;

use node::{Node, Report};
use serde_json::Value;
use set::Set;

use crate::platform::tekton::MAX_OBJECT;

/// A document of a set: the file that it stands in, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The file, as it is to be named in a fault.
    pub file: &'a str,
    /// The whole document.
    pub value: &'a Value,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file of the document.
    pub file: String,
    /// Where in the document, e.g. `spec.tasks[0].taskSpec.steps[1].name`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// All faults of a set, in the order of its documents.
pub fn faults(documents: &[Document<'_>]) -> Vec<Fault> {
    let set = Set::new(documents);
    documents.iter().enumerate().flat_map(|(index, document)| of_document(&set, index, document)).collect()
}

fn of_document(set: &Set<'_>, index: usize, document: &Document<'_>) -> Vec<Fault> {
    let root = Node::root(document.value);
    let mut report = Report::new(document.file);
    if !set::is_known(document.value) {
        return report.into_faults();
    }
    size(&root, &mut report);
    metadata::check(&root, &mut report);
    set.check(index, &root, &mut report);
    if let Some(spec) = root.get("spec") {
        match root.text("kind") {
            Some("Pipeline") => pipeline::check(&spec, &pipeline::Given::default(), set, &mut report),
            Some("PipelineRun") => run::check(&spec, set, &mut report),
            Some("Task") => task::check(&spec, &task::Outer::default(), &mut report),
            Some("EventListener") => listener::check(&spec, set, &mut report),
            Some("Trigger") => listener::check_trigger(&spec, set, &mut report),
            Some("TriggerBinding" | "ClusterTriggerBinding") => bindings::check(&spec, &mut report),
            Some("TriggerTemplate") => template::check(&spec, set, &mut report),
            _ => {}
        }
    }
    report.into_faults()
}

fn size(root: &Node<'_>, report: &mut Report<'_>) {
    let bytes = root.value.to_string().len();
    if bytes > MAX_OBJECT {
        report.add(root, format!("the document has {bytes} bytes; {MAX_OBJECT} are allowed"));
    }
}
