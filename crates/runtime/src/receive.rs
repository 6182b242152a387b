//! The receiving side of a trigger: what a payload says, and the repositories of the stage at their commits. It does what
//! `async-stage.sh` does, without a script.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::{Failure, FailureKind};
use crate::repository::{self, Git, clone_anew, failed, last_words, place_faults, printable, run_git, shown, url_faults};

/// A payload of this version is read.
const VERSION: u64 = 1;

/// What a payload asks for.
#[derive(Debug, Clone)]
pub struct Received {
    /// The async stage.
    pub stage: String,
    /// The run that has triggered it; may be empty.
    pub parent: String,
    /// What the parent says of its pipeline: keys of `set_env` and their values.
    pub pipeline: Vec<(&'static str, String)>,
    /// Where the configuration is.
    pub config: ConfigPlace,
    /// What `deserialize` takes.
    pub state: String,
    repositories: Vec<Repository>,
    properties: Value,
}

/// The repository of the configuration, and the file in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigPlace {
    /// Its folder in the workspace.
    pub path: String,
    /// The configuration, relative to that folder.
    pub file: String,
    /// Its commit; may be empty.
    pub commit: String,
    url: String,
}

/// A repository that the stage gets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// Its folder in the workspace: outer folders come first.
    pub path: String,
    /// Its name in the store.
    pub name: String,
    /// Where it is cloned from.
    pub url: String,
    /// What is checked out.
    pub commit: String,
}

pub(crate) fn refused(reason: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Data, format!("cannot use the payload: {reason}"))
}

impl Received {
    /// Reads a payload, and looks at all that it asks for before anything is done.
    ///
    /// # Errors
    /// Where it is no payload, is of another version, or registers a repository that may not be cloned.
    pub fn read(payload: &str) -> Result<Self, Failure> {
        let value: Value = serde_json::from_str(payload).map_err(|_| refused("it is no JSON object"))?;
        if !value.is_object() {
            return Err(refused("it is no JSON object"));
        }
        if value["sidestage"].as_u64() != Some(VERSION) {
            let found: String = value["sidestage"].to_string().chars().take(40).collect();
            return Err(refused(format!("its version is {found}; this sidestage reads version {VERSION}"))
                .help("Trigger the stage by the same version of sidestage."));
        }
        if !["state", "config", "pipeline"].iter().all(|part| value[*part].is_object()) {
            return Err(refused("it lacks state, config or pipeline"));
        }
        let text = |part: &str, name: &str| value[part][name].as_str().unwrap_or_default().to_owned();
        let config = ConfigPlace {
            path: text("config", "path"),
            file: text("config", "file"),
            commit: text("config", "commit"),
            url: text("config", "url"),
        };
        config.check()?;
        let known = [("pipeline-debug", "debug"), ("pipeline-name", "name"), ("pipeline_namespace", "type")];
        // An empty value would hide the pipeline's own.
        let pipeline = known.into_iter().map(|(key, name)| (key, text("pipeline", name))).filter(|(_, value)| !value.is_empty()).collect();
        Ok(Self {
            stage: value["stage"].as_str().unwrap_or_default().to_owned(),
            parent: text("pipeline", "run-id"),
            pipeline,
            repositories: repositories(&value["state"], &config)?,
            properties: value["properties"].clone(),
            config,
            state: value["state"].to_string(),
        })
    }

    /// The properties of the parent's pipeline, as they were then; none where its async runs see them themselves.
    ///
    /// # Errors
    /// Where they are none.
    pub fn properties(&self) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let properties = match &self.properties {
            Value::Null => return Ok(Vec::new()),
            Value::Object(properties) => properties,
            _ => return Err(refused("its properties are no object")),
        };
        let bytes = |(name, value): (&String, &Value)| match (value, value["base64"].as_str().map(|text| STANDARD.decode(text))) {
            (Value::String(text), _) => Ok((name.clone(), text.clone().into_bytes())),
            (_, Some(Ok(bytes))) => Ok((name.clone(), bytes)),
            _ => Err(refused(format!("the property {name:?} is neither text nor base64"))),
        };
        properties.iter().map(bytes).collect()
    }

    /// Clones each repository at its commit into a workspace that is new.
    ///
    /// # Errors
    /// Where one cannot be cloned, or its commit is gone; and where its folder would leave the workspace.
    pub fn clone_into(&self, workspace: &Path, git: Git<'_>) -> Result<(), Failure> {
        let workspace =
            workspace.canonicalize().map_err(|error| failed(format!("there is no workspace {}: {error}", workspace.display())))?;
        self.repositories.iter().try_for_each(|repository| repository.put(&workspace, git, &self.stage))
    }
}

