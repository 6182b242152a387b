//! A finding with the files that it speaks of: a diagnostic of the `miette` protocol.

use std::borrow::Cow;
use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity as Level, SourceCode};

use super::{Finding, Related, Severity};
use crate::source::{PathsFrom, SourceView, Sources};

/// A finding that can be shown: its code is the rule's name, its label is the primary place, and every other place is a
/// related diagnostic, also in the same file: readers of labels get those wrong that are lines apart.
#[derive(Debug)]
pub struct Located<'a> {
    finding: &'a Finding,
    source: SourceView<'a>,
    related: Vec<Elsewhere<'a>>,
}

/// Another place.
#[derive(Debug)]
struct Elsewhere<'a> {
    related: &'a Related,
    source: SourceView<'a>,
}

impl<'a> Located<'a> {
    /// A finding and its files, with paths as they are to be written.
    pub fn new(sources: &'a Sources, paths: &PathsFrom, finding: &'a Finding) -> Self {
        let view = |file| {
            let source = sources.get(file);
            SourceView { source, path: Cow::Owned(paths.show(source.path())) }
        };
        let related = finding.related.iter().map(|related| Elsewhere { related, source: view(related.at.file) });
        Self { finding, source: view(finding.at.file), related: related.collect() }
    }
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Located<'_> {}

impl Diagnostic for Located<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.finding.rule.name()))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Info => Level::Advice,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'b>)
    }

    fn url<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.finding.rule.url()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let primary = LabeledSpan::new_primary_with_span(self.finding.label.clone(), self.finding.at.span);
        Some(Box::new(std::iter::once(primary)))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn Diagnostic> + 'b>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|place| place as &dyn Diagnostic)))
    }
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.related.message)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<Level> {
        Some(Level::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.related.at.span))))
    }
}
