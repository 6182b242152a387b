//! `sidestage check --fix` and `--diff`.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::load::{Loaded, Search};
use super::settings::Severities;
use super::{Failure, complain, note, print};
use sidestage_compiler::compilation::{Compilation, compile};
use sidestage_compiler::diagnostics::{Finding, Safety};
use sidestage_compiler::fix::{self, Fixed, Overlay, Texts};
use sidestage_compiler::report::findings;

/// What is to be done with fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Write them.
    Write,
    /// Show what would be written.
    Show,
}

/// Fixes what can be fixed, one configuration after the other: they may share scripts. Then all that read a changed
/// file are compiled again. `adjust` gives findings the severities that the user asks for.
pub(super) fn run(search: &mut Search, way: Way, allowed: Safety, severities: &Severities) -> Result<(), Failure> {
    let mut work = Work { way, texts: Texts::new(), originals: Texts::new(), fixed: 0, failed: BTreeSet::new() };
    for loaded in &mut search.configurations {
        let settings = loaded.place.options.settings.clone();
        let choose = |findings: &[Finding]| {
            let mut findings = findings.to_vec();
            severities.apply(&settings, &mut findings);
            findings.retain(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safety <= allowed));
            findings
        };
        work.configuration(loaded, &choose);
    }
    for loaded in &mut search.configurations {
        work.again(loaded);
    }
    search.failed |= !work.failed.is_empty();
    work.say()
}

struct Work {
    way: Way,
    /// What the files hold now, or would hold.
    texts: Texts,
    /// What they held.
    originals: Texts,
    /// How many findings are fixed.
    fixed: usize,
    /// The files that could not be written.
    failed: BTreeSet<String>,
}

impl Work {
    fn configuration(&mut self, loaded: &mut Loaded, choose: &dyn Fn(&[Finding]) -> Vec<Finding>) {
        self.again(loaded);
        let (compilation, repository) = (&mut loaded.compilation, &loaded.place.repository);
        let Fixed { texts, findings, skipped } =
            fix::fix(compilation, choose, &Overlay::new(repository, &self.texts), &loaded.place.options);
        for (path, text) in texts {
            let before = compilation.sources.iter().find(|source| source.path() == path).map_or("", |source| source.text());
            if self.way == Way::Write
                && let Err(reason) = repository.replace(Utf8Path::new(&path), before, &text)
            {
                complain(&format!("`{path}` cannot be written: {reason}"));
                self.failed.insert(path);
                continue;
            }
            self.originals.entry(path.clone()).or_insert_with(|| before.to_owned());
            self.texts.insert(path, text);
        }
        self.fixed += findings.iter().filter(|files| files.is_disjoint(&self.failed)).count();
        for skipped in skipped {
            note(&format!("note: not fixed: {}: {}", skipped.finding, skipped.reason));
        }
    }

    /// Compiles a configuration again, if what it read has changed.
    fn again(&self, loaded: &mut Loaded) {
        let (compilation, place) = (&mut loaded.compilation, &loaded.place);
        if !fix::has_read(compilation, &self.texts) {
            return;
        }
        let path = shown(compilation);
        let own = compilation.sources.get(compilation.file).text().clone();
        let text: &str = self.texts.get(path.as_str()).map_or(&own, |text| text);
        *compilation = compile(&place.path(&path), text.as_bytes(), &Overlay::new(&place.repository, &self.texts), &place.options);
    }

    fn say(&self) -> Result<(), Failure> {
        let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
        let verb = if self.way == Way::Write { "Fixed" } else { "Would fix" };
        note(&format!("{verb} {} in {}", count(self.fixed, "finding"), count(self.texts.len(), "file")));
        if self.way == Way::Show {
            let diffs = self.texts.iter().map(|(path, text)| findings::diff(path, &self.originals[path], text));
            print(&diffs.collect::<String>())?;
        }
        Ok(())
    }
}

/// The path of a configuration, from the working folder.
fn shown(compilation: &Compilation) -> camino::Utf8PathBuf {
    compilation.sources.get(compilation.file).path().into()
}
