//! `sidestage serve`: the Pipeline API and the webhook on this machine.

use super::arguments::Serve;
use super::{Exit, Failure};
use sidestage_engine::{ApiKeys, ServerOptions, serve};

pub(super) fn run(arguments: &Serve) -> Result<Exit, Failure> {
    let keys = match &arguments.api_key_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure(format!("`{path}` cannot be read: {error}")))?;
            Some(ApiKeys::read(&text).map_err(|reason| Failure(format!("`{path}`: {reason}")))?)
        }
    };
    let options = ServerOptions {
        listen: arguments.listen,
        state: arguments.state.clone().map(Into::into),
        pipeline: arguments.pipeline.clone(),
        keys,
    };
    serve(options, &mut std::io::stdout())?;
    Ok(Exit::Clean)
}
