//! Files that commands make, write and read.

use compact_str::CompactString;

use super::super::interpret::Interpreter;
use super::super::interpret::fields::{Argument, Arguments};
use super::super::stage::Event;
use super::super::value::{Piece, Value};
use super::Site;
use crate::platform::{self, StoreKind};

/// A longer word is no path.
const MAX_PATH: usize = 400;

impl Interpreter<'_, '_> {
    /// Notes that a command may make a file: it will not be missed in the repository.
    pub(in crate::flow) fn makes(&mut self, path: &Value) {
        if !path.is("/dev/null") {
            self.state.forget_disk();
        }
        for option in path.options() {
            match option.last() {
                Some(Piece::Text(text)) => {
                    let name = text.rsplit('/').find(|name| !name.is_empty()).unwrap_or(text);
                    // `git clone https://../tools.git` makes `tools`.
                    let name = name.strip_suffix(".git").unwrap_or(name);
                    if !name.is_empty() && name != "." {
                        self.log(Event::Made(name.into()));
                        continue;
                    }
                    self.log(Event::MadeAnything);
                }
                _ => self.log(Event::MadeAnything),
            }
        }
    }

    /// A command writes to a file.
    pub(super) fn writes(&mut self, target: &Argument, site: Site<'_>, content: Option<Value>) {
        self.makes(&target.value);
        if let Some(path) = self.state.folder().file_below(&target.value)
            && let Some(word) = site.word(target)
        {
            self.note_written(word, &path);
            self.state.set_file(path, content);
        }
    }

    /// A filter may read a file of this name; what it holds, where that is known.
    pub(super) fn reads_operand(&mut self, operand: &Argument, site: Site<'_>) -> Option<Value> {
        let is_path = operand.value.known().is_none_or(|text| {
            !text.is_empty() && text.len() < MAX_PATH && !text.contains(['\n', '{', '|', '$', '(']) && text != "-" && text != "."
        });
        if !is_path {
            return None;
        }
        site.word(operand)?;
        let path = self.state.folder().file_below(&operand.value)?;
        self.note_file_read(&path, operand.place);
        self.file_content(&path)
    }

    /// `sed -i`: files are no longer what the repository has.
    pub(super) fn edits_in_place(&mut self, own: &Arguments<'_>, site: Site<'_>) {
        for operand in own.list().iter().skip(1).filter(|argument| !argument.value.prefix().starts_with('-')) {
            if let Some(path) = self.state.folder().file_below(&operand.value)
                && (self.scripts.repository.exists(&path) || self.state.file(&path).is_some())
            {
                let content = self.file_content(&path).filter(|content| content.secret().is_some());
                self.writes(operand, site, content);
            }
        }
    }

    /// `cp`, `mv`, `ln`, `install`: the last argument is what the others become.
    pub(super) fn copier(&mut self, base: &str, own: &Arguments<'_>, site: Site<'_>) {
        let operands: Vec<Argument> = own.list().iter().filter(|argument| !argument.value.prefix().starts_with('-')).cloned().collect();
        let Some((target, sources)) = operands.split_last() else { return };
        let targets_folder =
            own.list().iter().any(|argument| argument.value.prefix().starts_with("-t") || argument.value.prefix().starts_with("--target"));
        let path = self.state.folder().file_below(&target.value);
        let is_folder = path.as_ref().is_none_or(|path| self.scripts.repository.kind(path) == Some(crate::source::EntryKind::Folder))
            || sources.len() > 1;
        if is_folder || targets_folder || !own.is_complete || sources.is_empty() {
            // Into a folder: files of the names that they have, or of any.
            self.log(Event::MadeAnything);
            for source in sources {
                self.makes(&source.value);
            }
            if let Some(path) = path {
                self.set(StoreKind::Workspace, Some(path), target.place, None);
            }
            return;
        }
        for source in sources {
            if let Some(path) = self.state.folder().file_below(&source.value) {
                self.note_file_read(&path, source.place);
            }
        }
        let content = match sources {
            [source] if base != "ln" => self.state.folder().file_below(&source.value).and_then(|source| self.file_content(&source)),
            _ => None,
        };
        self.writes(target, site, content);
        // A folder that is copied brings what is in it.
        if let [source] = sources {
            let is_file = self.state.folder().file_below(&source.value).is_some_and(|path| {
                self.state.file(&path).is_some() || self.scripts.repository.kind(&path) == Some(crate::source::EntryKind::File)
            });
            if !is_file {
                self.log(Event::MadeAnything);
            }
        }
    }

    /// `curl`, `wget`: the files that their arguments name.
    pub(super) fn downloader(&mut self, own: &Arguments<'_>) {
        for (index, argument) in own.list().iter().enumerate() {
            let text = argument.value.prefix().to_owned();
            let is_output = matches!(own.text(index.wrapping_sub(1)), Some("-o" | "-O" | "--output" | "--output-document"));
            if is_output && let Some(path) = self.state.folder().file_below(&argument.value) {
                self.set(StoreKind::Workspace, Some(path.clone()), argument.place, None);
                self.scripts.note_changed(&path);
                self.state.set_file(path, None);
            }
            if is_output || text.contains("://") || argument.value.known().is_none() {
                self.makes(&argument.value);
            }
        }
    }

    /// `git`, `tar` and the like: files of any name, or of the names that a clone tells.
    pub(super) fn bringer(&mut self, base: &str, own: &Arguments<'_>) {
        if base != "git" {
            self.log(Event::MadeAnything);
            return;
        }
        let at = super::options(own, 0, &["C", "c", "--git-dir", "--work-tree"], |_, _| {});
        let Some(subcommand) = own.text(at).map(CompactString::from) else {
            return self.log(Event::MadeAnything);
        };
        if !platform::git_brings_files(&subcommand) {
            return;
        }
        if subcommand != "clone" {
            return self.log(Event::MadeAnything);
        }
        let with_value = ["b", "o", "u", "c", "j", "--branch", "--depth", "--origin", "--config", "--reference", "--filter", "--jobs"];
        let at = super::options(own, at + 1, &with_value, |_, _| {});
        // A clone has the name that it is given, else that of its source.
        if let Some(named) = own.get(at + 1).or_else(|| own.get(at)) {
            self.makes(&named.clone());
        }
    }

    /// `save_file key path`, `save_result stage path`: the file is read.
    pub(super) fn stored_file(&mut self, kind: StoreKind, own: &Arguments<'_>) {
        if !matches!(kind, StoreKind::File | StoreKind::Result) {
            return;
        }
        if let Some(argument) = own.list().get(1)
            && let Some(path) = self.state.folder().file_below(&argument.value)
        {
            self.note_file_read(&path, argument.place);
        }
    }
}
