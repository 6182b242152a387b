//! The listener, what it takes out of a call, and the run that it makes of it.

use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};

use super::run::PipelineRun;
use super::{Line, NameValue, Named};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct EventListenerSpec {
    pub(in super::super) service_account_name: String,
    pub(in super::super) triggers: Vec<Trigger>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Trigger {
    pub(in super::super) name: &'static str,
    pub(in super::super) interceptors: Vec<Interceptor>,
    pub(in super::super) bindings: FlowSeq<Vec<Reference>>,
    pub(in super::super) template: FlowMap<Reference>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Reference {
    pub(in super::super) r#ref: String,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Interceptor {
    pub(in super::super) r#ref: FlowMap<InterceptorRef>,
    pub(in super::super) params: Vec<InterceptorParam>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct InterceptorRef {
    pub(in super::super) name: &'static str,
    pub(in super::super) kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct InterceptorParam {
    pub(in super::super) name: &'static str,
    pub(in super::super) value: InterceptorValue,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in super::super) enum InterceptorValue {
    Filter(String),
    Overlays(Vec<Overlay>),
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Overlay {
    pub(in super::super) key: &'static str,
    pub(in super::super) expression: String,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct BindingSpec {
    pub(in super::super) params: Vec<Line<NameValue>>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct TemplateSpec {
    pub(in super::super) params: FlowSeq<Vec<Named>>,
    pub(in super::super) resourcetemplates: Vec<PipelineRun>,
}
