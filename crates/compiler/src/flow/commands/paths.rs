//! Scripts by their paths.

use compact_str::CompactString;

use super::super::emitted::EmittedFile;
use super::super::interpret::calls::Given;
use super::super::interpret::fields::Argument;
use super::super::interpret::{Interpreter, Status};
use super::super::provided::written;
use super::super::scripts::Found;
use super::super::stage::{Event, MissingScript, SuspiciousKind};
use super::super::state::Toggle;
use super::super::value::folder::Folder;
use super::super::value::{Cause, Piece, Value};
use super::shells::{Child, substitutes_harmless_text};
use super::{Lookup, Site};
use crate::platform;
use crate::source::line_start;
use crate::syntax::shell::Part;

/// The platform's script that defines `trigger-task`, and the emitted one in its place.
const TRIGGER_TASK: &str = "tools/trigger-task";
/// The variable that the emitted one sets.
const EMITTED: &str = "_sidestage_folder";

/// How a script is run.
pub(super) enum Manner {
    /// In the present shell.
    Source(Given),
    /// As a child.
    Child {
        /// Its arguments, where they are known.
        arguments: Option<Vec<Value>>,
        /// `bash -e script`.
        ends_on_error: bool,
        /// `bash -u script`.
        needs_values: bool,
        /// Whether a shell is called by name: it does not look at the first line of the script.
        by_shell: bool,
    },
}

impl Manner {
    /// A script that is called by its path.
    pub(super) fn direct(arguments: Option<Vec<Value>>) -> Self {
        Self::Child { arguments, ends_on_error: false, needs_values: false, by_shell: false }
    }

    fn is_source(&self) -> bool {
        matches!(self, Self::Source(_))
    }
}

impl Interpreter<'_, '_> {
    pub(super) fn run_path(&mut self, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        let options = target.value.each();
        self.one_of(&options, |interpreter, option| interpreter.run_one(option, target, manner, site))
    }

    fn run_one(&mut self, value: &Value, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        let Some(text) = value.options().next() else { return Status::Unknown };
        if let Some(path) = value.known()
            && let Some(name) = platform::in_system_folder(path)
            && !manner.is_source()
        {
            let name = name.to_owned();
            return self.other_output(&name);
        }
        let shown = site.word(target).map(written).unwrap_or_default();
        let told = value.known().map_or(shown.as_str(), CompactString::as_str).to_owned();
        if manner.is_source() && (platform::is_harmless_source(&told) || platform::is_harmless_source(&shown) || is_harmless_end(text)) {
            let is_there = matches!(self.state.folder().join(text), Folder::Repo { path, .. } if self.scripts.repository.exists(&path));
            if !is_there {
                return Status::Likely;
            }
        }
        if let Some(status) = self.follow_directive(manner, site) {
            return status;
        }
        if let Some(file) = self.state.folder().file_below(value)
            && let Some(content) = self.state.file(&file).cloned()
        {
            self.note_file_read(&file, target.place);
            return self.run_written(&file, content, target, manner, site);
        }
        let folder = self.state.folder().join(text);
        self.run_resolved(text, folder, target, manner, site)
    }

    /// Runs a script that the stage itself wrote.
    fn run_written(&mut self, file: &str, content: Option<Value>, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        let Some(content) = content.filter(|content| content.known().is_some()) else {
            return self.cannot_follow(format!("`{file}`, which the run itself writes"), manner, site);
        };
        let pieces = [(content, target.place)];
        match manner {
            Manner::Source(_) => self.run_text(&pieces, site.span),
            Manner::Child { arguments, ends_on_error, needs_values, .. } => {
                let child = Child { arguments: arguments.clone(), ends_on_error: *ends_on_error, needs_values: *needs_values };
                self.child_of_text(&pieces, &child, site)
            }
        }
    }

