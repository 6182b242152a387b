//! What every task of the set has: the workspace, the environment of a run, properties, and what it needs beyond them.

use serde_saphyr::FlowMap;

use super::names::Names;
use super::objects::pipeline::{
    Cel, Env, EnvFrom, Exec, KeyPath, OptionalConfigMap, OptionalSecret, Probe, Projected, Projection, Sidecar, Step, StepTemplate,
    TaskSpec, Volume, VolumeMount, VolumeSource, WorkspaceMount,
};
use super::objects::{Empty, Line, NameValue, Named, SecurityContext, lines};
use crate::plan::PlannedStage;
use crate::platform::tekton::Include;

/// The one workspace of a run, as the platform mounts it.
pub(super) const WORKSPACE: &str = "run";
const MOUNTED: &str = "/workspace/app";
/// The program in the workspace, for images that do not have it.
const OWN_PROGRAM: &str = "$(workspaces.run.path)/.sidestage/one-pipeline/bin/sidestage";
/// The program in its own image.
const PROGRAM: &str = "sidestage";
const CONFIG: &str = "/config";
const SECRETS: &str = "/config/secure-properties";
const TOKEN: &str = "/sidestage/token";
const KUBE: &str = "/sidestage/kube";
/// The service of docker, where the stage names no other.
const DOCKER: &str = "docker:27-dind";

/// The word of `include` that asks for the socket of docker.
const SOCKET: &str = "docker-socket";

/// Where the properties of a task come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Properties {
    /// The config map of the pipeline.
    Mounted,
    /// What was sent along.
    Received,
}

/// A task that is being written.
pub(super) struct Builder<'a> {
    names: &'a Names<'a>,
    spec: TaskSpec,
}

impl<'a> Builder<'a> {
    /// A task in the workspace of the run, with its environment.
    pub(super) fn new(names: &'a Names<'a>) -> Self {
        let env = [
            Env::new("WORKSPACE", "$(workspaces.run.path)"),
            Env::new("CONFIG_DIR", CONFIG),
            Env::new("SECRET_CONFIG_DIR", SECRETS),
            Env::of_pod("PIPELINE_RUN_ID", "metadata.labels['tekton.dev/pipelineRun']"),
            Env::of_pod("PIPELINE_ID", "metadata.labels['tekton.dev/pipeline']"),
            Env::of_pod("SIDESTAGE_NAMESPACE", "metadata.namespace"),
        ];
        let spec = TaskSpec {
            workspaces: lines([WorkspaceMount { name: WORKSPACE, mount_path: MOUNTED }]),
            step_template: StepTemplate { env: lines(env), volume_mounts: Vec::new() },
            ..TaskSpec::default()
        };
        Self { names, spec }
    }

    /// The properties of the pipeline, secure ones among them.
    pub(super) fn properties(mut self, properties: Properties) -> Self {
        let source = match properties {
            Properties::Mounted => VolumeSource::ConfigMap(FlowMap(OptionalConfigMap { name: self.names.properties(), optional: true })),
            Properties::Received => VolumeSource::EmptyDir(Empty {}),
        };
        self.mount("properties", CONFIG, properties == Properties::Mounted, source);
        let source = OptionalSecret { secret_name: self.names.secure_properties(), optional: true };
        self.mount("secure-properties", SECRETS, true, VolumeSource::Secret(FlowMap(source)));
        self
    }

    /// What `trigger-task` needs to start these stages; nothing where there are none.
    pub(super) fn triggers(mut self, stages: &[&str]) -> Self {
        if stages.is_empty() {
            return self;
        }
        self.set("SIDESTAGE_ASYNC_STAGES", stages.join(" "));
        self.set("SIDESTAGE_LISTENER", self.names.listener_address());
        self.set("SIDESTAGE_TOKEN_FILE", format!("{TOKEN}/token"));
        self.set("SIDESTAGE_TOKEN_SECRET", self.names.token());
        // A missing secret is a message of `trigger-task`, not a pod that hangs.
        let source = OptionalSecret { secret_name: self.names.token(), optional: true };
        self.mount("token", TOKEN, true, VolumeSource::Secret(FlowMap(source)));
        self.kube()
    }

    /// What looks at runs.
    pub(super) fn kube(mut self) -> Self {
        if self.spec.volumes.iter().any(|volume| volume.name == "kube") {
            return self;
        }
        self.set("SIDESTAGE_KUBE", KUBE);
        let sources = [
            Projection::ServiceAccountToken { path: "token", expiration_seconds: 3600 },
            Projection::ConfigMap { name: "kube-root-ca.crt", items: vec![KeyPath { key: "ca.crt", path: "ca.crt" }] },
        ];
        self.mount("kube", KUBE, true, VolumeSource::Projected(Projected { sources: lines(sources) }));
        self
    }

