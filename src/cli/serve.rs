//! `sidestage serve`: the Pipeline API and the webhook on this machine.

use sidestage_engine::{ApiKeys, ServerOptions, serve};

use super::Exit;
use super::arguments::Serve;
use super::error::CliError;
use super::print_line;
use crate::workspace::Unreadable;

pub(super) fn run(arguments: &Serve) -> Result<Exit, CliError> {
    let keys = match &arguments.api_key_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Unreadable { path: path.clone(), reason: error.to_string() })?;
            Some(ApiKeys::read(&text).map_err(|reason| CliError::Serve(format!("`{path}`: {reason}")))?)
        }
    };
    let is_reachable = arguments.listen.is_some_and(|address| !address.ip().is_loopback());
    if is_reachable && keys.as_ref().is_some_and(ApiKeys::has_short) {
        print_line(
            "warning: a key has fewer than 32 characters: whoever guesses it, from any machine that reaches this address, can change everything\n  \
             Type: openssl rand -hex 32",
        );
    }
    if is_reachable {
        print_line("warning: keys and tokens travel over http, so everybody on the way can read them; put TLS before this address");
    }
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
