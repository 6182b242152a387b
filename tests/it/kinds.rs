//! Kinds of script and configuration that are easily misread, a file a kind in `tests/kinds/`, each with several members
//! and near misses. `tests/kinds/README.md` describes the files; `SIDESTAGE_MEMBER=TEXT` runs only members whose title has it.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use crate::harness::repository::{Ran, Sidestage, enlarge, project};

macro_rules! kinds {
    ($($name:ident)*) => {
        $(#[test] fn $name() { holds(&stringify!($name).replace('_', "-")); })*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

kinds! {
    k01_words_with_commands
    k02_backquotes
    k03_wrappers
    k04_xargs_and_find
    k05_shell_on_standard_input
    k06_command_from_a_variable
    k07_eval
    k08_functions_named_like_commands
    k09_stale_constants
    k10_assignment_before_a_call
    k11_shift
    k12_splitting_by_ifs
    k13_patterns
    k14_case_fall_through
    k15_traps
    k16_export_on_another_path
    k17_after_a_yaml_error
    k18_options_of_the_interpreter
    k19_command_v
    k20_exec_with_a_descriptor
    k21_tests_for_files
    k22_loops_that_run
    k23_ignores_over_several_lines
    k24_fixes_above_comments
    k25_scripts_that_are_not_utf_8
    k26_plan_and_check
    k27_cost
    k28_another_configuration
    k29_files_that_are_given
    k30_secrets_on_their_way
    k31_places_of_yaml_errors
    k32_bash_that_parses
    k33_scripts_that_are_changed
    k34_baselines
    k35_optional_scripts
    k36_scripts_made_by_programs
    k37_files_of_the_workspace
    k38_single_faults
    k39_how_code_ended
    k40_how_much_is_proven
}

/// `must-not: wrong`: what is never true of a configuration that works.
const WRONG: &[&str] =
    &["unexported-variable", "late-export", "conditional-export", "missing-stage", "unreachable-stage", "missing-script"];

/// The stages of a member that has no configuration of its own, unless it gives their scripts.
const STAGES: &[(&str, &str)] =
    &[("deploy", "set_env app-url x\n"), ("dynamic-scan", "trigger-task owasp-zap\n"), ("owasp-zap", "get_env app-url\n")];

const CONFIG: &str = ".pipeline-config.yaml";

#[derive(Default)]
struct Member {
    title: String,
    headers: Vec<(String, String)>,
    /// What follows `-- `, and the text under it.
    sections: Vec<(String, String)>,
}

#[test]
fn every_file_is_in_the_list() {
    let mut named: Vec<String> = NAMES.iter().map(|name| format!("{}.txt", name.replace('_', "-"))).collect();
    named.sort();
    let entries = fs::read_dir(project().join("tests/kinds")).unwrap();
    let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|file| file != "README.md");
    files.sort();
    assert_eq!(files, named, "the list above names each file of tests/kinds/");
}

/// Checks all members of a kind, and shows all that fail.
fn holds(kind: &str) {
    let text = fs::read_to_string(project().join(format!("tests/kinds/{kind}.txt"))).unwrap();
    let wanted = std::env::var("SIDESTAGE_MEMBER").unwrap_or_default();
    let all = members(&text);
    let titles: BTreeSet<&str> = all.iter().map(|member| member.title.as_str()).collect();
    assert_eq!(titles.len(), all.len(), "{kind}.txt has two members of one title");
    let chosen: Vec<&Member> = all.iter().filter(|member| member.title.contains(&wanted)).collect();
    let faults: Vec<String> = chosen.iter().filter_map(|member| fault(member)).collect();
    assert!(faults.is_empty(), "{kind}.txt: {} of {} members fail\n{}", faults.len(), chosen.len(), faults.join("\n"));
}

fn members(text: &str) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            members.push(Member { title: title.to_owned(), ..Member::default() });
        } else if let Some(member) = members.last_mut() {
            if let Some(name) = line.strip_prefix("-- ") {
                member.sections.push((name.to_owned(), String::new()));
            } else if let Some((_, text)) = member.sections.last_mut() {
                text.push_str(&repeated(line));
            } else if let Some((key, value)) = line.split_once(": ") {
                member.add_header(key, value);
            } else {
                assert!(line.is_empty(), "{}: a header is `key: value`: {line}", member.title);
            }
        }
    }
    for (_, text) in members.iter_mut().flat_map(|member| &mut member.sections) {
        text.truncate(text.trim_end_matches('\n').len());
        text.push('\n');
    }
    members
}

