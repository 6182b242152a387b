//! Programs, by what the table says of them.

use compact_str::CompactString;
use rustc_hash::FxHashSet;

use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::stage::{Event, SuspiciousKind};
use super::super::value::folder::Folder;
use super::super::value::text::split_fields;
use super::super::value::{Cause, Piece, Value};
use super::Site;
use crate::platform::{self, Program, ProgramKind, StoreCommand};

/// A longer list of numbers is not taken one by one.
const MAX_NUMBERS: i64 = 1_000;

impl Interpreter<'_, '_> {
    pub(super) fn program(&mut self, name: &str, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        let base = name.rsplit('/').next().unwrap_or(name);
        let own = arguments.skip(1);
        let program = platform::program_named(base);
        if program.is_none_or(|program| !matches!(program.kind, ProgramKind::Builtin | ProgramKind::Filter)) {
            self.state.forget_disk();
        }
        let Some(program) = program else {
            if let Some(meant) = StoreCommand::nearly_named(name) {
                let place = self.site_location(site);
                self.suspect(place, SuspiciousKind::MisspeltCommand { written: name.into(), meant });
            }
            self.names_store_in_words(base, &own, site);
            self.makes_outputs(&own);
            return self.other_output(base);
        };
        match program.kind {
            ProgramKind::Wrapper(keeps) => return self.wrapper(base, keeps, &own, site),
            ProgramKind::Shell => return self.shell(&own, site),
            ProgramKind::Builtin => {
                // Some of them are programs too.
                let is_program = matches!(base, "echo" | "printf" | "true" | "false" | "pwd" | "test" | "[" | "kill");
                return if is_program { self.builtin(base, arguments, site).unwrap_or(Status::Unknown) } else { Status::Unknown };
            }
            ProgramKind::Interpreter { code } => self.interpreter(base, code, &own, site),
            ProgramKind::Builder(files) => self.builder(base, files, &own, site),
            ProgramKind::Bringer => self.bringer(base, &own),
            ProgramKind::Downloader => self.downloader(&own),
            ProgramKind::Maker => {
                for argument in own.list().iter().filter(|argument| !argument.value.prefix().starts_with('-')) {
                    self.makes(&argument.value);
                }
            }
            ProgramKind::Copier => self.copier(base, &own, site),
            ProgramKind::Filter => return self.filter(base, &own, site),
            ProgramKind::Plain => {
                if let Some(status) = self.plain(base, &own, site) {
                    return status;
                }
            }
        }
        self.ended(program)
    }

    fn ended(&mut self, program: &Program) -> Status {
        if !program.is_silent {
            self.other_output(program.name);
        }
        if program.succeeds { Status::Likely } else { Status::Unknown }
    }

    /// Programs that need a word of their own.
    fn plain(&mut self, base: &str, own: &Arguments<'_>, site: Site<'_>) -> Option<Status> {
        match base {
            "xargs" => return Some(self.xargs(own, site)),
            "find" => self.find(own, site),
            "parallel" => return Some(self.parallel(own, site)),
            "script" => {
                if let Some(at) = own.list().iter().position(|argument| argument.value.is("-c") || argument.value.is("--command")) {
                    return Some(self.text_argument(own, at + 1, site));
                }
            }
            "which" => return Some(self.is_command(own)),
            "seq" => {
                let numbers: Option<Vec<i64>> = own.values()?.iter().map(|value| value.known()?.parse().ok()).collect();
                if let Some(text) = numbers.and_then(|numbers| sequence(&numbers)) {
                    self.print(&Value::text(text));
                    return Some(Status::Success);
                }
            }
            "dirname" | "basename" | "realpath" | "readlink" => {
                let at = super::options(own, 0, &["s", "--suffix"], |_, _| {});
                let path = own.get(at)?;
                let part = match base {
                    "dirname" => folder_of(path),
                    "basename" => name_of(path, own.text(at + 1).unwrap_or_default()),
                    // Links are where they point to, as far as anyone knows.
                    _ => Some(path.clone()),
                };
                let part = part.unwrap_or_else(|| Value::made_of(path, Cause::Output(base.into())));
                self.print(&part.then(&Value::text("\n")));
                return Some(Status::Likely);
            }
            "rm" => {
                for argument in own.list() {
                    if let Some(path) = self.state.folder().file_below(&argument.value) {
                        self.state.set_file(path, None);
                    }
                }
            }
            _ => {}
        }
        None
    }

