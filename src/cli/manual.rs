//! The command line as it describes itself: help by groups, completions, manual pages; and how it is read.

use std::ffi::OsString;
use std::fs;

use camino::Utf8Path;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::arguments::{self, Arguments};
use super::error::CliError;
use super::{Exit, print};

/// The commands by what they are for.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Check", &["check", "explain", "rules"]),
    ("See", &["plan", "graph"]),
    ("Build", &["build", "apply", "trigger", "async-runs", "pipelinectl"]),
    ("Run", &["run", "runs", "logs", "rerun", "serve", "tekton"]),
    ("Set up", &["init", "schema", "completions", "man"]),
    ("Help", &["help"]),
];

/// Reads the command line; where it cannot be understood, says so and ends the program.
pub(super) fn parse(command_line: Vec<OsString>) -> Arguments {
    let file = command_line.get(1).cloned();
    // To describe all commands takes longer than to check a small file. What this does not understand, the whole
    // description reads again: it knows what to say.
    if file.as_deref().is_some_and(|name| name == "check")
        && let Ok(matches) = arguments::check_alone().try_get_matches_from(&command_line)
        && let Ok(arguments) = Arguments::from_arg_matches(&matches)
    {
        return arguments;
    }
    // The groups are written only where somebody reads them: describing the command line is a part of each start.
    let is_read = |argument: &OsString| argument.to_str().is_some_and(|text| ["-h", "--help", "help"].contains(&text));
    let wants_help = command_line.len() < 2 || command_line.iter().any(is_read);
    let mut command = if wants_help { with_groups() } else { Arguments::command() };
    let read = command.try_get_matches_from_mut(command_line).and_then(|matches| Arguments::from_arg_matches(&matches));
    read.unwrap_or_else(|error| with_hint(error, file).exit())
}

/// Who names a file and no command means `check`.
fn with_hint(mut error: clap::Error, first: Option<OsString>) -> clap::Error {
    let file = first.and_then(|first| first.into_string().ok()).filter(|first| Utf8Path::new(first).exists());
    if let (ErrorKind::InvalidSubcommand, Some(file)) = (error.kind(), file) {
        error.remove(ContextKind::SuggestedSubcommand);
        let hint = format!("to check it, type `sidestage check {file}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// The command line with its commands in groups.
fn with_groups() -> clap::Command {
    let command = Arguments::command();
    let template = template(&command);
    command.help_template(template)
}

fn template(command: &clap::Command) -> String {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let width = command.get_subcommands().map(|one| one.get_name().len()).max().unwrap_or_default();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (group, names) in GROUPS {
        text += &format!("\n{header}{group}:{header:#}\n");
        for name in names {
            let about = match command.find_subcommand(name).and_then(clap::Command::get_about) {
                Some(about) => about.to_string(),
                None => "Print this message or the help of a command".to_owned(),
            };
            text += &format!("  {literal}{name:width$}{literal:#}  {about}\n");
        }
    }
    text + "\n{options}{after-help}"
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sidestage", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}

/// The page of the program, or into a folder those of all its commands.
pub(super) fn man(out: Option<&Utf8Path>) -> Result<Exit, CliError> {
    let mut command = Arguments::command();
    command.build();
    let Some(out) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Clean);
    };
    let fault = |error: std::io::Error| CliError::Write { path: out.to_owned(), what: "written", reason: error.to_string() };
    fs::create_dir_all(out).map_err(fault)?;
    let commands: Vec<clap::Command> = command.get_subcommands().filter(|one| one.get_name() != "help").cloned().collect();
    for (name, one) in std::iter::once(("sidestage".to_owned(), command))
        .chain(commands.into_iter().map(|one| (format!("sidestage-{}", one.get_name()), one)))
    {
        let mut page = Vec::new();
        clap_mangen::Man::new(one.display_name(name.clone())).render(&mut page)?;
        fs::write(out.join(format!("{name}.1")), page).map_err(fault)?;
    }
    Ok(Exit::Clean)
}

#[cfg(test)]
mod tests {
    use super::{Arguments, CommandFactory, GROUPS};

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        grouped.sort_unstable();
        let command = Arguments::command();
        let mut all: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).chain(["help"]).collect();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }
}
