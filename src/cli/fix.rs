//! `sidestage check --fix` and `--diff`.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use sidestage_compiler::diagnostics::{Finding, Safety};
use sidestage_compiler::filter::Levels;
use sidestage_compiler::fix::{self, Fixed, Overlay, Skipped, Texts};
use sidestage_compiler::report::findings;

use super::error::CliError;
use super::print;
use crate::terminal::{count, print_error, print_line, print_note};
use crate::workspace::{Configuration, Workspace, compiled};

/// What is to be done with fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FixMode {
    /// Write them.
    Write,
    /// Show what would be written.
    Show,
}

/// How it went.
pub(super) struct Outcome {
    /// Whether everything could be written.
    pub(super) is_whole: bool,
    /// How many files changed, or would change.
    pub(super) files: usize,
}

/// Fixes what can be fixed, one configuration after the other: they may share scripts. Then all that read a changed
/// file are compiled again.
pub(super) fn run(workspace: &mut Workspace, mode: FixMode, allowed: Safety, levels: &Levels) -> Result<Outcome, CliError> {
    let mut work = Work { mode, repositories: BTreeMap::new(), shown: BTreeMap::new(), fixed: 0, is_whole: true };
    for configuration in &mut workspace.configurations {
        let settings = configuration.settings().clone();
        let choose = |findings: &[Finding]| {
            let mut findings = findings.to_vec();
            levels.apply(&settings, &mut findings);
            findings.retain(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safety <= allowed));
            findings
        };
        work.configuration(configuration, &choose);
    }
    for configuration in &mut workspace.configurations {
        work.again(configuration);
    }
    work.say()?;
    Ok(Outcome { is_whole: work.is_whole, files: work.shown.len() })
}

struct Work {
    mode: FixMode,
    /// What the files of each repository hold now, or would hold.
    repositories: BTreeMap<Utf8PathBuf, Texts>,
    /// By the path as it is written: what a file held, and what it holds now.
    shown: BTreeMap<String, (String, String)>,
    /// How many findings are fixed.
    fixed: usize,
    /// Whether everything could be written.
    is_whole: bool,
}

impl Work {
    fn configuration(&mut self, configuration: &mut Configuration, choose: &dyn Fn(&[Finding]) -> Vec<Finding>) {
        self.again(configuration);
        let (compilation, folder) = (&configuration.compilation, &configuration.folder);
        let known = self.repositories.entry(folder.repository.root().to_owned()).or_default();
        let Fixed { texts, findings, skipped } = fix::fix(compilation, choose, &Overlay::new(&folder.repository, known), &folder.options);
        let mut failed = BTreeSet::new();
        for (path, text) in texts {
            let before = compilation.sources.iter().find(|source| source.path() == path).map_or("", |source| source.text());
            let shown = folder.paths.show(&path);
            if self.mode == FixMode::Write
                && let Err(reason) = folder.repository.replace(&path, before, &text)
            {
                print_error(&format!("`{shown}` cannot be written: {reason}"));
                self.is_whole = false;
                failed.insert(path);
                continue;
            }
            let (_, now) = self.shown.entry(shown).or_insert_with(|| (before.to_owned(), String::new()));
            now.clone_from(&text);
            known.insert(path, text);
        }
        self.fixed += findings.iter().filter(|files| files.is_disjoint(&failed)).count();
        for Skipped { rule, message, place, reason } in skipped {
            let place = place.shown(|path| folder.paths.show(path));
            print_note(&format!("not fixed: {place}: [{}] {message}: {reason}", rule.name()));
        }
    }

    /// Compiles a configuration again, if what it read has changed.
    fn again(&self, configuration: &mut Configuration) {
        let (compilation, folder) = (&mut configuration.compilation, &configuration.folder);
        let Some(texts) = self.repositories.get(folder.repository.root()).filter(|texts| fix::has_read(compilation, texts)) else {
            return;
        };
        let own = compilation.sources.get(compilation.file).text().clone();
        let path = compilation.path.clone();
        let text: &str = texts.get(&path).map_or(&own, |text| text);
        *compilation = compiled(&path, text.as_bytes().to_vec(), &Overlay::new(&folder.repository, texts), &folder.options);
    }

    fn say(&self) -> Result<(), CliError> {
        if self.fixed == 0 {
            // What could be fixed, and not written, has been named.
            if self.is_whole {
                print_note("nothing can be fixed by itself");
            }
            return Ok(());
        }
        let verb = if self.mode == FixMode::Write { "Fixed" } else { "Would fix" };
        print_line(&format!("{verb} {} in {}", count(self.fixed, "finding"), count(self.shown.len(), "file")));
        if self.mode == FixMode::Show {
            let diffs = self.shown.iter().map(|(path, (before, now))| findings::diff(path, before, now));
            print(&diffs.collect::<String>())?;
        }
        Ok(())
    }
}
