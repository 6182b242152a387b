//! Levels and settings as the command line asks for them.

use sidestage_compiler::config::settings::Level;
use sidestage_compiler::diagnostics::RuleId;
use sidestage_compiler::filter::Levels;

use super::arguments::{LevelArguments, SettingsArguments};
use super::error::CliError;
use crate::workspace::SettingsSource;

/// What `--deny`, `--warn` and `--allow` say; a rule that does not exist is refused.
pub(super) fn levels(arguments: &LevelArguments) -> Result<Levels, CliError> {
    let mut levels = Levels::default();
    for name in &arguments.allow {
        levels.rules.push((rule(name)?, Level::Off));
    }
    for name in &arguments.warn {
        levels.rules.push((rule(name)?, Level::Warning));
    }
    for name in &arguments.deny {
        if name == "warnings" {
            levels.deny_warnings = true;
        } else {
            levels.rules.push((rule(name)?, Level::Error));
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
