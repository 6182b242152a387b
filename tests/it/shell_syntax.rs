//! The shell parser against its judges: `bash -n` on real scripts and on all forms, another parser for the places of
//! commands, and broken text.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use shuck_ast as ast;
use sidestage_compiler::source::ScriptMap;
use sidestage_compiler::syntax::shell::{self, Block, LoopHead, Script, Statement, StatementKind};
use sidestage_compiler::syntax::yaml;

/// How many scripts of the machine are read, and how large they may be together.
const MOST_SCRIPTS: usize = 150;
const MOST_BYTES: usize = 1_500_000;
/// How many broken scripts are shown to bash.
const BROKEN: usize = 300;

/// Where this parser and `bash -n` differ, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// `shopt -s extglob` in the script: `bash -n` does not run it, and refuses the patterns.
    Extglob,
    /// Backquotes, `$((`, here-documents and `${ ..; }`: `bash -n` does not look inside.
    NotLookedInto,
    /// Carriage returns at the end of lines are taken for blanks.
    CarriageReturn,
    /// A line continuation inside a keyword.
    SplitKeyword,
    /// `}` and `)` inside `${` inside `$((`, which bash counts as if they stood alone.
    Arithmetic,
    /// `[[ ]]` and `[[ ! ]]`, behind which bash reads one more `]]`.
    EmptyTest,
    /// Deeper than is followed.
    TooDeep,
}

fn parse(text: &[u8]) -> Script {
    shell::parse(text, &ScriptMap::verbatim(0))
}

/// Whether bash takes a script, and what it says.
fn bash(text: &[u8]) -> (bool, String) {
    let mut child = Command::new("bash")
        .args(["--norc", "-n"])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is installed");
    let mut input = child.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = std::thread::spawn(move || {
        // It may stop reading at an error.
        let _ = input.write_all(&text);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // An error in `[[ ]]` is told without a status.
    let errors = said.lines().filter(|line| !line.contains("warning")).collect::<Vec<_>>().join("\n");
    (output.status.success() && errors.is_empty(), errors)
}

/// The class of a difference, if it is one of the known ones.
fn difference(text: &[u8], script: &Script, bash_takes_it: bool) -> Option<Difference> {
    let shown = String::from_utf8_lossy(text);
    let holds = |what: &[&str]| what.iter().any(|what| shown.contains(what));
    if bash_takes_it {
        let is_deep = script.errors.iter().any(|error| error.message.starts_with("nested too deeply"));
        return match () {
            () if is_deep => Some(Difference::TooDeep),
            () if holds(&["`", "((", "<<", "${ ", "${|"]) => Some(Difference::NotLookedInto),
            () if holds(&["[[ ]]", "[[ ! ]]"]) => Some(Difference::EmptyTest),
            () if holds(&["\\\n"]) => Some(Difference::SplitKeyword),
            () => None,
        };
    }
    match () {
        () if holds(&["extglob", "@(", "!(", "?(", "*(", "+("]) => Some(Difference::Extglob),
        () if shown.contains('\r') => Some(Difference::CarriageReturn),
        () if holds(&["((", "$["]) => Some(Difference::Arithmetic),
        () if holds(&["<<", "`"]) => Some(Difference::NotLookedInto),
        () => None,
    }
}

/// Compares with bash; what differs without a reason.
fn judged(name: &str, text: &[u8]) -> Option<String> {
    let script = parse(text);
    let (bash_takes_it, said) = bash(text);
    let known = difference(text, &script, bash_takes_it);
    // Nothing real that bash takes is refused, but for what is too deep.
    let is_known = known.is_some_and(|known| !bash_takes_it || known == Difference::TooDeep);
    if script.errors.is_empty() == bash_takes_it || is_known {
        return None;
    }
    let ours = script.errors.first().map_or_else(|| "taken".to_owned(), |error| format!("{} at {:?}", error.message, error.span));
    Some(format!("{name}: bash: {}; here: {ours}", if bash_takes_it { "taken".to_owned() } else { said }))
}

/// The forms on which this parser and `bash -n` differ.
const DIFFERENT: &[(&str, Difference)] = &[
    ("echo `if`", Difference::NotLookedInto),
    ("echo $((if); echo)", Difference::NotLookedInto),
    ("cat <<E\n$(if)\nE", Difference::NotLookedInto),
    ("cat <<E\n$(\nE", Difference::NotLookedInto),
    ("echo $(( `a)` ))", Difference::NotLookedInto),
    ("for ((a)(b);;) do c; done", Difference::Arithmetic),
    ("echo $(( ${a:-)} ))", Difference::Arithmetic),
    ("echo $(( a[1)] ))", Difference::Arithmetic),
    ("[[ ]] ]]", Difference::EmptyTest),
    ("i\\\nf a; then b; fi", Difference::SplitKeyword),
    ("if a\r\nthen b\r\nfi\r\n", Difference::CarriageReturn),
];

#[test]
fn all_forms_are_taken_and_refused_as_bash_does() {
    let forms = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shell-forms.txt")).unwrap();
    let forms: Vec<&str> = forms.trim_end_matches('\n').split("\n%%\n").collect();
    assert!(forms.len() > 600);
    let differs = |form: &&&str| parse(format!("{form}\n").as_bytes()).errors.is_empty() != bash(format!("{form}\n").as_bytes()).0;
    let different: BTreeSet<&str> = forms.iter().filter(differs).copied().collect();
    let expected: BTreeSet<&str> = DIFFERENT.iter().map(|(form, _)| *form).collect();
    assert_eq!(different, expected);
}

/// Whether a file is a shell script.
fn is_script(path: &Path, bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(&first[..first.len().min(80)]);
    let has_shebang = first.starts_with("#!") && ["/sh", "/bash", " bash", " sh"].iter().any(|shell| first.trim_end().ends_with(shell));
    let is_named = path.extension().is_some_and(|extension| extension == "sh") && !first.starts_with("#!") && !bytes.contains(&0);
    has_shebang || is_named
}

/// The scripts below a folder: script files, and those that YAML files hold.
fn scripts_below(folder: &Path, scripts: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink())).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if scripts.len() >= MOST_SCRIPTS || scripts.iter().map(|(_, text)| text.len()).sum::<usize>() > MOST_BYTES {
            return;
        }
        if path.is_dir() {
            scripts_below(&path, scripts);
            continue;
        }
        if fs::metadata(&path).map_or(0, |metadata| metadata.len()) > 300_000 {
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let name = path.display().to_string();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            scripts.extend(embedded(&bytes).into_iter().map(|script| (name.clone(), script.into_bytes())));
        } else if is_script(&path, &bytes) {
            scripts.push((name, bytes));
        }
    }
}

