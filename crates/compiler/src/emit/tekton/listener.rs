//! The listener: a call with the token makes a run of the name that the caller has chosen, once.

use minijinja::Error;
use serde_saphyr::{FlowMap, FlowSeq};

use super::objects::pipeline::{Param, ParamDefault};
use super::objects::run::{PodTemplate, RunSpec, TaskRunSpec, TaskRunTemplate, Timeouts, Workspace, WorkspaceSource};
use super::objects::triggers::{
    BindingSpec, EventListenerSpec, Interceptor, InterceptorParam, InterceptorRef, InterceptorValue, Overlay, Reference, TemplateSpec,
    Trigger,
};
use super::objects::{Empty, Metadata, NameValue, Named, Object, SecurityContext, lines};
use super::task::WORKSPACE;
use super::yaml::File;
use super::{Set, asynchronous, hours, labels};
use crate::platform::TOKEN_HEADER;

const API_VERSION: &str = "triggers.tekton.dev/v1beta1";
/// What a call says, by the names that the template knows.
const FIELDS: [(&str, &str); 5] = [
    ("stage", "$(body.stage)"),
    ("run", "$(body.run)"),
    ("parent", "$(body.parent)"),
    ("payload", "$(body.payload)"),
    ("pipeline", "$(extensions.pipeline)"),
];

const WORDS: &str = "
The run's name is chosen by the caller, so that the same event twice makes one run. All steps share the workspace, so they run
as one user; OpenShift gives one by itself: remove `podTemplate` there by an overlay.";

pub(super) fn listener(set: &Set<'_>) -> Result<File, Error> {
    let name = || set.metadata(set.names.asynchronous());
    let params = FIELDS.map(|(name, _)| Named { name: name.to_owned() });
    File::new("listener.yaml", &format!("{}\n{WORDS}", set.head))
        .add(&Object { api_version: API_VERSION, kind: "EventListener", metadata: name(), spec: event_listener(set) })?
        .add(&Object {
            api_version: API_VERSION,
            kind: "TriggerBinding",
            metadata: name(),
            spec: BindingSpec { params: lines(FIELDS.map(|(name, value)| NameValue::new(name, value))) },
        })?
        .add(&Object {
            api_version: API_VERSION,
            kind: "TriggerTemplate",
            metadata: name(),
            spec: TemplateSpec { params: FlowSeq(params.into()), resourcetemplates: vec![run(set)] },
        })
}

fn event_listener(set: &Set<'_>) -> EventListenerSpec {
    let reference = || Reference { r#ref: set.names.asynchronous() };
    let overlay = Overlay { key: "pipeline", expression: pipelines(set) };
    EventListenerSpec {
        service_account_name: set.names.listener(),
        triggers: vec![Trigger {
            name: "async-stage",
            interceptors: vec![Interceptor {
                r#ref: FlowMap(InterceptorRef { name: "cel", kind: "ClusterInterceptor" }),
                params: vec![
                    InterceptorParam { name: "filter", value: InterceptorValue::Filter(filter(set)) },
                    InterceptorParam { name: "overlays", value: InterceptorValue::Overlays(vec![overlay]) },
                ],
            }],
            bindings: FlowSeq(vec![reference()]),
            template: FlowMap(reference()),
        }],
    }
}

/// What a call must be. The names of stages are labels, and the secret's name is one: neither can hold a quote.
fn filter(set: &Set<'_>) -> String {
    const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
    let header = canonical(TOKEN_HEADER);
    let stages: Vec<String> = set.asynchronous.iter().map(|stage| quoted(&stage.name)).collect();
    [
        format!("header.canonical({}).compareSecret('token', {})", quoted(&header), quoted(&set.names.token())),
        "body.sidestage == 1".to_owned(),
        format!("body.stage in [{}]", stages.join(", ")),
        format!("body.run.matches('{LABEL}')"),
        // A run that a person has named may have dots.
        format!("body.parent.matches('{}')", LABEL.replace("[-a-z0-9]", "[-a-z0-9.]")),
        "body.payload.matches('^[A-Za-z0-9+/]+=*$')".to_owned(),
    ]
    .join(" && ")
}

/// The pipeline of each stage.
fn pipelines(set: &Set<'_>) -> String {
    let entry = |name: &str| format!("{}: {}", quoted(name), quoted(&set.names.async_pipeline(name)));
    let entries: Vec<String> = set.asynchronous.iter().map(|stage| entry(&stage.name)).collect();
    format!("{{{}}}[body.stage]", entries.join(", "))
}

/// A text of CEL, of what needs no escape: anything else is left out.
fn quoted(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("'{plain}'")
}

/// A header as Go writes it: `X-Async-Stage-Token`.
fn canonical(header: &str) -> String {
    let capital = |word: &str| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default();
    header.split('-').map(capital).collect::<Vec<_>>().join("-")
}

/// The run that a call makes.
fn run(set: &Set<'_>) -> Object<RunSpec> {
    let field = |name: &str| format!("$(tt.params.{name})");
    let classes: Vec<&str> = set.asynchronous.iter().filter_map(|stage| set.runtime_class(stage)).collect();
    // One template serves all stages: a class holds only where all have it.
    let class = classes.first().filter(|first| classes.len() == set.asynchronous.len() && classes.iter().all(|class| class == *first));
    let of_task = class.map(|class| TaskRunSpec {
        pipeline_task_name: asynchronous::TASK.to_owned(),
        pod_template: PodTemplate { security_context: None, runtime_class_name: Some((*class).to_owned()) },
    });
    Object {
        api_version: "tekton.dev/v1",
        kind: "PipelineRun",
        metadata: Metadata::managed(field("run")).label(labels::STAGE, field("stage")).label(labels::PARENT, field("parent")),
        spec: RunSpec {
            pipeline_ref: FlowMap(Named { name: field("pipeline") }),
            params: lines([Param { name: "payload", value: ParamDefault::Text(field("payload")) }]),
            task_run_template: TaskRunTemplate {
                service_account_name: set.names.asynchronous(),
                pod_template: FlowMap(PodTemplate { security_context: Some(SecurityContext::ROOT), runtime_class_name: None }),
            },
            task_run_specs: lines(of_task),
            workspaces: vec![Workspace { name: WORKSPACE, source: WorkspaceSource::EmptyDir(Empty {}) }],
            timeouts: FlowMap(Timeouts { pipeline: format!("{}h", hours(set.asynchronous.iter().copied())), tasks: None, finally: None }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, quoted};

    #[test]
    fn headers_are_written_as_go_reads_them() {
        assert_eq!(canonical("x-async-stage-token"), "X-Async-Stage-Token");
    }

    #[test]
    fn no_name_ends_a_text_of_cel() {
        assert_eq!(quoted("owasp-zap"), "'owasp-zap'");
        assert_eq!(quoted("a' || 'b\\"), "'ab'");
    }
}