    /// What a filter prints: in another form, but made of what it reads.
    fn filter(&mut self, base: &str, own: &Arguments<'_>, site: Site<'_>) -> Status {
        if base == "sed" && own.list().iter().any(|argument| argument.value.prefix().starts_with("-i") || argument.value.is("--in-place")) {
            self.edits_in_place(own, site);
        }
        let input = self.input();
        let operands: Vec<_> = own.list().iter().filter(|argument| !argument.value.prefix().starts_with('-')).cloned().collect();
        if base == "tee" {
            for operand in &operands {
                self.writes(operand, site, input.clone());
            }
            if let Some(input) = input {
                self.print(&input);
            }
            return Status::Likely;
        }
        let mut contents = Vec::new();
        for operand in &operands {
            contents.extend(self.reads_operand(operand, site));
        }
        if base == "cat" {
            let whole = match (operands.len(), input) {
                (0, Some(input)) => Some(input),
                (count, _) if count > 0 && count == contents.len() && own.is_complete => {
                    contents.iter().cloned().reduce(|left, right| left.then(&right))
                }
                _ => None,
            };
            self.print(&whole.unwrap_or_else(|| Value::made_of_any(&contents, Cause::Output("cat".into()))));
            return Status::Likely;
        }
        if !self.is_asked() {
            return Status::Unknown;
        }
        let single = match (&*contents, &input) {
            ([only], _) => Some(only.clone()),
            ([], Some(input)) => Some(input.clone()),
            _ => None,
        };
        if let Some(text) = single.as_ref().and_then(Value::known).cloned()
            && let Some(changed) = filtered(base, own, &text)
        {
            self.print(&Value::text(changed));
            return Status::Likely;
        }
        let arguments = own.list().iter().map(|argument| &argument.value);
        self.print(&Value::made_of_any(arguments.chain(&contents).chain(&input), Cause::Output(base.into())));
        Status::Unknown
    }

    /// A program of another language: what it does is its own, unless its text names the store.
    fn interpreter(&mut self, base: &str, code: &[&str], own: &Arguments<'_>, site: Site<'_>) {
        if base != "node" && own.list().iter().any(|argument| argument.value.known().is_some_and(|text| is_in_place(text))) {
            self.edits_in_place(own, site);
        }
        self.makes_outputs(own);
        let place = self.site_location(site);
        self.log(Event::Program(place));
        let input = self.input();
        let coded = own.list().iter().position(|argument| argument.value.known().is_some_and(|text| code.contains(&text.as_str())));
        let text = match coded {
            Some(at) => own.get(at + 1).cloned(),
            None => match own.list().iter().find(|argument| !argument.value.prefix().starts_with('-')) {
                Some(script) => return self.other_program(base, &script.value.clone(), site),
                None => input,
            },
        };
        let names = text.is_some_and(|text| match text.known() {
            Some(text) => self.scripts.repository.names_store(text, &mut FxHashSet::default()),
            None => false,
        });
        if names {
            self.opaque(place, format!("`{base}` runs code that names a command of the store").into());
        }
    }

    /// A script of another language that the repository may hold.
    fn other_program(&mut self, base: &str, path: &Value, site: Site<'_>) {
        let Some(only) = path.only() else { return };
        let Folder::Repo { path, .. } = self.state.folder().join(only) else { return };
        if let Some(text) = self.scripts.repository.text(&path)
            && self.scripts.repository.names_store(&text, &mut FxHashSet::default())
        {
            let place = self.site_location(site);
            self.opaque(place, format!("`{base} {path}` names a command of the store").into());
        }
    }