/// The scripts in a YAML file.
fn embedded(bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let document = yaml::read(text);
    let entries: Vec<_> = document.nodes().flat_map(|(id, _)| document.entries(id).to_vec()).collect();
    let is_script = |key| document.script(text, key).is_some_and(|(key, _)| key == "script");
    entries
        .iter()
        .filter(|entry| is_script(entry.key))
        .filter_map(|entry| Some(document.script(text, entry.value)?.0.into_owned()))
        .collect()
}

/// All real scripts that are at hand.
#[allow(clippy::print_stderr)] // whoever runs the tests should know what was left out
fn real_scripts() -> Vec<(String, Vec<u8>)> {
    let mut scripts = Vec::new();
    scripts_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut scripts);
    assert!(!scripts.is_empty(), "the fixtures hold scripts");
    match std::env::var_os("SIDESTAGE_CORPUS") {
        Some(folder) => {
            let mut more = Vec::new();
            scripts_below(Path::new(&folder), &mut more);
            scripts.extend(more);
        }
        None => eprintln!("skipped: SIDESTAGE_CORPUS names no folder with real configurations"),
    }
    let mut system = Vec::new();
    for folder in ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share"] {
        let mut found = Vec::new();
        scripts_below(Path::new(folder), &mut found);
        found.truncate(MOST_SCRIPTS / 4);
        system.extend(found);
    }
    scripts.extend(system);
    scripts
}