    fn run_resolved(&mut self, text: &[Piece], folder: Folder, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        if let Some(word) = site.word(target)
            && !matches!(folder, Folder::Platform(_))
            && self.scripts.repository.provided.names(word, text)
        {
            return self.run_platform_script(&written(word), site);
        }
        match folder {
            Folder::Repo { path, sure } => self.run_found(&path, sure, target, manner, site),
            Folder::Platform(path) => {
                if platform::is_harmless_platform_script(&path) {
                    if manner.is_source() && path.trim_start_matches('/') == TRIGGER_TASK && self.variable(EMITTED).known().is_some() {
                        self.suspect(target.place, SuspiciousKind::ReplacesEmitted);
                    }
                    return Status::Likely;
                }
                self.run_platform_script(path.trim_start_matches('/'), site)
            }
            Folder::Workspace => {
                self.sources_folder(target, manner, site);
                self.cannot_follow("a script outside the repository".to_owned(), manner, site)
            }
            Folder::Outside => {
                let is_relative = matches!(text, [Piece::Text(path), ..] if !path.starts_with(['/', '~']));
                if is_relative && text.iter().all(|piece| matches!(piece, Piece::Text(_))) {
                    let path = self.sources.get(self.context.file).slice(target.place.span).into();
                    self.log(Event::Missing(Box::new(MissingScript {
                        place: target.place,
                        path,
                        leaves: true,
                        is_guarded: false,
                        is_in_folder: false,
                    })));
                }
                self.cannot_follow("a script outside the repository".to_owned(), manner, site)
            }
            Folder::RepoName { .. } | Folder::Unknown => self.cannot_follow("a script whose path is not known".to_owned(), manner, site),
        }
    }

    fn run_found(&mut self, path: &CompactString, sure: bool, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        if self.scripts.is_changed(path) && self.scripts.repository.exists(path) {
            return self.cannot_follow(format!("`{path}`, which the run itself changes"), manner, site);
        }
        let reads_any = matches!(manner, Manner::Source(_) | Manner::Child { by_shell: true, .. });
        match self.scripts.find(self.sources, path, reads_any) {
            Found::Script(script) => {
                let parent: CompactString = path.rsplit_once('/').map_or("", |(parent, _)| parent).into();
                match manner {
                    Manner::Source(Given::Inherited) => self.source(&script, parent, Given::Inherited),
                    Manner::Source(Given::Own(arguments)) => self.source(&script, parent, Given::Own(arguments.clone())),
                    Manner::Child { arguments, ends_on_error, needs_values, .. } => {
                        self.run_child(&script, parent, arguments.clone(), Toggle::when(*ends_on_error), Toggle::when(*needs_values))
                    }
                }
            }
            Found::Program { names_store: true } => {
                self.cannot_follow(format!("`{path}`, which is not a shell script and names a command of the store"), manner, site)
            }
            Found::Program { names_store: false } => {
                let place = self.site_location(site);
                self.log(Event::Program(place));
                self.other_output(path)
            }
            Found::Opaque => self.cannot_follow(format!("`{path}`, which cannot be read"), manner, site),
            Found::Emitted { file, .. } => self.run_emitted(file, target, manner, site),
            Found::Platform => self.run_platform_script(path, site),
            Found::Folder => {
                self.sources_folder(target, manner, site);
                Status::Unknown
            }
            Found::Missing => match self.scripts.repository.emitted_of_missing(path) {
                Some(emitted) => self.run_emitted(emitted, target, manner, site),
                None => self.missing(path, sure, target, manner, site),
            },
        }
    }

    fn run_emitted(&mut self, emitted: EmittedFile, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        match emitted {
            EmittedFile::Trigger(stage) => self.log_trigger(vec![stage], None, target.place, site),
            EmittedFile::TriggerTask => self.emitted_trigger_task(manner, target, site),
            EmittedFile::Tools if manner.is_source() => self.assign_text(EMITTED, Value::text("known")),
            EmittedFile::Tools | EmittedFile::Other => {}
        }
        Status::Likely
    }

    /// `bin/trigger-task STAGE`, called by its path.
    fn emitted_trigger_task(&mut self, manner: &Manner, target: &Argument, site: Site<'_>) {
        let Manner::Child { arguments, .. } = manner else { return };
        match arguments.as_ref().map(|arguments| arguments.first().map(Value::split)) {
            Some(Some((names, unknown))) => self.log_trigger(names, unknown, target.place, site),
            // Without a stage it fails.
            Some(None) => {}
            None => self.log_trigger(Vec::new(), Some(Cause::Expansion), target.place, site),
        }
    }

