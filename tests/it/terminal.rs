//! What people see on a terminal: real ones, of several widths. And the flags of the field.

use std::fs;
use std::path::Path;
use std::process::Command;

use unicode_width::UnicodeWidthStr;

use crate::harness::repository::{Repository, Sidestage, project};

/// Runs a program on a terminal of its own: columns, then the command.
const ON_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    # The size is set before the program looks at it.
    sys.stdin.readline()
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 50, int(sys.argv[1]), 0, 0))
attributes = termios.tcgetattr(terminal)
attributes[3] &= ~termios.ECHO
termios.tcsetattr(terminal, termios.TCSANOW, attributes)
os.write(terminal, b'\\n')
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    sys.stdout.buffer.write(piece.replace(b'\\r\\n', b'\\n'))
";

/// What the program writes on a terminal of this width.
fn on_terminal(columns: u16, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", ON_TERMINAL, &columns.to_string(), env!("CARGO_BIN_EXE_sidestage")]).args(arguments).current_dir(folder);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm-256color").envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn frames_are_cut_and_text_is_wrapped_at_the_width_of_the_terminal() {
    for columns in [60, 80, 120] {
        for fixture in ["zap-unexported", "contract-v1", "unknown-keys", "export-too-late"] {
            let folder = project().join("fixtures").join(fixture);
            let text = plain(&on_terminal(columns, &folder, &["check", ".", "--color", "always"], &[]));
            assert!(text.contains("error[") || text.contains("warning["), "{text}");
            let long: Vec<&str> = text.lines().filter(|line| line.width() > columns.into()).collect();
            assert!(long.is_empty(), "{fixture} at {columns}: {long:#?}");
            // No font lacks a letter of a frame.
            assert!(text.is_ascii(), "{text}");
        }
        for arguments in
            [&["explain", "unexported-variable"][..], &["rules"], &["check", "nothing-of-this-name-is-here-at-all-so-that-it-is-long"]]
        {
            let text = plain(&on_terminal(columns, &project(), arguments, &[]));
            let is_prose = |line: &&str| !line.starts_with("    ");
            let long: Vec<&str> = text.lines().filter(is_prose).filter(|line| line.width() > columns.into()).collect();
            assert!(long.is_empty(), "{arguments:?} at {columns}: {long:#?}");
        }
        let help = on_terminal(columns, &project(), &["check", "--help"], &[]);
        assert!(
            plain(&help).lines().filter(|line| line.starts_with(' ') && !line.contains("  sidestage")).all(|line| line.width() <= 122),
            "{help}"
        );
    }
}

#[test]
fn rules_are_links_on_a_terminal_and_only_there() {
    let folder = project().join("fixtures/zap-unexported");
    let link = "\u{1b}]8;;https://sidestage.dev/rules/unexported-variable";
    assert!(on_terminal(80, &folder, &["check"], &[]).contains(link));
    for variables in [&[("TERM", "dumb")][..], &[("NO_COLOR", "1")]] {
        assert!(!on_terminal(80, &folder, &["check"], variables).contains("]8;;"), "{variables:?}");
    }
    let piped = Sidestage::new(&folder).env("FORCE_COLOR", "1").run(&["check"]).stdout;
    assert!(piped.contains("\u{1b}[") && !piped.contains("]8;;"), "logs have colours, but no links: {piped}");
}

#[test]
fn without_graphics_findings_are_sentences_with_one_place_each() {
    let folder = project().join("fixtures/export-too-late");
    let told = Sidestage::new(&folder).env("NO_GRAPHICS", "1").run(&["check"]).stdout;
    assert_eq!(told, Sidestage::new(&folder).run(&["check", "--format", "narrated"]).stdout);
    assert!(told.contains("label at line 12, columns 16 to 22: too late, the async run does not get it"), "{told}");
    assert!(told.contains("set here") && told.contains("read here") && !told.contains("columns 28 to 27"), "{told}");
    assert!(Sidestage::new(&folder).env("NO_GRAPHICS", "").run(&["check"]).stdout.contains("  --> "));
}

#[test]
fn help_names_every_command_in_a_group_and_has_examples() {
    let repository = Repository::new();
    let help = repository.run(&["--help"]).stdout;
    for words in ["\nCheck:\n", "\nSee:\n", "\nBuild:\n", "\nRun:\n", "\nSet up:\n", "\nExamples:\n", "\nExit codes: "] {
        assert!(help.contains(words), "{words:?}: {help}");
    }
    let check = repository.run(&["check", "--help"]).stdout;
    for heading in ["Input:", "Output:", "Fixes:", "Baseline:", "Rules and settings:", "General:", "Examples:"] {
        assert!(check.contains(&format!("\n{heading}\n")), "{heading}: {check}");
    }
    for command in ["check", "build", "apply", "trigger", "async-runs", "serve", "plan", "graph", "rules", "init", "completions", "man"] {
        assert!(repository.run(&[command, "--help"]).stdout.contains("Examples:\n"), "{command}");
    }
}