/// `%repeat N TEXT` is N lines, `%inline N TEXT` one; `#n#` in TEXT is the number, from 1, and `#m#` the next one.
fn repeated(line: &str) -> String {
    let (rest, end) = match (line.strip_prefix("%repeat "), line.strip_prefix("%inline ")) {
        (Some(rest), _) => (rest, "\n"),
        (_, Some(rest)) => (rest, ""),
        _ => return format!("{line}\n"),
    };
    let (count, text) = rest.split_once(' ').expect("a number and a text");
    let count: usize = count.parse().expect("a number");
    let one = |number: usize| text.replace("#n#", &number.to_string()).replace("#m#", &(number + 1).to_string()) + end;
    (1..=count).map(one).collect()
}

impl Member {
    fn add_header(&mut self, key: &str, value: &str) {
        let expected: &[(&str, &str)] = match (key, value) {
            ("is", "clean") => &[("exit", "0"), ("must-not", "wrong")],
            ("is", "unexported") => &[("exit", "1"), ("must", "unexported-variable")],
            _ => &[(key, value)],
        };
        self.headers.extend(expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    fn one<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    fn section(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|(own, _)| own == name).map(|(_, text)| text.as_str())
    }

    /// The configuration around the scripts of stages.
    fn config(&self) -> String {
        let mut config = "version: '1'\n".to_owned();
        let own = |(name, _): &&(&str, &str)| self.section(&format!("stage {name}")).is_none();
        let given = self.sections.iter().filter_map(|(name, text)| Some((name.strip_prefix("stage ")?, text.as_str())));
        for (name, script) in STAGES.iter().filter(own).copied().chain(given) {
            config += &format!("{name}:\n  script: |\n");
            if !script.starts_with("#!") {
                config += "    #!/usr/bin/env bash\n";
            }
            for line in script.lines() {
                config += &if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
            }
        }
        config
    }

    /// Writes the repository.
    fn write(&self, folder: &Path) {
        assert!(Command::new("git").arg("init").arg("--quiet").current_dir(folder).status().unwrap().success());
        if self.section(CONFIG).is_none() && self.one("config") != Some("none") {
            fs::write(folder.join(CONFIG), self.config()).unwrap();
        }
        for (name, text) in self.sections.iter().filter(|(name, _)| !name.starts_with("stage ") && name != "standard input") {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let is_latin = self.all("latin-1").any(|file| file == name);
            let bytes = if is_latin { text.chars().map(|letter| letter as u8).collect() } else { text.clone().into_bytes() };
            fs::write(&path, bytes).unwrap();
            make_executable(&path, text);
        }
    }

    fn run(&self, folder: &Path) -> Ran {
        let words = |command: &str| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let run = |at: &Path, command: &str| {
            let words = words(command);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            Sidestage::new(at).stdin(self.section("standard input").unwrap_or_default()).run(&words)
        };
        for command in self.all("before") {
            run(folder, command);
        }
        for file in self.all("bom") {
            let text = fs::read(folder.join(file)).unwrap();
            fs::write(folder.join(file), [b"\xEF\xBB\xBF".as_slice(), &text].concat()).unwrap();
        }
        run(&folder.join(self.one("folder").unwrap_or(".")), self.one("command").unwrap_or("check --format concise"))
    }

    /// What is not as the headers say.
    fn faults(&self, ran: &Ran, folder: &Path) -> Vec<String> {
        let output = format!("{}{}", ran.stdout, ran.stderr);
        let rules = rules(&output);
        let mut faults = Vec::new();
        for (key, value) in &self.headers {
            let named: Vec<&str> = if value == "wrong" { WRONG.to_vec() } else { value.split('|').collect() };
            let is_reported = named.iter().any(|rule| rules.contains(rule));
            let is_right = match key.as_str() {
                "exit" => ran.code.is_some_and(|code| code.to_string() == *value),
                "exit-not" => ran.code.is_some_and(|code| code.to_string() != *value),
                "must" => is_reported,
                "must-not" => !is_reported,
                "must-text" => output.contains(value.as_str()),
                "must-not-text" => !output.contains(value.as_str()),
                "then" => {
                    let file = self.one("file").expect("`file` is named");
                    let text = fs::read_to_string(folder.join(file)).unwrap();
                    let first = text.find(self.one("first").expect("`first` is named"));
                    first.is_some_and(|first| text.find(value.as_str()).is_some_and(|then| first < then))
                }
                "first" | "file" | "folder" | "command" | "before" | "bom" | "latin-1" | "config" | "why" | "bash" => true,
                _ => panic!("{}: unknown header `{key}`", self.title),
            };
            if !is_right {
                faults.push(format!("{key}: {value}"));
            }
        }
        if self.one("then").is_some() && !faults.is_empty() {
            faults.push(format!("the file is now:\n{}", fs::read_to_string(folder.join(self.one("file").unwrap())).unwrap()));
        }
        faults
    }
}

/// The words in brackets: `error[missing-stage]`.
fn rules(output: &str) -> BTreeSet<&str> {
    let inner = output.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    inner.map(|(rule, _)| rule).filter(|rule| rule.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')).collect()
}

#[cfg(unix)]
fn make_executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    if text.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(not(unix))]
fn make_executable(_path: &Path, _text: &str) {}

/// What is wrong with a member, with the output; a run that hangs is wrong too.
fn fault(member: &Member) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    member.write(folder.path());
    let Ok(ran) = catch_unwind(AssertUnwindSafe(|| member.run(folder.path()))) else {
        return Some(format!("== {}\n  hangs, or its output is not UTF-8", member.title));
    };
    let faults = member.faults(&ran, folder.path());
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let report = || format!("== {}\n  not so: {}\n{}", member.title, faults.join("\n  not so: "), indented(&ran.transcript()));
    (!faults.is_empty()).then(report)
}

