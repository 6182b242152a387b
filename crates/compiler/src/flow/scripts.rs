//! The script files that stages run, in the order in which they are read first; and what calls of them did.

use std::cell::RefCell;
use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::interpret::calls::{CallKey, CallSummary};
use super::repository::{self, Repository, ShellFile};
use crate::config::StageId;
use crate::source::{EntryKind, FileId, Location, ScriptMap, Sources};
use crate::syntax::shell::{self, Function, Script};

/// So many calls are remembered: those of the first scripts are met again.
const MAX_SUMMARIES: usize = 20_000;

/// A script file that was read.
#[derive(Debug)]
pub(super) struct ScriptFile {
    pub(super) file: FileId,
    content: Arc<ShellFile>,
}

impl ScriptFile {
    pub(super) fn script(&self) -> &Script {
        self.content.script()
    }

    /// In bytes.
    pub(super) fn length(&self) -> usize {
        self.content.text.len()
    }
}

/// What is at the path of a script; a shell script has its number.
pub(super) type Found = repository::Found<Arc<ScriptFile>>;

/// Which files of the repository stages change, and which they run as they are there.
#[derive(Debug, Default, Clone)]
pub(super) struct Changes {
    changed: FxHashMap<CompactString, Vec<StageId>>,
    ran: FxHashMap<String, Vec<StageId>>,
    /// Whether a script was run as it is in the repository, and a stage behind changes it.
    is_stale: bool,
}

impl Changes {
    /// What is known of all stages, before any is run: nothing if that changes nothing.
    pub(super) fn known_again(&self) -> Option<Self> {
        self.is_stale.then(|| self.alone())
    }

    /// What is changed, without what ran.
    pub(super) fn alone(&self) -> Self {
        Self { changed: self.changed.clone(), ..Self::default() }
    }

    fn note_ran(&mut self, path: &str, stage: StageId) {
        let ran = self.ran.entry(path.to_owned()).or_default();
        if ran.last() != Some(&stage) {
            ran.push(stage);
        }
    }

    /// Whether nobody knew that the stage changes the file.
    fn note_changed(&mut self, path: &CompactString, stage: StageId) -> bool {
        let changed = self.changed.entry(path.clone()).or_default();
        if changed.contains(&stage) {
            return false;
        }
        changed.push(stage);
        let others = self.ran.get(path.as_str());
        self.is_stale |= others.is_some_and(|ran| ran.iter().any(|other| *other != stage));
        true
    }

    fn is_changed(&self, path: &str, stage: StageId) -> bool {
        !self.changed.is_empty() && self.changed.get(path).is_some_and(|changed| changed.iter().any(|other| *other != stage))
    }

    /// Takes over what the stages behind did.
    fn absorb(&mut self, other: Self) {
        self.is_stale |= other.is_stale;
        for (path, stages) in other.changed {
            for stage in stages {
                self.note_changed(&path, stage);
            }
        }
        for (path, stages) in other.ran {
            self.ran.entry(path).or_default().extend(stages);
        }
    }
}

/// The scripts of stages that run one after the other.
pub(super) struct ScriptFiles<'a> {
    pub(super) repository: &'a Repository<'a>,
    /// By path, and whether it is sourced.
    known: FxHashMap<(String, bool), Found>,
    /// Emitted files of the repository that are called.
    emitted: Vec<String>,
    /// All script files in the order in which they were read.
    read: Vec<Arc<ScriptFile>>,
    /// Where they are among them, by their path from the repository's root.
    by_path: FxHashMap<String, usize>,
    texts: FxHashMap<(FileId, u32, CompactString), Arc<Script>>,
    summaries: FxHashMap<CallKey, Arc<CallSummary>>,
    /// Functions that were defined: summaries know them by their addresses.
    functions: FxHashMap<usize, Arc<Function>>,
    scopes: u32,
    /// The stage that is interpreted.
    stage: StageId,
    changes: Changes,
    /// Of which files it was asked whether another stage changes them.
    asked: RefCell<FxHashSet<CompactString>>,
    /// Whether a file is changed since this stage began: what calls did before may not be what they do now.
    has_changed: bool,
}