    /// `-o file`, `--out file`: files that a program makes.
    fn makes_outputs(&mut self, own: &Arguments<'_>) {
        let is_output = |text: &str| matches!(text, "-o" | "-O") || text.starts_with("--out");
        for (index, argument) in own.list().iter().enumerate() {
            let Some(text) = argument.value.known() else { continue };
            match text.split_once('=') {
                Some((option, path)) if is_output(option) => self.makes(&Value::text(path)),
                _ if is_output(text) => {
                    if let Some(path) = own.get(index + 1) {
                        self.makes(&path.clone());
                    }
                }
                _ => {}
            }
        }
    }

    /// `make` and the like: the file that says what they run.
    fn builder(&mut self, base: &str, files: &[&str], own: &Arguments<'_>, site: Site<'_>) {
        let place = self.site_location(site);
        self.log(Event::Program(place));
        let mut folder = self.state.folder().clone();
        let mut named = Vec::new();
        for (index, argument) in own.list().iter().enumerate() {
            let next = own.get(index + 1).and_then(Value::only);
            match (argument.value.known().map(CompactString::as_str), next) {
                (Some("-C" | "--directory" | "--prefix"), Some(next)) => folder = folder.join(next),
                (Some("-f" | "--file" | "--makefile"), Some(next)) => named.push(folder.join(next)),
                _ => {}
            }
        }
        let usual = files.iter().map(|file| folder.join(&[Piece::Text((*file).into())]));
        let candidates: Vec<Folder> = if named.is_empty() { usual.collect() } else { named };
        for candidate in candidates {
            let Folder::Repo { path, .. } = candidate else { continue };
            let Some(text) = self.scripts.repository.text(&path) else { continue };
            if only_installs(base, own) && !runs_at_install(&text) {
                self.makes(&Value::text("node_modules"));
                return;
            }
            self.log(Event::Built);
            if self.scripts.repository.names_store(&text, &mut FxHashSet::default()) {
                self.opaque(place, format!("`{base}` runs what `{path}` says, which names a command of the store").into());
            }
            return;
        }
        self.log(Event::Built);
        self.names_store_in_words(base, own, site);
    }

    /// A program that is not known runs what its arguments say, where they name the store.
    fn names_store_in_words(&mut self, base: &str, own: &Arguments<'_>, site: Site<'_>) {
        let names = own.list().iter().any(|argument| {
            let text = argument.value.prefix();
            text.len() > 9 && self.scripts.repository.names_store(text, &mut FxHashSet::default())
        });
        if names {
            let place = self.site_location(site);
            self.opaque(place, format!("`{base}` with an argument that names a command of the store").into());
        }
    }
}

/// `npm ci`: nothing but the packages of the project.
fn only_installs(base: &str, own: &Arguments<'_>) -> bool {
    let mut words = own.list().iter().map(|argument| argument.value.prefix()).filter(|word| !word.starts_with('-'));
    matches!(base, "npm" | "pnpm" | "yarn") && matches!(words.next(), Some("ci" | "i" | "install"))
}

/// Whether a `package.json` has scripts that run where its packages are installed.
fn runs_at_install(package: &str) -> bool {
    ["\"preinstall\"", "\"install\"", "\"postinstall\"", "\"prepare\"", "\"prepublish\""].iter().any(|script| package.contains(script))
}

/// `perl -pi -e`, `perl -i.bak`.
fn is_in_place(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|letters| {
        letters.len() < 6
            && letters.contains('i')
            && letters.chars().all(|c| c.is_ascii_alphabetic() || c == '.')
            && !letters.starts_with('-')
    })
}

/// `dirname`.
fn folder_of(path: &Value) -> Option<Value> {
    let option = path.only()?;
    let (last, pieces) = option.split_last()?;
    let Piece::Text(last) = last else { return None };
    let trimmed = last.trim_end_matches('/');
    let folder = match trimmed.rsplit_once('/') {
        Some(("", _)) if pieces.is_empty() => "/",
        Some((folder, _)) => folder,
        None if pieces.is_empty() => ".",
        None => return None,
    };
    Some(Value::of_pieces(pieces).then(&Value::text(folder)))
}

