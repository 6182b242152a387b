//! What a configuration runs, for the engine: compiled where the run has it.

use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::Options;
use sidestage_compiler::flow::Detail;
use sidestage_compiler::plan::{self, PlannedPipeline, PlannedStage};
use sidestage_engine::execute::Planner;

use crate::workspace::{Needs, Request, STACK, SettingsSource, open};

/// Plans by compiling.
pub(in crate::cli) struct Compiler {
    pub(in crate::cli) settings: SettingsSource,
}

impl Compiler {
    /// The plan of a configuration in a repository.
    pub(in crate::cli) fn plan(&self, repository: &Path, config: &str) -> Result<plan::Plan, String> {
        let path = Utf8PathBuf::try_from(repository.join(config)).map_err(|error| error.to_string())?;
        let compile = || {
            let request = Request {
                paths: std::slice::from_ref(&path),
                stdin_filename: Utf8Path::new(".pipeline-config.yaml"),
                settings: &self.settings,
                options: &Options { detail: Detail::Exports, ..Options::default() },
                allow_missing: false,
                needs: Needs::Everything,
            };
            let workspace = open(&request).map_err(|error| error.to_string())?;
            let configuration = workspace.configurations.first().ok_or_else(|| format!("there is no configuration `{config}`"))?;
            Ok(plan::plan(&configuration.compilation, configuration.settings()))
        };
        // The analysis follows scripts on the stack.
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, compile);
            let thread = thread.map_err(|error| format!("no thread could be started: {error}"))?;
            thread.join().unwrap_or_else(|_| Err("this is a bug in sidestage; please report it".to_owned()))
        })
    }
}

impl Planner for Compiler {
    fn target(&self, repository: &Path, config: &str, stage: &str) -> Result<PlannedStage, String> {
        let plan = self.plan(repository, config)?;
        let names: Vec<&str> = plan.targets.iter().map(|target| target.name.as_str()).collect();
        let list = if names.is_empty() { "it has none".to_owned() } else { format!("they are {}", names.join(", ")) };
        let missing = format!("`{config}` has no async stage `{stage}`; {list}");
        plan.targets.into_iter().find(|target| target.name == stage).ok_or(missing)
    }

    fn pipeline(&self, repository: &Path, config: &str, kind: Option<&str>) -> Result<PlannedPipeline, String> {
        let plan = self.plan(repository, config)?;
        choose(plan.runs, kind).ok_or_else(|| match kind {
            Some(kind) => format!("`{config}` has nothing for the pipeline {kind}"),
            None => format!("`{config}` has nothing that a pipeline runs"),
        })
    }
}

/// The pipeline of a kind; without one the only one, else `ci`, else the first.
pub(in crate::cli) fn choose(mut runs: Vec<PlannedPipeline>, kind: Option<&str>) -> Option<PlannedPipeline> {
    let wanted = kind.unwrap_or(if runs.len() == 1 { runs[0].pipeline.as_str() } else { "ci" }).to_owned();
    let at = runs.iter().position(|run| run.pipeline == wanted).or_else(|| (kind.is_none() && !runs.is_empty()).then_some(0))?;
    Some(runs.swap_remove(at))
}
