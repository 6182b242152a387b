//! `sidestage async-runs`: the async runs that this run has started, as `list-async-runs.sh` shows them.

use std::time::Duration;

use serde_json::json;

use super::arguments::{AsyncRuns, ListFormat};
use super::client::{client, ended, store_of_run};
use super::error::CliError;
use super::tekton;
use super::{Exit, print, print_error, print_line, print_note};
use sidestage_compiler::platform::TRIGGER_NAME;
use sidestage_runtime::api::Failure;
use sidestage_runtime::async_runs::{self, AsyncRun, Wait, verdict};

pub(super) fn run(arguments: &AsyncRuns) -> Result<Exit, CliError> {
    let runs = match list(arguments) {
        Ok(runs) => runs,
        Err(failure) => return Ok(ended(Err(failure))),
    };
    show(&runs, arguments.format)?;
    Ok(if arguments.wait { ended(verdict(&runs)) } else { Exit::Clean })
}

fn list(arguments: &AsyncRuns) -> Result<Vec<AsyncRun>, Failure> {
    let mut say = |line: &str| print_line(line);
    let wait = Wait { interval: Duration::from_secs(arguments.interval), limit: Duration::from_secs(arguments.timeout) };
    if tekton::is_here() {
        return tekton::runs(arguments.wait.then_some(wait));
    }
    let store = store_of_run("It keeps the list of the async runs that were started.")?;
    Ok(match (client(store), async_runs::registered(store)?) {
        (_, none) if none.is_empty() => none,
        (Ok(mut client), _) if arguments.wait => async_runs::wait(&mut client, store, TRIGGER_NAME, wait, &mut say)?,
        (Ok(mut client), _) => async_runs::list(&mut client, store, TRIGGER_NAME, &mut say)?,
        (Err(failure), _) if arguments.wait => return Err(failure),
        // Without the API the list is still worth having.
        (Err(failure), registered) => {
            print_error(&failure.to_string());
            print_note("the API cannot be asked; states are listed as unknown.");
            registered
        }
    })
}

pub(super) fn show(runs: &[AsyncRun], format: ListFormat) -> std::io::Result<()> {
    if format == ListFormat::Json {
        return print(&format!("{:#}\n", json!({ "version": 1, "runs": runs })));
    }
    if runs.is_empty() {
        return print("No async runs were started.\n");
    }
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.replace(char::is_control, " ") };
    let row = |stage: &str, id: &str, status: &str, url: &str| format!("{stage:<30}  {id:<36}  {status:<11}  {url}\n");
    let rows = runs.iter().map(|run| row(&run.stage, &dash(&run.id), &dash(&run.status), &dash(&run.url)));
    print(&std::iter::once(row("STAGE", "RUN", "STATUS", "URL")).chain(rows).collect::<String>())
}
