//! `sidestage serve`: the Pipeline API and the webhook on this machine.

use sidestage_engine::{ApiKeys, ServerOptions, serve};

use super::Exit;
use super::arguments::Serve;
use super::error::CliError;
use crate::workspace::Unreadable;

pub(super) fn run(arguments: &Serve) -> Result<Exit, CliError> {
    let keys = match &arguments.api_key_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Unreadable { path: path.clone(), reason: error.to_string() })?;
            Some(ApiKeys::read(&text).map_err(|reason| CliError::Serve(format!("`{path}`: {reason}")))?)
        }
    };
    let options = ServerOptions {
        listen: arguments.listen,
        state: arguments.state.clone().map(Into::into),
        pipeline: arguments.pipeline.clone(),
        keys,
        allowed_hosts: arguments.allow_host.clone(),
    };
    serve(options, &mut std::io::stdout()).map_err(|error| CliError::Serve(error.to_string()))?;
    Ok(Exit::Clean)
}