impl<'a> ScriptFiles<'a> {
    /// None was read yet; what stages change may be known.
    pub(super) fn new(repository: &'a Repository<'a>, changes: Changes) -> Self {
        Self {
            repository,
            known: FxHashMap::default(),
            emitted: Vec::new(),
            read: Vec::new(),
            by_path: FxHashMap::default(),
            texts: FxHashMap::default(),
            summaries: FxHashMap::default(),
            functions: FxHashMap::default(),
            scopes: 0,
            stage: StageId(0),
            changes,
            asked: RefCell::default(),
            has_changed: false,
        }
    }

    /// The script files that were read, in order.
    pub(super) fn read(&self) -> &[Arc<ScriptFile>] {
        &self.read
    }

    /// The emitted files that are called, from the repository's root.
    pub(super) fn emitted(&self) -> &[String] {
        &self.emitted
    }

    /// What the stages change and run.
    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether it was asked for a file that one of these stages changes, and not known that it does.
    pub(super) fn has_missed(&self, earlier: &Changes) -> bool {
        let is_new = |path: &CompactString, stage: &StageId| !self.changes.changed.get(path).is_some_and(|known| known.contains(stage));
        let asked = self.asked.borrow();
        earlier.changed.iter().any(|(path, stages)| asked.contains(path) && stages.iter().any(|stage| is_new(path, stage)))
    }

    /// Takes over what stages read that ran beside these; returns the new number of each of their scripts, in order.
    pub(super) fn absorb(&mut self, other: Self, sources: &mut Sources) -> Vec<FileId> {
        self.changes.absorb(other.changes);
        other.emitted.into_iter().for_each(|path| self.note_emitted(path));
        other.read.into_iter().map(|script| self.number(sources, &script.content).file).collect()
    }

    fn note_emitted(&mut self, path: String) {
        if !self.emitted.contains(&path) {
            self.emitted.push(path);
        }
    }

    fn number(&mut self, sources: &mut Sources, content: &Arc<ShellFile>) -> Arc<ScriptFile> {
        if let Some(at) = self.by_path.get(&content.path) {
            return self.read[*at].clone();
        }
        let file = sources.add(content.path.clone(), content.text.clone());
        let script = Arc::new(ScriptFile { file, content: content.clone() });
        self.by_path.insert(content.path.clone(), self.read.len());
        self.read.push(script.clone());
        script
    }

    /// A name for a run of a stage whose entry matters: what it did is met again by itself alone.
    pub(super) fn new_scope(&mut self, stage: StageId) -> u32 {
        if std::mem::take(&mut self.has_changed) {
            self.summaries.clear();
        }
        self.stage = stage;
        self.scopes += 1;
        self.scopes
    }

    pub(super) fn summary(&self, key: &CallKey) -> Option<Arc<CallSummary>> {
        self.summaries.get(key).cloned()
    }

    pub(super) fn keep_summary(&mut self, key: CallKey, summary: CallSummary) {
        if self.summaries.len() < MAX_SUMMARIES {
            self.summaries.insert(key, Arc::new(summary));
        }
    }

    /// Keeps a function as long as the summaries.
    pub(super) fn keep_function(&mut self, function: &Arc<Function>) {
        self.functions.entry(Arc::as_ptr(function) as usize).or_insert_with(|| function.clone());
    }

    /// The script at a path from the root that scripts see. One that is sourced is read whatever its first line says.
    pub(super) fn find(&mut self, sources: &mut Sources, path: &str, is_sourced: bool) -> Found {
        self.changes.note_ran(path, self.stage);
        let key = (path.to_owned(), is_sourced);
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let found = match self.repository.look(path, is_sourced) {
            repository::Found::Script(content) => Found::Script(self.number(sources, &content)),
            repository::Found::Program { names_store } => Found::Program { names_store },
            repository::Found::Opaque => Found::Opaque,
            repository::Found::Emitted { file, path } => {
                self.note_emitted(path.clone());
                Found::Emitted { file, path }
            }
            repository::Found::Platform => Found::Platform,
            repository::Found::Folder => Found::Folder,
            repository::Found::Missing => Found::Missing,
        };
        self.known.insert(key, found.clone());
        found
    }

