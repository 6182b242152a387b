//! The arguments of what has to do with a cluster.

use clap::{Args, Subcommand};
use sidestage_compiler::emit::tekton::Cluster;
use sidestage_compiler::platform::{self, tekton};

use super::ListFormat;

const TEKTON: &str = "Target tekton";

/// What the manifests are to suit.
#[derive(Debug, Args)]
pub(in crate::cli) struct ClusterArguments {
    /// How the names of all objects begin; by default `tekton.name` of the settings, else `pipeline`
    #[arg(long, value_name = "NAME", value_parser = prefix, help_heading = TEKTON)]
    name: Option<String>,
    /// The namespace that everything is in; by default `tekton.namespace` of the settings, else `default`
    #[arg(long, value_name = "NAMESPACE", value_parser = label, help_heading = TEKTON)]
    namespace: Option<String>,
    /// The image with sidestage and git; by default `tekton.image` of the settings, else `sidestage:VERSION`
    #[arg(long, value_name = "IMAGE", value_parser = image, help_heading = TEKTON)]
    image: Option<String>,
}

impl ClusterArguments {
    /// What was typed wins over the settings.
    pub(in crate::cli) fn over(&self, cluster: Cluster) -> Cluster {
        Cluster {
            name: self.name.clone().unwrap_or(cluster.name),
            namespace: self.namespace.clone().unwrap_or(cluster.namespace),
            image: self.image.clone().unwrap_or(cluster.image),
            ..cluster
        }
    }
}

fn label(text: &str) -> Result<String, String> {
    platform::stage_name_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}

fn image(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_name { Ok(text.to_owned()) } else { Err("it is not the name of an image".to_owned()) }
}

fn prefix(text: &str) -> Result<String, String> {
    let text = label(text)?;
    if text.len() > tekton::MAX_PREFIX {
        return Err(format!("it has {} characters, and {} are allowed: longer names follow from it", text.len(), tekton::MAX_PREFIX));
    }
    Ok(text)
}

/// What the steps call. All of it reads the environment that the manifests give.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Tekton {
    /// Begin a pipeline: tools into the workspace, clone, parameters, the scripts of the commit
    Start {
        /// The kind of the pipeline
        kind: String,
        /// The repository
        url: String,
        /// A branch, a tag or a commit
        revision: String,
        /// Its folder in the workspace
        path: String,
        /// What a trigger would set
        #[arg(value_name = "NAME=VALUE")]
        parameters: Vec<String>,
        /// The configuration, relative to the root of its repository
        #[arg(long, value_name = "FILE", default_value = ".pipeline-config.yaml")]
        config: String,
        /// What the manifest was made from: another one at the commit is an error
        #[arg(long, value_name = "HASH")]
        structure: Option<String>,
    },
    /// Begin an async run: the payload of `SIDESTAGE_PAYLOAD` to data, properties, repositories and the script
    Receive {
        /// The stage
        stage: String,
        /// What the manifest was made from: another one at the commit is an error
        #[arg(long, value_name = "HASH")]
        structure: Option<String>,
    },
    /// Run the script of a stage in its image
    Enter {
        /// The stage, or `TASK.STEP`
        stage: String,
        /// Do nothing where one of these files holds another exit code than 0
        #[arg(long = "after", value_name = "FILE")]
        after: Vec<String>,
    },
    /// List the async runs that this run has started
    AsyncRuns {
        /// End with the first exit code in these files that is not 0
        #[arg(long = "end-as", value_name = "FILE")]
        end_as: Vec<String>,
        /// How the list is written
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
}