    /// A service of docker beside the steps, where one of them asks for it.
    pub(super) fn docker(mut self, stages: &[&PlannedStage]) -> Self {
        let asks = |stage: &&&PlannedStage| stage.include.iter().any(|word| Include::named(word) == Some(Include::Docker));
        if stages.iter().find(asks).is_none() {
            return self;
        }
        let image = stages.iter().find_map(|stage| stage.dind_image.clone());
        self.spec.sidecars.push(Sidecar {
            name: "docker",
            image: image.unwrap_or_else(|| DOCKER.to_owned()),
            security_context: FlowMap(SecurityContext::PRIVILEGED),
            env: lines([NameValue::new("DOCKER_TLS_CERTDIR", "/certs")]),
            volume_mounts: lines([mounted("docker-certs", "/certs", false), mounted("docker-state", "/var/lib/docker", false)]),
            readiness_probe: Probe { exec: FlowMap(Exec { command: vec!["docker", "version"] }), period_seconds: 1 },
        });
        if stages.iter().any(|stage| stage.include.iter().any(|word| word == SOCKET)) {
            // The service also listens there: scripts wait for the file.
            if let Some(sidecar) = self.spec.sidecars.first_mut() {
                sidecar.volume_mounts.push(FlowMap(mounted(SOCKET, "/var/run", false)));
            }
            self.mount(SOCKET, "/var/run", false, VolumeSource::EmptyDir(Empty {}));
        }
        self.set("DOCKER_HOST", "tcp://127.0.0.1:2376");
        self.set("DOCKER_TLS_VERIFY", "1");
        self.set("DOCKER_CERT_PATH", "/certs/client");
        self.mount("docker-certs", "/certs", true, VolumeSource::EmptyDir(Empty {}));
        self.spec.volumes.push(Volume { name: "docker-state", source: VolumeSource::EmptyDir(Empty {}) });
        self
    }

    /// A variable of all its steps.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.spec.step_template.env.push(FlowMap(Env::new(name, value)));
    }

    pub(super) fn step(mut self, step: Step) -> Self {
        self.spec.steps.push(step);
        self
    }

    pub(super) fn build(self) -> TaskSpec {
        self.spec
    }

    fn mount(&mut self, name: &'static str, path: &'static str, is_read_only: bool, source: VolumeSource) {
        self.spec.step_template.volume_mounts.push(FlowMap(mounted(name, path, is_read_only)));
        self.spec.volumes.push(Volume { name, source });
    }
}

fn mounted(name: &'static str, mount_path: &'static str, read_only: bool) -> VolumeMount {
    VolumeMount { name, mount_path, read_only }
}

/// The workspace, as a task takes it.
pub(super) fn workspace() -> Vec<Line<Named>> {
    lines([Named { name: WORKSPACE.to_owned() }])
}

/// A step of the program in its own image.
pub(super) fn own_step(name: &str, image: &str, args: impl IntoIterator<Item = String>) -> Step {
    let args = std::iter::once("tekton".to_owned()).chain(args).collect();
    Step { name: name.to_owned(), image: image.to_owned(), command: vec![PROGRAM.to_owned()], args, ..Step::default() }
}

/// A step that runs the script of a stage; `place` is what its script is called.
pub(super) fn stage_step(stage: &PlannedStage, place: &str, base_image: &str) -> Step {
    let asks = |include| stage.include.iter().any(|word| Include::named(word) == Some(include));
    let config_map = stage.configmap.iter().map(|name| EnvFrom::ConfigMapRef(Named { name: name.clone() }));
    let secret = stage.secret.iter().map(|name| EnvFrom::SecretRef(Named { name: name.clone() }));
    Step {
        name: stage.name.clone(),
        image: stage.image.clone().unwrap_or_else(|| base_image.to_owned()),
        image_pull_policy: stage.image_pull_policy.clone(),
        when: lines(stage.when.iter().map(|cel| Cel { cel: cel.clone() })),
        timeout: stage.timeout.clone().filter(|_| stage.task.is_some()),
        security_context: asks(Include::Podman).then_some(FlowMap(SecurityContext::PRIVILEGED)),
        env_from: lines(config_map.chain(secret)),
        command: vec![OWN_PROGRAM.to_owned()],
        args: vec!["tekton".to_owned(), "enter".to_owned(), place.to_owned()],
        ..Step::default()
    }
}

/// What the script of a stage is called in the workspace: `STAGE`, or `TASK.STEP`.
pub(super) fn place(stage: &PlannedStage) -> String {
    stage.id.replace('/', ".")
}

/// A name that nobody has taken.
pub(super) fn free_name(name: &str, taken: &[&str]) -> String {
    let is_free = |name: &str| !taken.contains(&name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).unwrap_or_default()
}