    /// Notes that a stage writes a file.
    pub(super) fn note_changed(&mut self, path: &CompactString) {
        if self.repository.kind(path) == Some(EntryKind::File) {
            self.has_changed |= self.changes.note_changed(path, self.stage);
        }
    }

    /// Whether another stage writes a file of the repository: what this one writes, its state tells.
    pub(super) fn is_changed(&self, path: &str) -> bool {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(path) {
            asked.insert(path.into());
        }
        self.changes.is_changed(path, self.stage)
    }

    /// Shell text that stands in a file, parsed once.
    pub(super) fn text_script(&mut self, file: FileId, start: u32, text: &str, map: &ScriptMap) -> Arc<Script> {
        let key = (file, start, CompactString::from(text));
        if let Some(script) = self.texts.get(&key) {
            return script.clone();
        }
        let script = Arc::new(shell::parse(text.as_bytes(), map));
        self.texts.insert(key, script.clone());
        script
    }
}

/// Joins texts that stand in a file with blanks between them, and maps the result back to the file: exactly where the
/// text stands there as it is but for backslashes and the indentation of lines, else to the places as wholes.
pub(super) fn align(file: &str, pieces: &[(CompactString, Location)]) -> (String, ScriptMap) {
    let mut text = String::new();
    let mut points: Vec<(u32, u32)> = Vec::new();
    let mut is_exact = true;
    for (piece, place) in pieces {
        if !text.is_empty() {
            text.push(' ');
        }
        let raw = place.span.slice(file).as_bytes();
        let base = text.len() as u32;
        let mut at = 0;
        let mut last: Option<u32> = None;
        let bytes = piece.as_bytes();
        for (offset, byte) in bytes.iter().enumerate() {
            if raw.get(at) == Some(&b'\\')
                && (raw.get(at + 1) == Some(byte))
                && *byte != b'\n'
                && (*byte != b'\\' || raw.get(at + 1) == Some(&b'\\'))
            {
                at += 1;
            }
            if raw.get(at) == Some(&b'\r') && raw.get(at + 1) == Some(byte) {
                at += 1;
            }
            if raw.get(at) != Some(byte) {
                is_exact = false;
                break;
            }
            let shift = place.span.start + at as u32 - (base + offset as u32);
            if last != Some(shift) {
                points.push((base + offset as u32, place.span.start + at as u32));
                last = Some(shift);
            }
            at += 1;
            if *byte == b'\n' {
                // The lines of a block have an indentation that is not the script's.
                let own = bytes[offset + 1..].iter().take_while(|byte| **byte == b' ').count();
                let there = raw.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count();
                at += there.saturating_sub(own);
            }
        }
        text.push_str(piece);
    }
    let whole = pieces
        .iter()
        .map(|(_, place)| place.span)
        .reduce(|left, right| crate::source::Span { start: left.start.min(right.start), end: left.end.max(right.end) });
    if is_exact && !points.is_empty() {
        return (text, ScriptMap::of_points(points, file.len() as u32));
    }
    (text, ScriptMap::whole(whole.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::align;
    use crate::source::{Location, Sources, Span};

    #[test]
    fn shell_text_has_the_places_of_the_file_that_holds_it() {
        let file = Sources::default().add("x".to_owned(), std::sync::Arc::default());
        let place = |start, end| Location { file, span: Span { start, end } };
        let file = "bash -c \"a\n    b \\$c\"";
        let (text, map) = align(file, &[("a\nb $c".into(), place(9, 20))]);
        let at = |needle: &str| {
            let start = text.find(needle).unwrap_or_default() as u32;
            map.to_file(Span { start, end: start + needle.len() as u32 }).slice(file).to_owned()
        };
        assert_eq!((at("a"), at("b"), at("$c")), ("a".to_owned(), "b".to_owned(), "$c".to_owned()));
        let (_, map) = align("eval $x", &[("export_env a".into(), place(5, 7))]);
        assert_eq!(map.to_file(Span { start: 0, end: 3 }), Span { start: 5, end: 7 });
    }
}
