//! Fixes: the edits that findings bring along, put together, applied and verified.
//!
//! * [`edits`] puts fixes together that do not get in each other's way, and makes the new texts.
//! * [`overlay`] shows a repository as it would be with them; `verify` holds what is compiled there against what was.
//!
//! A fix that does not pass is left out, and said to be. Nothing here writes: the texts are the answer.

pub mod edits;
pub mod overlay;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

pub use overlay::{Overlay, Texts};

use crate::compilation::{Compilation, Options, compile};
use crate::diagnostics::{Finding, RuleId};
use crate::source::{Files, Place};
use edits::Edits;

/// A fix may bring to light what another one puts right; so often is looked again.
const MAX_ROUNDS: usize = 10;
/// Where fixes fail, they are tried in smaller and smaller groups: not more often than this for one configuration.
const MAX_TRIES: usize = 200;

/// What came of the fixes of a configuration.
#[derive(Debug, Default)]
pub struct Fixed {
    /// The texts that change, by the path of their file in the repository.
    pub texts: Texts,
    /// For each finding that is put right, the files that its fix changes.
    pub findings: Vec<BTreeSet<String>>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// A fix that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The rule of the finding.
    pub rule: RuleId,
    /// Its message.
    pub message: String,
    /// Where it is, in the texts as they are.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// Applies fixes to a compilation: those of the findings that `choose` keeps. `files` is what it was compiled from.
pub fn fix(compilation: &Compilation, choose: &dyn Fn(&[Finding]) -> Vec<Finding>, files: &dyn Files, options: &Options) -> Fixed {
    let mut fixed = Fixed::default();
    let mut tries = MAX_TRIES;
    let mut latest: Option<Compilation> = None;
    for _ in 0..MAX_ROUNDS {
        let before = latest.as_ref().unwrap_or(compilation);
        let mut findings = choose(&before.findings);
        findings.retain(|finding| finding.fix.is_some());
        if findings.is_empty() {
            fixed.skipped.clear();
            break;
        }
        let mut round = Round { before, texts: &fixed.texts, files, options, tries };
        let Outcome { taken, skipped, after } = round.run(&findings);
        tries = round.tries;
        fixed.skipped = skipped;
        let Some(after) = after else { break };
        let changed = |finding: &Finding| {
            let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
            edits.map(|edit| before.sources.get(edit.at.file).path().to_owned()).collect()
        };
        fixed.findings.extend(taken.iter().copied().map(changed));
        fixed.texts.extend(Edits::new(&taken).texts(&before.sources));
        latest = Some(after);
    }
    fixed
}

/// One round: all fixes whose edits do not get in each other's way.
struct Round<'a> {
    before: &'a Compilation,
    texts: &'a Texts,
    files: &'a dyn Files,
    options: &'a Options,
    tries: usize,
}

struct Outcome<'a> {
    taken: Vec<&'a Finding>,
    skipped: Vec<Skipped>,
    /// The configuration with what was taken; `None` where nothing was.
    after: Option<Compilation>,
}