/// What is found does not depend on the size of the configuration: stages of a large one are interpreted on all cores.
#[test]
fn all_members_hold_in_a_large_configuration() {
    let mut faults = Vec::new();
    for name in NAMES {
        let kind = name.replace('_', "-");
        let text = fs::read_to_string(project().join(format!("tests/kinds/{kind}.txt"))).unwrap();
        for member in members(&text).iter().filter(|member| member.one("config").is_none()) {
            let folder = tempfile::tempdir().unwrap();
            member.write(folder.path());
            let check = || Sidestage::new(folder.path()).run(&["check", "--format", "json"]);
            let small = check();
            enlarge(&folder.path().join(CONFIG));
            let large = check();
            if small != large {
                faults.push(format!("{kind}: {}\n{}{}", member.title, small.transcript(), large.transcript()));
            }
        }
    }
    assert!(faults.is_empty(), "{} members differ\n{}", faults.len(), faults.join("\n"));
}

/// Lines that cannot export anything of the repository's, whatever they do: what was reported stays.
const HARMLESS: &[&str] = &[
    // To hold the insertion itself against.
    "true",
    "source /root/.nvm/nvm.sh",
    ". \"$NVM_DIR/nvm.sh\"",
    ". /etc/os-release",
    "source ~/.bashrc",
    ". .venv/bin/activate",
    ". ~/.cargo/env",
    "source <(kubectl completion bash)",
    "eval \"$(ssh-agent -s)\"",
    "timeout 30 bash -c 'until true; do :; done'",
    "sudo sh -c \"echo a\"",
    "bash -exc 'echo hi'",
    "OK=false; if $OK; then echo ok; fi",
    "C=\"docker push x\"; $C",
    "source lib-false.sh",
    // And more of each sort, as public scripts have them.
    "source \"$HOME/.sdkman/bin/sdkman-init.sh\"",
    "eval \"$(direnv hook bash)\"",
    "source /opt/venv/bin/activate",
    ". ~/.profile",
    "source <(helm completion bash)",
    "source /etc/profile.d/x.sh",
    "[ -s \"$NVM_DIR/nvm.sh\" ] && \\. \"$NVM_DIR/nvm.sh\"",
    "eval \"$(pyenv init -)\"",
    ". \"${HOME}/.asdf/asdf.sh\"",
    "eval \"$(ssh-agent)\" >/dev/null",
    "source venv/bin/activate",
    "timeout -k 5 60 sh -c 'curl --silent https://example.com/health'",
    "sudo -E bash -c 'apt-get update'",
    "READY=true; while ! $READY; do sleep 1; done",
    "DOCKER='docker --config /tmp/d'; $DOCKER login",
];

