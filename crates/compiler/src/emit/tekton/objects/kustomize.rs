//! What kustomize reads.

use serde::Serialize;
use serde_saphyr::FlowSeq;

use super::Line;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Kustomization {
    pub(in super::super) api_version: &'static str,
    pub(in super::super) kind: &'static str,
    pub(in super::super) namespace: String,
    pub(in super::super) resources: Vec<String>,
    pub(in super::super) configurations: FlowSeq<Vec<&'static str>>,
}

/// Where images stand in kinds that kustomize does not know.
#[derive(Debug, Serialize)]
pub(in super::super) struct Places {
    pub(in super::super) images: Vec<Line<Place>>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Place {
    pub(in super::super) kind: &'static str,
    pub(in super::super) path: &'static str,
}