impl Round<'_> {
    fn run<'a>(&mut self, findings: &'a [Finding]) -> Outcome<'a> {
        let mut outcome = Outcome { taken: Vec::new(), skipped: Vec::new(), after: None };
        if !self.before.document.errors().is_empty() {
            // What is understood by halves is not written anew.
            let reason = "the configuration is not valid YAML";
            outcome.skipped.extend(findings.iter().map(|finding| self.skipped(finding, reason)));
            return outcome;
        }
        let mut groups = vec![edits::compatible(findings)];
        while let Some(mut group) = groups.pop() {
            let together: Vec<&Finding> = outcome.taken.iter().chain(&group).copied().collect();
            match self.attempt(&together) {
                Ok(after) => {
                    outcome.taken = together;
                    outcome.after = Some(after);
                }
                Err(reason) if group.len() == 1 || self.tries == 0 => {
                    outcome.skipped.extend(group.iter().map(|finding| self.skipped(finding, &reason)));
                }
                Err(_) => {
                    let rest = group.split_off(group.len() / 2);
                    groups.extend([rest, group]);
                }
            }
        }
        outcome
    }

    fn attempt(&mut self, findings: &[&Finding]) -> Result<Compilation, String> {
        if self.tries == 0 {
            return Err("too many other fixes failed".to_owned());
        }
        self.tries -= 1;
        let edits = Edits::new(findings);
        let mut texts = self.texts.clone();
        texts.extend(edits.texts(&self.before.sources));
        let config = self.before.sources.get(self.before.file);
        let text: &str = texts.get(config.path()).map_or(config.text(), |text| text);
        let after = compile(&self.before.path, text.as_bytes(), &Overlay::new(self.files, &texts), self.options);
        verify::verify(self.before, &after, &edits, findings)?;
        Ok(after)
    }

    fn skipped(&self, finding: &Finding, reason: &str) -> Skipped {
        let place = Place::new(&self.before.sources, finding.at);
        Skipped { rule: finding.rule, message: finding.line(), place, reason: reason.to_owned() }
    }
}

/// Whether a compilation read any of these files.
pub fn has_read(compilation: &Compilation, texts: &BTreeMap<String, String>) -> bool {
    compilation.sources.iter().any(|source| texts.contains_key(source.path()))
}

#[cfg(test)]
mod tests {
    use super::fix;
    use crate::compilation::{Options, compile};
    use crate::diagnostics::{Edit, Finding, Fix, RuleId, Safety};
    use crate::source::{Location, MemoryFiles, Span};

    const TEXT: &str = "version: '1'\ndeploy: # it\n  script: |\n    echo \"a\"\n    echo b\n  image: x\n";

    /// What becomes of a fix that puts `new` in the place of `old`.
    fn tried(old: &str, new: &str) -> Result<String, String> {
        let (files, options) = (MemoryFiles::default(), Options::default());
        let before = compile("a.yaml", TEXT.as_bytes(), &files, &options);
        let start = TEXT.find(old).unwrap_or_default();
        let at = Location { file: before.file, span: Span::new(start, start + old.len()) };
        let edits = vec![Edit { at, text: new.to_owned() }];
        let bad = Fix { safety: Safety::Safe, description: String::new(), edits };
        let finding = Finding::new(RuleId::UnexportedVariable, at, "").maybe_fix(Some(bad));
        let is_first = std::cell::Cell::new(true);
        let choose = |_: &[Finding]| if is_first.replace(false) { vec![finding.clone()] } else { Vec::new() };
        let mut fixed = fix(&before, &choose, &files, &options);
        match fixed.skipped.pop() {
            Some(skipped) => Err(skipped.reason),
            None => Ok(fixed.texts.remove("a.yaml").unwrap_or_default()),
        }
    }

    #[test]
    fn a_fix_that_does_anything_else_is_refused() {
        assert_eq!(tried("x", "y").as_deref(), Ok(TEXT.replace('x', "y").as_str()));
        let other = Err("something else in the configuration would change".to_owned());
        for (old, new) in [
            ("    echo b\n", "    echo c\n    rm\n"),
            (" # it", ""),
            ("  image: x\n", ""),
            ("  image", "  skip: true\n  image"),
            ("x", "x # y"),
            ("|", ">"),
            ("    echo b\n", "      echo b\n"),
        ] {
            assert_eq!(tried(old, new), other, "{old:?} to {new:?}");
        }
        for (old, new, reason) in [
            ("x", "[", "the configuration would no longer be YAML"),
            ("\"a\"", "\"a", "a script would no longer be valid shell"),
            ("image", "script", "there would be another error instead: [duplicate-key]"),
            ("'1'", "'3'", "the file would no longer be the same kind of configuration"),
        ] {
            assert!(tried(old, new).is_err_and(|said| said.starts_with(reason)), "{old:?} to {new:?}");
        }
    }
}