#[test]
fn real_scripts_are_taken_and_refused_as_bash_does() {
    let faults: Vec<String> = real_scripts().iter().filter_map(|(name, text)| judged(name, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The names of the commands that stand as statements, with their places.
type Names = BTreeSet<(usize, String)>;

fn our_names(block: &[Statement], names: &mut Names) {
    for statement in block {
        our_name(statement, names);
    }
}

fn our_name(statement: &Statement, names: &mut Names) {
    let all = |blocks: &[&Block], names: &mut Names| blocks.iter().for_each(|block| our_names(block, names));
    match &statement.kind {
        StatementKind::Command(command) => {
            if let Some(name) = command.name().literal() {
                names.insert((command.name().span.start as usize, name.to_string()));
            }
        }
        StatementKind::Chain(chain) => {
            our_name(&chain.first, names);
            chain.rest.iter().for_each(|(_, member)| our_name(member, names));
        }
        StatementKind::Not(inner) | StatementKind::Time(inner) | StatementKind::Background(inner) => our_name(inner, names),
        StatementKind::Redirected(redirected) => our_name(&redirected.inner, names),
        StatementKind::Coproc(coproc) => our_name(&coproc.inner, names),
        StatementKind::Pipe(block) | StatementKind::Group(block) | StatementKind::Subshell(block) => our_names(block, names),
        StatementKind::If(branches) => {
            branches.arms.iter().for_each(|(condition, body)| all(&[condition, body], names));
            all(&branches.otherwise.iter().collect::<Vec<_>>(), names);
        }
        StatementKind::Loop(repeated) => {
            if let LoopHead::Condition { condition, .. } = &repeated.head {
                our_names(condition, names);
            }
            our_names(&repeated.body, names);
        }
        StatementKind::Case(case) => case.arms.iter().for_each(|arm| our_names(&arm.body, names)),
        StatementKind::Function(function) => our_names(&function.body, names),
        _ => {}
    }
}

fn their_names(sequence: &ast::StmtSeq, source: &str, names: &mut Names) {
    for stmt in &sequence.stmts {
        their_name(stmt, source, names);
    }
}

fn their_name(stmt: &ast::Stmt, source: &str, names: &mut Names) {
    match &stmt.command {
        ast::Command::Simple(simple) => {
            let raw = simple.name.span.slice(source);
            let is_plain = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
            if is_plain && raw != "test" {
                names.insert((simple.name.span.start.offset(), raw.to_owned()));
            }
        }
        ast::Command::Binary(binary) => {
            their_name(&binary.left, source, names);
            their_name(&binary.right, source, names);
        }
        ast::Command::Function(function) => their_name(&function.body, source, names),
        ast::Command::Compound(compound) => their_compound(compound, source, names),
        _ => {}
    }
}

fn their_compound(compound: &ast::CompoundCommand, source: &str, names: &mut Names) {
    let mut all = |sequences: &[&ast::StmtSeq]| sequences.iter().for_each(|sequence| their_names(sequence, source, names));
    match compound {
        ast::CompoundCommand::If(command) => {
            all(&[&command.condition, &command.then_branch]);
            command.elif_branches.iter().for_each(|(condition, body)| all(&[condition, body]));
            all(&command.else_branch.iter().collect::<Vec<_>>());
        }
        ast::CompoundCommand::For(command) => all(&[&command.body]),
        ast::CompoundCommand::Select(command) => all(&[&command.body]),
        ast::CompoundCommand::ArithmeticFor(command) => all(&[&command.body]),
        ast::CompoundCommand::While(command) => all(&[&command.condition, &command.body]),
        ast::CompoundCommand::Until(command) => all(&[&command.condition, &command.body]),
        ast::CompoundCommand::Case(command) => command.cases.iter().for_each(|item| all(&[&item.body])),
        ast::CompoundCommand::Subshell(body) | ast::CompoundCommand::BraceGroup(body) => all(&[body]),
        _ => {}
    }
}

#[test]
fn another_parser_finds_the_same_commands_at_the_same_bytes() {
    let mut compared = 0;
    for (name, text) in real_scripts() {
        let Ok(source) = String::from_utf8(text) else { continue };
        if !source.is_ascii() || source.contains('\r') {
            continue;
        }
        let script = parse(source.as_bytes());
        let parsed = std::panic::catch_unwind(|| shuck_parser::parser::Parser::new(&source).parse());
        let Ok(parsed) = parsed else { continue };
        if !script.errors.is_empty() || !parsed.diagnostics.is_empty() || parsed.terminal_error.is_some() {
            continue;
        }
        let (mut ours, mut theirs) = (Names::new(), Names::new());
        our_names(&script.body, &mut ours);
        their_names(&parsed.file.body, &source, &mut theirs);
        let missed: Vec<_> = theirs.difference(&ours).collect();
        assert!(missed.is_empty(), "{name}: {missed:?}");
        compared += theirs.len();
    }
    assert!(compared > 100, "only {compared} commands were compared");
}

/// A number generator that a seed repeats.
struct Random(fastrand::Rng);

impl Random {
    /// A piece of shell.
    fn piece(&mut self) -> &'static str {
        const PIECES: &[&str] = &[
            "if ",
            "then ",
            "else ",
            "elif ",
            "fi",
            "for i in ",
            "do ",
            "done",
            "while ",
            "until ",
            "case ",
            " in ",
            "esac",
            "{ ",
            "}",
            "(",
            ")",
            "((",
            "))",
            "[[ ",
            " ]]",
            "$(",
            "$((",
            "${",
            "${a:-",
            "`",
            "\"",
            "'",
            "$'",
            "\\",
            "\n",
            "; ",
            ";; ",
            "& ",
            "&& ",
            "|| ",
            "| ",
            "|& ",
            "<<E\n",
            "\nE\n",
            "<<<",
            "<(",
            "> ",
            "2>&1 ",
            "&>",
            "a ",
            "b",
            "=",
            "a=(",
            "[",
            "]",
            "{a,b}",
            "{1..3}",
            "*",
            "!",
            "# ",
            "$",
            "$x",
            "@(",
            "function ",
            "f() ",
            "time ",
            "coproc ",
            "select ",
            "export ",
            "local a=",
            "eval '",
            "bash -c '",
            "\t",
            "\r\n",
            "\0",
            "ä",
        ];
        PIECES[self.0.usize(..PIECES.len())]
    }

    fn script(&mut self) -> Vec<u8> {
        (0..self.0.usize(1..25)).flat_map(|_| self.piece().bytes()).collect()
    }

    /// A script with something taken out, doubled or put in.
    fn broken(&mut self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..self.0.usize(1..4) {
            let at = self.0.usize(..=text.len());
            let end = (at + self.0.usize(..6)).min(text.len());
            match self.0.u8(..4) {
                0 => drop(text.drain(at..end)),
                1 => {
                    let piece = self.piece().as_bytes();
                    text.splice(at..at, piece.iter().copied());
                }
                2 => {
                    let copy = text[at..end].to_vec();
                    text.splice(at..at, copy);
                }
                _ => text.truncate(at.max(1)),
            }
        }
        text
    }
}

fn checked(text: &[u8]) -> Script {
    let script = parse(text);
    for error in &script.errors {
        assert!(error.span.end as usize <= text.len(), "{error:?} is not in {:?}", String::from_utf8_lossy(text));
        assert!(!error.message.is_empty());
    }
    for statement in &script.body {
        assert!(statement.span.end as usize <= text.len(), "{:?} is not in {:?}", statement.span, String::from_utf8_lossy(text));
    }
    script
}

#[test]
fn broken_scripts_neither_panic_nor_leave_the_text() {
    let scripts = real_scripts();
    let mut random = Random(fastrand::Rng::with_seed(7));
    for round in 0..5_000 {
        let text = if round % 2 == 0 {
            random.script()
        } else {
            let (_, text) = &scripts[random.0.usize(..scripts.len())];
            let start = random.0.usize(..=text.len());
            let end = (start + 2_000).min(text.len());
            random.broken(&text[start..end])
        };
        checked(&text);
    }
}

/// A number that a variable gives.
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// What bash takes is never refused. `cargo xtask diff-bash SECONDS [SEED]` runs this for longer, and also shows what
/// is taken and bash refuses, which is no wrong error.
#[test]
#[allow(clippy::print_stdout)] // the seed repeats it
fn what_bash_takes_is_taken_also_where_it_was_broken() {
    let forms = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shell-forms.txt")).unwrap();
    let forms: Vec<&str> = forms.trim_end().split("\n%%\n").collect();
    let (seconds, seed) = (asked("SIDESTAGE_DIFF_SECONDS"), asked("SIDESTAGE_DIFF_SEED").unwrap_or(11));
    let start = Instant::now();
    let mut random = Random(fastrand::Rng::with_seed(seed));
    let (mut compared, mut faults) = (0, Vec::new());
    while seconds.map_or(compared < BROKEN, |seconds| start.elapsed().as_secs() < seconds) {
        let text = match compared % 3 {
            0 => random.script(),
            _ => {
                let form = forms[random.0.usize(..forms.len())];
                random.broken(form.as_bytes())
            }
        };
        compared += 1;
        // A NUL is none of bash's text.
        let text: Vec<u8> = text.into_iter().filter(|byte| *byte != 0).chain([b'\n']).collect();
        let script = checked(&text);
        if script.errors.is_empty() && seconds.is_none() {
            continue;
        }
        let (bash_takes_it, said) = bash(&text);
        if bash_takes_it != script.errors.is_empty() && difference(&text, &script, bash_takes_it).is_none() {
            let reason = script.errors.first().map_or(said, |error| error.message.clone());
            faults.push(format!("{:?}: {reason}", String::from_utf8_lossy(&text)));
        }
    }
    println!("seed {seed}: {compared} scripts compared, {} differ", faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