#[test]
fn who_names_a_file_and_no_command_is_told_which_one() {
    let repository = Repository::with_config("version: '1'\n");
    let ran = repository.run(&[".pipeline-config.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("sidestage check .pipeline-config.yaml"), "{}", ran.stderr);
    assert!(!repository.run(&["no-such-command"]).stderr.contains("sidestage check no-such"));
}

#[test]
fn completions_are_written_for_five_shells_and_bash_takes_its_own() {
    let repository = Repository::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = repository.run(&["completions", shell]);
        assert!(ran.code == Some(0) && ran.stdout.contains("write-baseline"), "{shell}: {}", ran.transcript());
    }
    let script = repository.run(&["completions", "bash"]).stdout;
    let ask = "COMP_WORDS=(sidestage check --writ) COMP_CWORD=2; _sidestage sidestage --writ check; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", &format!("{script}\n{ask}")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--write-baseline\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn there_is_a_manual_page_of_each_command() {
    let repository = Repository::new();
    assert!(repository.run(&["man"]).stdout.starts_with(".ie \\n(.g .ds Aq"));
    assert_eq!(repository.run(&["man", "--out", "man1"]).code, Some(0));
    let page = fs::read_to_string(repository.path().join("man1/sidestage-check.1")).unwrap();
    assert!(page.contains(".TH sidestage\\-check 1") || page.contains(".TH sidestage-check 1"), "{page}");
    assert!(page.contains("write\\-baseline"), "{page}");
    assert!(repository.path().join("man1/sidestage.1").exists() && !repository.path().join("man1/sidestage-help.1").exists());
}

const TWO_FAULTS: &str = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  retries: 3\n  script: |\n    set_env a x\n    trigger-task scan\n    trigger-task gone\nscan:\n  image: icr.io/example/base:1\n  script: get_env a\n";

#[test]
fn what_is_said_beside_findings_can_be_less_or_more() {
    let repository = Repository::with_config(TWO_FAULTS);
    let usual = repository.run(&["check"]);
    assert!(usual.stdout.contains("\nFound 2 errors, 1 warning in ") && usual.stdout.contains(" fixed with "), "{}", usual.stdout);
    let quiet = repository.run(&["check", "-q"]);
    assert!(quiet.stdout.contains("error[missing-stage]") && !quiet.stdout.contains("Found ") && quiet.stderr.is_empty(), "{quiet:?}");
    let verbose = repository.run(&["check", "-v"]);
    assert_eq!(verbose.stdout, usual.stdout);
    assert_eq!(verbose.stderr, "note: .pipeline-config.yaml (v1; pr, ci, cd): 2 scripts, no settings\n".replace("pr, ci, cd", "ci, cd"));
    assert_eq!(repository.run(&["check", "-q", "-v"]).code, Some(2));
    // Lines of findings on one stream, what is counted on the other.
    let output = Command::new(env!("CARGO_BIN_EXE_sidestage"))
        .args(["check", "--format", "concise"])
        .current_dir(repository.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3);
    let counted = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(counted.starts_with("Found 2 errors, 1 warning in 1 configuration and 2 scripts.\n2 triggers, "), "{counted}");
}

#[test]
fn exit_zero_statistics_files_and_settings() {
    let repository = Repository::with_config(TWO_FAULTS)
        .file(".sidestage.yml", "rules:\n  unknown-key: info\nproperties: [region]\nout: deploy/async\n");
    assert_eq!(repository.run(&["check"]).code, Some(1));
    assert_eq!(repository.run(&["check", "--exit-zero"]).code, Some(0));
    assert_eq!(repository.run(&["check", "--exit-zero", "gone.yaml"]).code, Some(2), "what cannot be read is another matter");
    let statistics = repository.run(&["check", "--statistics"]);
    assert_eq!(statistics.stdout, "1  info     unknown-key\n1  error    missing-stage\n1  error    unexported-variable  (1 fixable)\n");
    assert_eq!(repository.run(&["check", "--statistics", "--format", "json"]).json()[2]["fixable"], 1);
    assert_eq!(repository.run(&["check", "--statistics", "--format", "sarif"]).code, Some(2));
    assert_eq!(repository.run(&["check", "gone.yaml"]).stdout, "", "nothing was read, so nothing was found sound");
    assert_eq!(repository.run(&["check", "--show-files"]).stdout, ".pipeline-config.yaml\n");
    let settings = repository.run(&["check", "--show-settings"]);
    assert_eq!(
        settings.stdout,
        "# .pipeline-config.yaml: settings from .sidestage.yml\nrules:\n  unknown-key: info\nproperties: [\"region\"]\nout: \"deploy/async\"\n\n"
    );
}

#[test]
fn rules_are_lists_the_last_word_counts_and_the_environment_comes_first() {
    let repository = Repository::with_config(TWO_FAULTS);
    let rules = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Sidestage::new(repository.path());
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let found = command.run(&[&["check", "--format", "json"], arguments].concat()).json();
        let told = |finding: &serde_json::Value| format!("{} {}", finding["severity"].as_str().unwrap(), finding["rule"].as_str().unwrap());
        found["findings"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let all = ["warning unknown-key", "error missing-stage", "error unexported-variable"];
    assert_eq!(rules(&[], &[]), all);
    assert_eq!(rules(&["--allow", "missing-stage,unexported-variable"], &[]), all[..1]);
    assert_eq!(rules(&["--allow", "missing-stage", "--deny", "missing-stage"], &[]), all);
    assert_eq!(rules(&["--deny", "missing-stage", "--allow", "missing-stage"], &[]), [all[0], all[2]]);
    assert_eq!(rules(&[], &[("SIDESTAGE_ALLOW", "missing-stage,unknown-key")]), all[2..]);
    assert_eq!(rules(&["--warn", "missing-stage"], &[("SIDESTAGE_ALLOW", "missing-stage")]), [all[0], "warning missing-stage", all[2]]);
    let by_variable = Sidestage::new(repository.path()).env("SIDESTAGE_FORMAT", "json").run(&["check"]);
    assert_eq!(by_variable.json()["summary"]["errors"], 2);
    assert_eq!(repository.run(&["check", "--pipeline", "ci,cd"]).code, Some(1));
}

#[test]
fn init_writes_settings_that_are_sound_and_change_nothing_that_is_there() {
    let config = "version: '1'\ndeploy:\n  script: trigger-task scan\nscan:\n  script: get_env my-own-key\n";
    let repository = Repository::with_config(config)
        .file("deploy/async/.sidestage-files", "")
        .file("app/x", "")
        .file(".git/config", "[remote \"origin\"]\n\turl = git@git.example.com:a/b.git\n");
    let shown = repository.run(&["init", "--stdout"]);
    assert!(!repository.path().join(".sidestage.yaml").exists());
    let ran = repository.run(&["init"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "Wrote .sidestage.yaml.\n"), "{}", ran.transcript());
    let text = fs::read_to_string(repository.path().join(".sidestage.yaml")).unwrap();
    assert_eq!(text, shown.stdout);
    for words in [
        "# Found: .pipeline-config.yaml (v1; ci, cd): 2 scripts\n",
        "\nout: deploy/async\n",
        "#   - my-own-key\n",
        "# git-hosts: [git.example.com]\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // With every key in use it is sound too.
    let whole = text.replace("\n# ", "\n").replace("\n#   ", "\n  ");
    let is_setting = |line: &&str| {
        line.starts_with("  ")
            || line.split_once(':').is_some_and(|(key, _)| key.chars().all(|letter| letter.is_lowercase() || letter == '-'))
    };
    let whole: String = whole.lines().filter(is_setting).map(|line| format!("{line}\n")).collect();
    for text in [&text, &whole] {
        fs::write(repository.path().join(".sidestage.yaml"), text).unwrap();
        let checked = repository.run(&["check", ".sidestage.yaml", "--format", "json"]);
        assert_eq!(checked.json()["summary"]["errors"], 0, "{text}\n{}", checked.stdout);
        assert_eq!(checked.json()["summary"]["warnings"], 0, "{text}\n{}", checked.stdout);
    }
    let again = repository.run(&["init"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("`.sidestage.yaml` is there already; nothing was changed"), "{}", again.stderr);
}

#[test]
#[cfg(all(feature = "http", target_os = "linux"))]
fn a_run_tells_its_stages_while_they_run_and_fits_the_terminal() {
    let config = "version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n    echo 'a line that is much longer than any terminal of sixty columns could ever be'; sleep 0.5\n\
                  deploy:\n  image: x\nfinish:\n  abort_on_failure: false\n  script: |\n    #!/usr/bin/env bash\n    echo 'why it failed, in more words than a narrow terminal takes in one line'; exit 3\n";
    let repository = Repository::with_config(config);
    let state = tempfile::tempdir().unwrap();
    let variables = [("SIDESTAGE_STATE", state.path().to_str().unwrap())];
    for columns in [60, 120] {
        let text = on_terminal(columns, repository.path(), &["run", "--yes", "--pipeline", "ci"], &variables);
        // While it runs, its line says what it printed last; then it is one line, and stays.
        assert!(text.contains("a line that is much"), "{text}");
        let whole = plain(&text);
        assert!(whole.contains("ok setup: succeeded in ") && whole.contains("-- finish: failed with 3 in "), "{whole}");
        let summary = whole.split("pipeline ci succeeded in ").nth(1).unwrap();
        assert!(summary.contains("the platform's own script") && summary.contains("      | why it failed"), "{summary}");
        let long: Vec<&str> = summary.lines().filter(|line| line.width() > columns.into()).collect();
        assert!(long.is_empty(), "at {columns}: {long:#?}");
        let runs = plain(&on_terminal(columns, repository.path(), &["runs"], &variables));
        assert!(runs.lines().all(|line| line.width() <= columns.into()), "{runs}");
    }
}