impl ConfigPlace {
    /// Nothing outside of the workspace and the repository is read.
    fn check(&self) -> Result<(), Failure> {
        let Self { path, file, .. } = self;
        // A repository that is the workspace itself, or not known, is not cloned.
        let mut faults = if matches!(path.as_str(), "" | ".") { Vec::new() } else { place_faults(path) };
        if file.starts_with('/') || file.split('/').any(|part| part == "..") {
            faults.push(format!("its file leaves the repository: '{}'", printable(file)));
        }
        if faults.is_empty() { Ok(()) } else { Err(refused(format!("the place of the configuration: {}", faults.join("; ")))) }
    }
}

fn repositories(state: &Value, config: &ConfigPlace) -> Result<Vec<Repository>, Failure> {
    let registered: BTreeMap<String, Value> = serde_json::from_value(state["repos"].clone()).unwrap_or_default();
    let mut found = Vec::new();
    let mut refusals = Vec::new();
    let mut add = |name: &str, path: &str, url: &str, commit: &str| {
        let repository = Repository {
            path: path.strip_suffix('/').unwrap_or(path).to_owned(),
            name: name.to_owned(),
            url: url.to_owned(),
            commit: commit.to_ascii_lowercase(),
        };
        refusals.extend(repository.faults().into_iter().map(|fault| format!("  repository {}: {fault}", printable(name))));
        found.push(repository);
    };
    for (name, properties) in &registered {
        let text = |property: &str| properties[property].as_str().unwrap_or_default();
        add(name, text("path"), text("url"), text("commit"));
    }
    let is_registered = registered.values().any(|properties| properties["path"].as_str() == Some(config.path.as_str()));
    if !is_registered && !config.commit.is_empty() {
        add("of the configuration", &config.path, &config.url, &config.commit);
    }
    if !refusals.is_empty() {
        return Err(Failure::new(
            FailureKind::Rights,
            format!("the payload registers repositories that cannot be cloned:\n{}", refusals.join("\n")),
        )
        .reason("The stage gets every repository at its commit, or does not start.")
        .help("In the parent run, type: save_repo NAME url=URL path=PATH commit=COMMIT"));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

impl Repository {
    /// What keeps it from being cloned.
    fn faults(&self) -> Vec<String> {
        let Self { path, name, url, commit } = self;
        let mut faults = Vec::new();
        if [path, name, url, commit].iter().any(|field| field.chars().any(char::is_control)) {
            faults.push("a field has a control character".to_owned());
        }
        faults.extend(place_faults(path));
        faults.extend(url_faults(url));
        if !(7..=64).contains(&commit.len()) || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            faults.push(format!("it has no commit, or one that is no hash: '{}'", printable(commit)));
        }
        faults
    }

    fn put(&self, workspace: &Path, git: Git<'_>, stage: &str) -> Result<(), Failure> {
        let Self { path, name, commit, .. } = self;
        let target = repository::target(workspace, path, name)?;
        if target.join(".git").exists() {
            let head = run_git(git, &["rev-parse", "HEAD"], &target)?;
            if head.status.success() && String::from_utf8_lossy(&head.stdout).starts_with(commit.as_str()) {
                return Ok(());
            }
            return Err(failed(format!("repository {name}: {path} already holds another commit than {commit}"))
                .reason("Two repositories may be registered for one folder, or the workspace is not new."));
        }
        repository::put(workspace, path, name, &|clone| self.clone_beside(clone, workspace, git, stage))
    }

    fn clone_beside(&self, clone: &Path, workspace: &Path, git: Git<'_>, stage: &str) -> Result<(), Failure> {
        let Self { name, url, commit, path } = self;
        clone_anew(git, url, clone, workspace).map_err(|words| {
            failed(format!("repository {name}: cannot clone {}", shown(url)))
                .reason(format!("{words}\n  The stage {stage} was not started, since it would miss the files of {path}."))
                .help("Check the url, and that this machine may read it.")
        })?;
        // A commit of a pull request lies on no branch, so it may have to be fetched by its name.
        if !run_git(git, &["cat-file", "-e", &format!("{commit}^{{commit}}")], clone)?.status.success() {
            run_git(git, &["fetch", "--quiet", "origin", commit], clone)?;
        }
        let out = run_git(git, &["checkout", "--quiet", "--detach", commit, "--"], clone)?;
        if out.status.success() {
            return Ok(());
        }
        let words = last_words(&out);
        Err(failed(format!("repository {name}: commit {commit} is not in {}", shown(url)))
            .reason(format!("{words}\n  The parent run had it; it may have been removed by a forced push since."))
            .help("Start the parent run again, on a commit that is there."))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use serde_json::json;

    use super::*;

    fn payload(repos: &Value) -> String {
        json!({
            "sidestage": 1, "stage": "owasp-zap", "nonce": "n",
            "pipeline": { "id": "p", "name": "web", "type": "ci", "run-id": "r", "run-url": "", "debug": "" },
            "config": { "url": "/source", "branch": "main", "commit": "0123456789", "path": "web", "file": ".pipeline-config.yaml" },
            "state": { "env": {}, "repos": repos, "artifacts": {} },
        })
        .to_string()
    }

    #[test]
    fn a_payload_says_what_runs_and_where() {
        let received = Received::read(&payload(&json!({ "app-repo": { "url": "/a", "path": "app/", "commit": "ABCDEF0" } })));
        let received = received.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!((received.stage.as_str(), received.parent.as_str()), ("owasp-zap", "r"));
        assert_eq!(received.pipeline, [("pipeline-name", "web".to_owned()), ("pipeline_namespace", "ci".to_owned())]);
        let of = |path: &str, name: &str, url: &str, commit: &str| Repository {
            path: path.to_owned(),
            name: name.to_owned(),
            url: url.to_owned(),
            commit: commit.to_owned(),
        };
        assert_eq!(
            received.repositories,
            [of("app", "app-repo", "/a", "abcdef0"), of("web", "of the configuration", "/source", "0123456789")]
        );
    }

    #[test]
    fn what_cannot_be_cloned_is_refused_before_anything_is_done() {
        for (field, value, expected) in [
            ("path", "../x", "its path leaves the workspace, or is none"),
            ("path", "a/.git/hooks", "its path leaves the workspace, or is none"),
            ("path", "", "its path leaves the workspace, or is none"),
            ("path", "/etc", "its path leaves the workspace, or is none"),
            ("path", "-x", "its path starts with '-'"),
            ("path", "a\tb", "a field has a control character"),
            ("url", "", "it has no url"),
            ("url", "--upload-pack=x", "its url starts with '-'"),
            ("url", "ext::sh -c x", "its url would start another program"),
            ("commit", "main", "it has no commit, or one that is no hash"),
            ("commit", "abc", "it has no commit, or one that is no hash"),
        ] {
            let mut repo = json!({ "url": "/a", "path": "app", "commit": "abcdef0" });
            repo[field] = value.into();
            let refusal = Received::read(&payload(&json!({ "app-repo": repo }))).map(|_| ()).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{field} {value:?}: {refusal}");
        }
        for (text, expected) in [
            ("[]", "no JSON object"),
            ("{", "no JSON object"),
            ("{\"sidestage\":2}", "its version is 2"),
            ("{\"sidestage\":1}", "it lacks state"),
        ] {
            assert!(Received::read(text).map(|_| ()).unwrap_err().to_string().contains(expected), "{text}");
        }
    }
}
