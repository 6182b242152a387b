//! `sidestage init`: a first settings file, from what the repository holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::Options;
use sidestage_compiler::config::settings::{NAME, NAMES};
use sidestage_compiler::flow::Detail;
use sidestage_compiler::plan::{self, Origin};
use sidestage_compiler::syntax::yaml::written;

use super::arguments::Init;
use super::error::CliError;
use super::{Exit, inspect, print, print_remarks};
use crate::terminal::print_note;
use crate::workspace::{Needs, OutputFolder, Request, SettingsSource, Unreadable, Workspace, open, surrounding};

pub(super) fn run(arguments: &Init) -> Result<Exit, CliError> {
    let folder = match &arguments.folder {
        Some(folder) if folder.is_dir() => folder.clone(),
        Some(path) => return Err(CliError::NotAFolder { path: path.clone() }),
        None => surrounding().map_err(|error| Unreadable { path: ".".into(), reason: error.to_string() })?,
    };
    let options = Options { detail: Detail::Exports, ..Options::default() };
    let paths = [folder.clone()];
    let stdin_filename = Utf8Path::new(NAME);
    let workspace = open(&Request {
        paths: &paths,
        stdin_filename,
        settings: &SettingsSource::Nothing,
        options: &options,
        allow_missing: true,
        needs: Needs::Everything,
    })?;
    print_remarks(&workspace);
    let text = settings(&workspace, &folder);
    if arguments.stdout {
        print(&text)?;
        return Ok(Exit::Clean);
    }
    if let Some(there) = NAMES.iter().map(|name| within(&folder, name)).find(|path| path.exists()) {
        return Err(CliError::Exists { path: there });
    }
    let path = within(&folder, NAME);
    let written = fs::File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CliError::Write { path: path.clone(), what: "written", reason: error.to_string() })?;
    print(&format!("Wrote {path}.\n"))?;
    print_note("every key is optional: take out the `#` of those that you need, then run `sidestage check`");
    Ok(Exit::Clean)
}

fn within(folder: &Utf8Path, name: &str) -> Utf8PathBuf {
    if folder == "." { name.into() } else { folder.join(name) }
}

/// The file: what was found is filled in, as a comment where it is for people to decide.
fn settings(workspace: &Workspace, folder: &Utf8Path) -> String {
    let Found { unset, hosts, out } = found(workspace, folder);
    let mut text = "# yaml-language-server: $schema=https://sidestage.dev/schemas/settings.schema.json\n\
        # What the scripts of this repository cannot say. Every key is optional, and paths are relative to this file.\n"
        .to_owned();
    for configuration in &workspace.configurations {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# Found: {}", inspect::summary(configuration));
    }
    if workspace.configurations.is_empty() {
        text += "# There is no pipeline configuration here yet.\n";
    }
    text += "\n# Levels of rules: error, warning, info or off. `sidestage rules` lists them.\n# rules:\n#   missing-script: off\n";
    text += "\n# Properties of the pipeline: every run can read them.\n";
    if unset.is_empty() {
        text += "# properties: [region]\n";
    } else {
        text += "# Async stages read these, and no script sets them: keep those that the pipeline has.\n# properties:\n";
        text.extend(unset.iter().map(|name| format!("#   - {}\n", written(name))));
    }
    text += "\n# Parameters of the triggers that start the parent: async runs get them by `export_env` only.\n# trigger-parameters: [opt-in-scan]\n";
    text += "\n# Where script paths start, if not at the root of the repository.\n# repo-root: app\n";
    text += "\n# Scripts of the platform, by the beginning of their paths: never read, never reported missing.\n# platform-scripts: [\"${TOOLS_PATH}/\"]\n";
    text += "\n# What `sidestage build` writes to; calls of its files are understood before they are there.\n";
    match out {
        Some(out) => text += &format!("out: {}\n", written(&out)),
        None => text += "# out: deploy/async\n",
    }
    text += "\n# What the webhook of `build` starts, if not the pipeline's own listener for async stages.\n# event-listener: async-stage-listener\n";
    text += "\n# Hosts that async runs may give the secret git-token to.\n";
    let hosts =
        if hosts.is_empty() { "git.example.com".to_owned() } else { hosts.iter().map(|host| written(host)).collect::<Vec<_>>().join(", ") };
    text += &format!("# git-hosts: [{hosts}]\n");
    text += "\n# Files that are not checked, as in .gitignore; files named on the command line always are.\n# exclude: [vendor/]\n";
    text + "\n# How `build --target tekton` names what it writes; `check` then also says what a cluster with Tekton cannot run.\n# tekton: {name: web, namespace: web}\n"
}

struct Found {
    /// What async stages read and nothing here gives them.
    unset: BTreeSet<String>,
    /// Where the repository is cloned from.
    hosts: BTreeSet<String>,
    /// Where `build` has written before.
    out: Option<String>,
}

fn found(workspace: &Workspace, folder: &Utf8Path) -> Found {
    let mut unset = BTreeSet::new();
    for configuration in &workspace.configurations {
        let plan = plan::plan(&configuration.compilation, configuration.settings());
        let reads = plan.triggers.into_iter().flat_map(|trigger| trigger.reads);
        unset.extend(reads.filter(|read| read.from == Origin::Unknown).map(|read| read.name));
    }
    Found { unset, hosts: hosts(folder), out: OutputFolder::written_below(folder) }
}

/// The hosts of the remotes in the repository's own settings for git.
fn hosts(folder: &Utf8Path) -> BTreeSet<String> {
    let config = fs::read_to_string(folder.join(".git/config")).unwrap_or_default();
    let addresses = config.lines().filter_map(|line| line.trim().strip_prefix("url = "));
    addresses.filter_map(host).map(str::to_owned).collect()
}

/// The host of `https://user@host:1/x` or `git@host:x`.
fn host(address: &str) -> Option<&str> {
    let (place, ends) = match address.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => (rest.split('/').next()?, true),
        None => (address.split_once(':')?.0, false),
    };
    let name = place.rsplit('@').next()?;
    let name = if ends { name.split(':').next()? } else { name };
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{host, written};

    #[test]
    fn the_host_of_an_address() {
        let cases = [
            ("https://git.example.com/a/b", Some("git.example.com")),
            ("https://me:secret@git.example.com:8443/a", Some("git.example.com")),
            ("ssh://git@git.example.com/a", Some("git.example.com")),
            ("git@git.example.com:a/b.git", Some("git.example.com")),
            ("file:///srv/a", None),
            ("../a", None),
            ("/srv/a:b", None),
        ];
        for (address, expected) in cases {
            assert_eq!(host(address), expected, "{address}");
        }
    }

    #[test]
    fn strings_that_mean_something_else_are_quoted() {
        for (text, expected) in [("region", "region"), ("on", "\"on\""), ("1", "\"1\""), ("a: b", "\"a: b\"")] {
            assert_eq!(written(text), expected);
        }
    }
}
