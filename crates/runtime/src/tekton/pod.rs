//! What the manifest tells a step.

use std::path::PathBuf;

use crate::failure::{Failure, FailureKind};

/// Variables of the environment, empty where they are not set.
#[derive(Debug, Clone)]
pub struct Pod {
    /// The workspace of the run.
    pub workspace: PathBuf,
    /// The properties of the pipeline.
    pub config: PathBuf,
    /// The secure ones.
    pub secrets: PathBuf,
    /// The name of the run.
    pub run: String,
    /// The name of its pipeline.
    pub pipeline: String,
    /// The namespace of both.
    pub namespace: String,
    /// The folder of the token and the certificate for the Kubernetes API.
    pub(super) kube: PathBuf,
}

impl Pod {
    /// From the environment of this process.
    ///
    /// # Errors
    /// Where `WORKSPACE` is not set.
    pub fn read() -> Result<Self, Failure> {
        let workspace = variable("WORKSPACE");
        if workspace.is_empty() {
            return Err(Failure::new(FailureKind::Setting, "WORKSPACE is not set")
                .reason("This is a step of a pipeline on a cluster, whose manifest sets it.")
                .help("Use the manifests that `sidestage build --target tekton` writes."));
        }
        let or = |name: &str, default: &str| if variable(name).is_empty() { default.to_owned() } else { variable(name) };
        Ok(Self {
            workspace: workspace.into(),
            config: or("CONFIG_DIR", "/config").into(),
            secrets: or("SECRET_CONFIG_DIR", "/config/secure-properties").into(),
            run: variable("PIPELINE_RUN_ID"),
            pipeline: variable("PIPELINE_ID"),
            namespace: variable("SIDESTAGE_NAMESPACE"),
            kube: or("SIDESTAGE_KUBE", "/sidestage/kube").into(),
        })
    }
}

/// A variable of the environment, empty where it is not set.
pub(super) fn variable(name: &str) -> String {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}
