//! Edits of several fixes together.

use std::collections::{BTreeMap, BTreeSet};

use super::Texts;
use crate::diagnostics::{Edit, Finding};
use crate::source::{FileId, Sources};

/// Edits by file, in order, each once; no two overlap.
#[derive(Debug, Default)]
pub struct Edits(BTreeMap<FileId, Vec<Edit>>);

impl Edits {
    /// The edits of findings that are [`compatible`]. What several of them ask for is done once.
    pub fn new(findings: &[&Finding]) -> Self {
        let edits: BTreeSet<&Edit> = findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits).collect();
        let mut by_file: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
        for edit in edits {
            by_file.entry(edit.at.file).or_default().push(edit.clone());
        }
        Self(by_file)
    }

    /// The edits of a file.
    pub fn of(&self, file: FileId) -> &[Edit] {
        self.0.get(&file).map_or(&[], |edits| edits)
    }

    /// The texts of the files with the edits.
    pub fn texts(&self, sources: &Sources) -> Texts {
        let text = |(file, edits): (&FileId, &Vec<Edit>)| {
            let source = sources.get(*file);
            (source.path().to_owned(), apply(source.text(), edits))
        };
        self.0.iter().map(text).collect()
    }

    /// Where a byte stands after the edits.
    pub fn moved(&self, file: FileId, offset: u32) -> u32 {
        let mut moved = offset as usize;
        for edit in self.of(file).iter().take_while(|edit| edit.at.span.end <= offset) {
            moved = moved + edit.text.len() - edit.at.span.len();
        }
        moved as u32
    }
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut kept = 0;
    for edit in edits {
        let range = edit.at.span.range();
        new.push_str(text.get(kept..range.start).unwrap_or_default());
        new.push_str(&edit.text);
        kept = range.end;
    }
    new.push_str(text.get(kept..).unwrap_or_default());
    new
}

/// The findings whose fixes can be applied together: of two that overlap, the one that stands first.
pub fn compatible(findings: &[Finding]) -> Vec<&Finding> {
    let mut edits: Vec<(&Edit, usize)> = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        edits.extend(finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| (edit, index)));
    }
    edits.sort_unstable();
    let mut dropped: BTreeSet<usize> = BTreeSet::new();
    let mut last: Option<&Edit> = None;
    for (edit, index) in edits {
        match last {
            Some(last) if last == edit => {}
            Some(last) if last.at.file == edit.at.file && edit.at.span.start < last.at.span.end => {
                dropped.insert(index);
            }
            _ => last = Some(edit),
        }
    }
    findings.iter().enumerate().filter(|(index, _)| !dropped.contains(index)).map(|(_, finding)| finding).collect()
}

#[cfg(test)]
mod tests {
    use super::{Edits, compatible};
    use crate::diagnostics::{Edit, Finding, Fix, RuleId, Safety};
    use crate::source::{FileId, Location, Sources, Span};

    fn finding(file: FileId, edits: &[(usize, usize, &str)]) -> Finding {
        let location = |start, end| Location { file, span: Span::new(start, end) };
        let edits = edits.iter().map(|(start, end, text)| Edit { at: location(*start, *end), text: (*text).to_owned() });
        let fix = Fix { safety: Safety::Safe, description: String::new(), edits: edits.collect() };
        Finding::new(RuleId::MissingStage, location(0, 0), "").maybe_fix(Some(fix))
    }

    #[test]
    fn equal_edits_are_done_once_insertions_are_sorted_and_overlaps_are_left_out() {
        let mut sources = Sources::default();
        let file = sources.add("a".to_owned(), "one two three".to_owned().into());
        let findings = [
            finding(file, &[(4, 4, "y ")]),
            finding(file, &[(4, 4, "x ")]),
            finding(file, &[(4, 4, "x "), (8, 13, "3")]),
            finding(file, &[(10, 11, "R")]),
        ];
        let taken = compatible(&findings);
        assert_eq!(taken.len(), 3, "the last one overlaps");
        let edits = Edits::new(&taken);
        assert_eq!(edits.texts(&sources)["a"], "one x y two 3");
        assert_eq!([0, 4, 8, 13].map(|offset| edits.moved(file, offset)), [0, 8, 12, 13]);
    }
}
