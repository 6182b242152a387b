//! Levels and settings as the command line asks for them.

use clap::{Args, FromArgMatches};
use sidestage_compiler::config::settings::Level;
use sidestage_compiler::diagnostics::RuleId;
use sidestage_compiler::filter::Levels;

use super::arguments::{SETTINGS, SettingsArguments};
use super::error::CliError;
use crate::workspace::SettingsSource;

/// Severity of findings; `rules` in the settings changes it permanently. Of two options for one rule the last holds.
#[derive(Debug, Default)]
pub(super) struct LevelArguments {
    /// What is asked for, in the order of the command line.
    pub(super) asked: Vec<(Asked, String)>,
}

/// What is to become of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Deny,
    Warn,
    Allow,
}

impl Asked {
    const ALL: [(Self, &str, &str, &str); 3] = [
        (
            Self::Deny,
            "deny",
            "SIDESTAGE_DENY",
            "Make rules errors: a list, or the option repeated; `warnings` means all rules that are warnings",
        ),
        (Self::Warn, "warn", "SIDESTAGE_WARN", "Make rules warnings"),
        (Self::Allow, "allow", "SIDESTAGE_ALLOW", "Turn rules off"),
    ];
}

impl Args for LevelArguments {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(Asked::ALL.map(|(_, name, variable, help)| {
            let arg = clap::Arg::new(name).long(name).value_name("RULE").help(help).help_heading(SETTINGS);
            arg.action(clap::ArgAction::Append).value_delimiter(',').env(variable).hide_env_values(true)
        }))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LevelArguments {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut asked = Vec::new();
        for (what, name, ..) in Asked::ALL {
            // What the environment asks for comes before the command line.
            let is_typed = matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
            let places = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            asked.extend(values.zip(places).map(|(rule, at)| (if is_typed { at } else { 0 }, what, rule.clone())));
        }
        asked.sort_by_key(|(at, ..)| *at);
        Ok(Self { asked: asked.into_iter().map(|(_, what, rule)| (what, rule)).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What `--deny`, `--warn` and `--allow` say; a rule that does not exist is refused.
pub(super) fn levels(arguments: &LevelArguments) -> Result<Levels, CliError> {
    let mut levels = Levels::default();
    for (asked, name) in &arguments.asked {
        match asked {
            Asked::Deny if name == "warnings" => levels.deny_warnings = true,
            Asked::Deny => levels.rules.push((rule(name)?, Level::Error)),
            Asked::Warn => levels.rules.push((rule(name)?, Level::Warning)),
            Asked::Allow => levels.rules.push((rule(name)?, Level::Off)),
        }
    }
    Ok(levels)
}

/// The rule of a name.
pub(super) fn rule(name: &str) -> Result<RuleId, CliError> {
    RuleId::named(name).ok_or_else(|| CliError::UnknownName { kind: "rule", name: name.to_owned(), hint: RuleId::hint(name) })
}

impl From<&SettingsArguments> for SettingsSource {
    fn from(arguments: &SettingsArguments) -> Self {
        match (&arguments.settings_file, arguments.no_settings) {
            (_, true) => Self::Nothing,
            (Some(path), false) => Self::File(path.clone()),
            (None, false) => Self::Nearest,
        }
    }
}