    fn cannot_follow(&mut self, what: String, manner: &Manner, site: Site<'_>) -> Status {
        let place = self.site_location(site);
        self.opaque(place, what.into());
        if manner.is_source() {
            self.forget_variables();
        }
        self.print_of_script()
    }

    fn run_platform_script(&mut self, script: &str, site: Site<'_>) -> Status {
        let place = self.site_location(site);
        self.log_opaque(place, format!("the platform's script `{script}`").into(), Some(script.into()));
        self.print_of_script()
    }

    fn print_of_script(&mut self) -> Status {
        if self.is_asked() {
            self.other_output("a script");
        }
        Status::Likely
    }

    fn sources_folder(&mut self, target: &Argument, manner: &Manner, site: Site<'_>) {
        if manner.is_source() && site.word(target).is_some() {
            let path = self.sources.get(self.context.file).slice(target.place.span).into();
            self.suspect(target.place, SuspiciousKind::SourcesFolder(path));
        }
    }

    fn missing(&mut self, path: &CompactString, sure: bool, target: &Argument, manner: &Manner, site: Site<'_>) -> Status {
        let is_guarded = self.context.excuses_failure() || !sure || self.is_there_by_test(path);
        self.note_file_read(path, target.place);
        let is_in_folder = path.rsplit_once('/').is_none_or(|(folder, _)| self.scripts.repository.exists(folder));
        self.log(Event::Missing(Box::new(MissingScript {
            place: target.place,
            path: path.clone(),
            leaves: false,
            is_guarded,
            is_in_folder,
        })));
        self.cannot_follow(format!("`{path}`, which is not in the repository"), manner, site);
        if self.context.handles_failure() { Status::Unknown } else { Status::Likely }
    }

    /// `source <(command)`.
    pub(super) fn source_process(&mut self, path: &Argument, site: Site<'_>) -> Option<Status> {
        let word = site.word(path)?;
        let [Part::Process(block)] = &*word.parts else { return None };
        if substitutes_harmless_text(word) {
            return Some(Status::Likely);
        }
        let block = block.clone();
        let text = self.process_output(&block);
        Some(self.run_text(&[(text, path.place)], site.span))
    }

    /// `# shellcheck source=FILE` above a `source` tells where it leads.
    fn follow_directive(&mut self, manner: &Manner, site: Site<'_>) -> Option<Status> {
        let Manner::Source(given) = manner else { return None };
        if site.lookup != Lookup::All {
            return None;
        }
        let path = self.directive_above(site)?;
        let folder = Folder::root().join(&[Piece::Text(path)]);
        let Folder::Repo { path, .. } = folder else { return None };
        if self.scripts.is_changed(&path) {
            return None;
        }
        let Found::Script(script) = self.scripts.find(self.sources, &path, true) else { return None };
        let parent: CompactString = path.rsplit_once('/').map_or("", |(parent, _)| parent).into();
        let given = match given {
            Given::Inherited => Given::Inherited,
            Given::Own(arguments) => Given::Own(arguments.clone()),
        };
        Some(self.source(&script, parent, given))
    }

    fn directive_above(&self, site: Site<'_>) -> Option<CompactString> {
        let text = self.sources.get(self.context.file).text();
        let mut at = line_start(text.as_bytes(), site.span.start as usize);
        while at > 0 {
            let start = line_start(text.as_bytes(), at - 1);
            let line = text.get(start..at)?.trim();
            let comment = line.strip_prefix('#')?;
            if let Some(directive) = comment.trim_start().strip_prefix("shellcheck ") {
                let source = directive.split_whitespace().find_map(|word| word.strip_prefix("source="));
                if let Some(source) = source {
                    return (source != "/dev/null").then(|| source.trim_matches('"').into());
                }
            }
            at = start;
        }
        None
    }
}

/// Whether a path ends in a name that sets up tools, whatever folder it stands in.
fn is_harmless_end(text: &[Piece]) -> bool {
    matches!(text, [.., Piece::Text(end)] if text.len() > 1 && end.contains('/') && platform::is_harmless_source(end))
}