/// Lines that run what is not in the repository yet: at the least, the line is named.
const UNKNOWN: &[&str] = &["(git clone https://git.example.com/charts.git charts-src && cd charts-src && bash ci/build.sh)"];

/// With one harmless line in each script of the stages, each finding of `unexported-variable` stays.
#[test]
fn harmless_lines_silence_nothing() {
    let mut faults = Vec::new();
    for fixture in fs::read_dir(project().join("fixtures")).unwrap().map(|entry| entry.unwrap().path()) {
        let before = unexported(&fixture, None);
        let name = fixture.file_name().unwrap().to_string_lossy();
        for line in HARMLESS.iter().filter(|_| !before.is_empty()) {
            let after = unexported(&fixture, Some(line));
            faults.extend(before.difference(&after).map(|lost| format!("{name}, with `{line}`: {lost}")));
        }
        for line in UNKNOWN.iter().filter(|_| !before.is_empty()) {
            let after = unexported(&fixture, Some(line));
            if after.is_empty() {
                faults.push(format!("{name}, with `{line}`: neither a finding nor `unproven-export`"));
            }
        }
    }
    assert!(faults.is_empty(), "{} findings are lost\n{}", faults.len(), faults.join("\n"));
}

/// The titles of `unexported-variable` (or `unproven-export`) in a copy of a fixture whose stages begin with this line.
fn unexported(fixture: &Path, line: Option<&str>) -> BTreeSet<String> {
    let folder = crate::harness::repository::copied(fixture);
    if let Some(line) = line {
        fs::write(folder.path().join("lib-false.sh"), "#!/bin/false\nlog() { echo \"$*\"; }\n").unwrap();
        insert(folder.path(), line);
    }
    let ran = Sidestage::new(folder.path()).run(&["check", ".", "--format", "concise"]);
    let is_meant = |line: &&str| line.contains("[unexported-variable] ") || line.contains("[unproven-export] ");
    let title = |line: &str| line.split_once("] ").map(|(_, title)| title.split(": ").next().unwrap().to_owned());
    ran.stdout.lines().filter(is_meant).filter_map(title).collect()
}

/// Writes the line into the configurations of a folder, at the beginning of each block script.
fn insert(folder: &Path, line: &str) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            insert(&path, line);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, with_line(&text, line)).unwrap();
        }
    }
}

/// A configuration whose literal block scripts begin with the line, below a shebang, as deep as they are.
fn with_line(text: &str, line: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(own) = lines.next() {
        out += &format!("{own}{end}");
        let is_block = own.trim_end().ends_with('|') && (own.contains("script:") || own.contains(": &"));
        let Some(first) = lines.peek().filter(|_| is_block) else { continue };
        let depth = " ".repeat(first.len() - first.trim_start().len());
        if first.trim_start().starts_with("#!") {
            out += &format!("{first}{end}");
            lines.next();
        }
        out += &format!("{depth}{line}{end}");
    }
    out
}
