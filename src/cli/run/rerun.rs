//! `sidestage rerun`: the state of an earlier run, again.

use sidestage_engine::execute::RunRequest;
use sidestage_engine::run::{RunOptions, What};

use super::{Job, consent, execute, state, values};
use crate::cli::Exit;
use crate::cli::arguments::Rerun;
use crate::cli::error::CliError;
use crate::page::Page;
use crate::workspace::SettingsSource;

pub(in crate::cli) fn run(arguments: &Rerun) -> Result<Exit, CliError> {
    let root = state::surrounding_root()?;
    let state = state::folder(&arguments.how.place, &root)?;
    let history = sidestage_engine::run::History::at(&state);
    let (folder, view) = state::find(&history, &arguments.run)?;
    if !view.state.is_ended() {
        return Err(CliError::Run(format!("run {} has not ended yet", view.record.short())));
    }
    let record = view.record;
    let secrets = values::secrets_again(&record.secrets, &arguments.secret)?;
    let jobs = arguments.how.jobs.map(usize::from).or(record.options.jobs);
    let options = RunOptions { jobs, ..record.options.clone() };
    let job = match &record.what {
        What::Async { .. } => Job::Stage(folder, secrets, options),
        What::Pipeline { pipeline } => {
            if options.containers.is_none() {
                consent::ask(&state, root.as_str(), &record.stages.iter().collect::<Vec<_>>(), arguments.how.yes)?;
            }
            Job::Pipeline(Box::new(RunRequest { options, ..RunRequest::again(pipeline.clone(), record, folder, secrets) }))
        }
    };
    let page = arguments.how.page.then(|| Page::new(None));
    execute(job, &arguments.how, state, SettingsSource::Nearest, page)
}