/// `basename`.
fn name_of(path: &Value, suffix: &str) -> Option<Value> {
    let option = path.only()?;
    let Some(Piece::Text(last)) = option.last() else { return None };
    let trimmed = last.trim_end_matches('/');
    let name = match trimmed.rsplit_once('/') {
        Some((_, name)) => name,
        None if option.len() == 1 => trimmed,
        None => return None,
    };
    Some(Value::text(name.strip_suffix(suffix).filter(|name| !name.is_empty()).unwrap_or(name)))
}

fn sequence(numbers: &[i64]) -> Option<CompactString> {
    let (first, step, last) = match numbers {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return None,
    };
    if step == 0 || (last - first) / step > MAX_NUMBERS {
        return None;
    }
    let mut text = CompactString::default();
    let mut number = first;
    while if step > 0 { number <= last } else { number >= last } {
        text.push_str(&number.to_string());
        text.push('\n');
        number += step;
    }
    Some(text)
}

/// What simple uses of filters make of known text; `None` for all others.
fn filtered(base: &str, own: &Arguments<'_>, text: &str) -> Option<CompactString> {
    let texts: Vec<&str> = own.list().iter().map(|argument| argument.value.known().map(CompactString::as_str)).collect::<Option<_>>()?;
    match (base, &*texts) {
        ("tr", ["-d", set]) => {
            let set = set_of(set)?;
            Some(text.chars().filter(|c| !set.contains(c)).collect())
        }
        ("tr", [from, to]) if !from.starts_with('-') => {
            let (from, mut to) = (set_of(from)?, set_of(to)?);
            let last = *to.last()?;
            to.resize(from.len().max(to.len()), last);
            let change = |c: char| from.iter().rposition(|own| *own == c).map_or(c, |at| to[at]);
            Some(text.chars().map(change).collect())
        }
        ("head", ["-1" | "-n1"] | ["-n", "1"]) => Some(text.split_inclusive('\n').take(1).collect()),
        ("tail", ["-1" | "-n1"] | ["-n", "1"]) => Some(text.split_inclusive('\n').next_back().unwrap_or_default().into()),
        ("cut", ["-d", delimiter, "-f", field]) => cut(text, delimiter, field),
        ("cut", [delimiter, field]) => cut(text, delimiter.strip_prefix("-d")?, field.strip_prefix("-f")?),
        ("sort", []) if text.is_ascii() && text.bytes().all(|byte| byte == b'\n' || byte.is_ascii_lowercase() || byte.is_ascii_digit()) => {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            Some(lines.iter().flat_map(|line| [line, "\n"]).collect())
        }
        ("sed" | "awk", _) => None,
        ("xargs", []) => Some(split_fields(text, " \t\n").join(" ").into()),
        _ => None,
    }
}

fn cut(text: &str, delimiter: &str, field: &str) -> Option<CompactString> {
    let delimiter = delimiter.chars().next().filter(|_| delimiter.chars().count() == 1)?;
    let at = field.parse::<usize>().ok()?.checked_sub(1)?;
    let cut = |line: &str| -> CompactString {
        let own = if line.contains(delimiter) { line.split(delimiter).nth(at).unwrap_or_default() } else { line };
        compact_str::format_compact!("{own}\n")
    };
    Some(text.lines().map(cut).collect())
}

/// The characters of a set of `tr`.
fn set_of(set: &str) -> Option<Vec<char>> {
    match set {
        "[:upper:]" | "A-Z" => return Some(('A'..='Z').collect()),
        "[:lower:]" | "a-z" => return Some(('a'..='z').collect()),
        _ => {}
    }
    let plain = super::super::value::text::unescaped(set)?;
    let is_range = plain.contains('-') && plain.chars().count() > 1;
    let is_plain = !plain.contains(['[', ']']) && !is_range;
    is_plain.then(|| plain.chars().collect())
}
