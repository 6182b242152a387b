//! What the commands of a script are: built-ins, programs that run a command that they are given, shells, filters.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use Kind::{Bringer, Builder, Builtin, Copier, Downloader, Filter, Interpreter, Maker, Plain, Shell, Wrapper};

/// What a program does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is part of the shell: no other program can run it.
    Builtin,
    /// It runs a command that stands behind its own arguments.
    Wrapper(Own),
    /// It runs shell text or a script.
    Shell,
    /// It runs code of another language.
    Interpreter {
        /// Options that give the code itself.
        code: &'static [&'static str],
    },
    /// It runs what a file of the project says; the file's usual names.
    Builder(&'static [&'static str]),
    /// It brings files into the workspace, of any name.
    Bringer,
    /// It brings files whose names its arguments tell.
    Downloader,
    /// It makes files whose names are its arguments.
    Maker,
    /// The last of its arguments is a file that it makes.
    Copier,
    /// It prints what it reads, in another form.
    Filter,
    /// Nothing that matters to the store.
    Plain,
}

/// The arguments that a wrapper keeps for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// Options whose next word is their value: single letters, and long names with their dashes.
    pub with_value: &'static [&'static str],
    /// How many words stand before the command.
    pub words: usize,
    /// Whether `NAME=value` may stand before it.
    pub assigns: bool,
}

/// A program, and what is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its name, without a folder.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Whether a script goes on as if it had not failed: its success is not what a script asks for.
    pub succeeds: bool,
    /// Whether it prints nothing.
    pub is_silent: bool,
}

const fn program(name: &'static str, kind: Kind) -> Program {
    Program { name, kind, succeeds: false, is_silent: false }
}

const fn quiet(name: &'static str, kind: Kind) -> Program {
    Program { name, kind, succeeds: true, is_silent: true }
}

const fn sure(name: &'static str, kind: Kind) -> Program {
    Program { name, kind, succeeds: true, is_silent: false }
}

const fn own(with_value: &'static [&'static str], words: usize) -> Kind {
    Wrapper(Own { with_value, words, assigns: false })
}

/// The program of a name, without its folder.
pub fn program_named(name: &str) -> Option<&'static Program> {
    static BY_NAME: LazyLock<FxHashMap<&str, &Program>> =
        LazyLock::new(|| PROGRAMS.iter().map(|program| (program.name, program)).collect());
    BY_NAME.get(name).copied()
}

/// Whether a name is one of a built-in.
pub fn is_builtin(name: &str) -> bool {
    match program_named(name) {
        Some(program) => program.kind == Builtin,
        None => is_other_builtin(name),
    }
}

/// Built-ins of which nothing more is to be known, and those that are programs too.
fn is_other_builtin(name: &str) -> bool {
    matches!(
        name,
        "[" | "alias"
            | "bind"
            | "caller"
            | "compgen"
            | "complete"
            | "declare"
            | "dirs"
            | "disown"
            | "enable"
            | "fc"
            | "fg"
            | "history"
            | "jobs"
            | "kill"
            | "local"
            | "readonly"
            | "return"
            | "suspend"
            | "times"
            | "typeset"
            | "ulimit"
    )
}

const MAKEFILES: &[&str] = &["Makefile", "makefile", "GNUmakefile"];
const PACKAGE: &[&str] = &["package.json"];
const NO_CODE: &[&str] = &[];

/// Sorted by name, each once.
static PROGRAMS: &[Program] = &[
    quiet(".", Builtin),
    quiet(":", Builtin),
    program("ansible-playbook", Builder(&[])),
    program("ant", Builder(&["build.xml"])),
    program("awk", Filter),
    program("base64", Filter),
    program("basename", Plain),
    program("bash", Shell),
    program("bg", Builtin),
    quiet("break", Builtin),
    program("builtin", Builtin),
    program("bunzip2", Bringer),
    program("bzip2", Bringer),
    program("cargo", Builder(&[])),
    program("cat", Filter),
    quiet("cd", Builtin),
    quiet("chmod", Plain),
    program("chroot", own(&["--groups", "--userspec"], 1)),
    program("chrt", own(&["-T", "-P", "-D"], 1)),
    program("cmake", Builder(&["CMakeLists.txt"])),
    program("command", Builtin),
    quiet("continue", Builtin),
    quiet("cp", Copier),
    program("cpio", Bringer),
    program("curl", Downloader),
    program("cut", Filter),
    program("dash", Shell),
    program("dirname", Plain),
    program("doas", own(&["u", "C"], 0)),
    program("docker", Plain),
    program("dos2unix", Plain),
    sure("echo", Builtin),
    program("egrep", Filter),
    program("env", Wrapper(Own { with_value: &["u", "C", "S", "--unset", "--chdir", "--split-string"], words: 0, assigns: true })),
    program("envsubst", Filter),
    program("eval", Builtin),
    program("exec", Builtin),
    quiet("exit", Builtin),
    program("expand", Filter),
    quiet("export", Builtin),
    quiet("false", Builtin),
    program("fgrep", Filter),
    program("find", Plain),
    program("flock", own(&["w", "E", "c", "--wait", "--timeout", "--conflict-exit-code"], 1)),
    program("fmt", Filter),
    program("fold", Filter),
    program("gawk", Filter),
    program("getopts", Builtin),
    program("gh", Bringer),
    sure("git", Bringer),
    program("go", Builder(&[])),
    program("gradle", Builder(&["build.gradle"])),
    program("gradlew", Builder(&["build.gradle"])),
    program("grep", Filter),
    program("gsed", Filter),
    program("gunzip", Bringer),
    program("gzip", Bringer),
    program("hash", Builtin),
    program("head", Filter),
    program("helm", Plain),
    program("ibmcloud", Bringer),
    program("iconv", Filter),
    program("install", Copier),
    program("ionice", own(&["c", "n", "--class", "--classdata"], 0)),
    program("java", Interpreter { code: NO_CODE }),
    program("jq", Filter),
    program("just", Builder(&["justfile", "Justfile"])),
    program("ksh", Shell),
    quiet("let", Builtin),
    quiet("ln", Copier),
    program("make", Builder(MAKEFILES)),
    quiet("mapfile", Builtin),
    quiet("mkdir", Maker),
    quiet("mkfifo", Maker),
    quiet("mv", Copier),
    program("mvn", Builder(&["pom.xml"])),
    program("mvnw", Builder(&["pom.xml"])),
    program("nice", own(&["n", "--adjustment"], 0)),
    program("node", Interpreter { code: &["-e", "--eval", "-p", "--print"] }),
    program("nohup", own(&[], 0)),
    program("npm", Builder(PACKAGE)),
    program("npx", Builder(PACKAGE)),
    program("numactl", own(&["C", "N", "m", "i"], 0)),
    program("oc", Plain),
    program("parallel", Plain),
    program("paste", Filter),
    program("perl", Interpreter { code: &["-e", "-E", "-ne", "-pe"] }),
    program("php", Interpreter { code: &["-r"] }),
    program("pip", Builder(&[])),
    program("pip3", Builder(&[])),
    program("pnpm", Builder(PACKAGE)),
    quiet("popd", Builtin),
    sure("printf", Builtin),
    quiet("pushd", Builtin),
    sure("pwd", Builtin),
    program("python", Interpreter { code: &["-c"] }),
    program("python2", Interpreter { code: &["-c"] }),
    program("python3", Interpreter { code: &["-c"] }),
    quiet("read", Builtin),
    quiet("readarray", Builtin),
    program("readlink", Plain),
    program("realpath", Plain),
    program("retry", own(&[], 2)),
    program("rev", Filter),
    quiet("rm", Plain),
    quiet("rmdir", Plain),
    program("rsync", Bringer),
    program("ruby", Interpreter { code: &["-e"] }),
    program("scp", Bringer),
    program("script", Plain),
    program("sed", Filter),
    sure("seq", Plain),
    quiet("set", Builtin),
    program("setarch", own(&[], 1)),
    program("setsid", own(&[], 0)),
    program("sh", Shell),
    quiet("shift", Builtin),
    quiet("shopt", Builtin),
    quiet("sleep", Plain),
    program("sort", Filter),
    quiet("source", Builtin),
    program("ssh-agent", Plain),
    program("stdbuf", own(&["i", "o", "e", "--input", "--output", "--error"], 0)),
    program(
        "sudo",
        Wrapper(Own {
            with_value: &[
                "u", "g", "h", "p", "C", "r", "t", "T", "U", "D", "R", "--user", "--group", "--host", "--prompt", "--chdir", "--role",
                "--type",
            ],
            words: 0,
            assigns: true,
        }),
    ),
    program("tac", Filter),
    program("tail", Filter),
    program("tar", Bringer),
    program("task", Builder(&["Taskfile.yml", "Taskfile.yaml"])),
    program("taskset", own(&["p"], 1)),
    program("tee", Filter),
    program("terraform", Plain),
    program("test", Builtin),
    program("time", own(&["f", "o", "--format", "--output"], 0)),
    program("timeout", own(&["s", "k", "--signal", "--kill-after"], 1)),
    quiet("touch", Maker),
    program("tox", Builder(&["tox.ini"])),
    program("tr", Filter),
    quiet("trap", Builtin),
    quiet("true", Builtin),
    program("type", Builtin),
    quiet("umask", Builtin),
    quiet("unalias", Builtin),
    program("unbuffer", own(&[], 0)),
    program("unexpand", Filter),
    program("uniq", Filter),
    quiet("unset", Builtin),
    program("unshare", own(&[], 0)),
    program("unxz", Bringer),
    program("unzip", Bringer),
    quiet("wait", Builtin),
    program("watch", own(&["n", "--interval"], 0)),
    program("wget", Downloader),
    program("which", Plain),
    program("xargs", Plain),
    program("xz", Bringer),
    program("yarn", Builder(PACKAGE)),
    program("yq", Filter),
    program("zcat", Filter),
    program("zsh", Shell),
    program("zstd", Bringer),
];

/// Options of a shell whose next word is their value.
pub const SHELL_OPTIONS_WITH_VALUE: &[&str] = &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"];

/// Subcommands of `git` that leave the files of the workspace alone.
pub fn git_brings_files(subcommand: &str) -> bool {
    !matches!(
        subcommand,
        "add"
            | "branch"
            | "commit"
            | "config"
            | "describe"
            | "diff"
            | "fetch"
            | "init"
            | "log"
            | "ls-files"
            | "ls-remote"
            | "ls-tree"
            | "push"
            | "remote"
            | "rev-list"
            | "rev-parse"
            | "show"
            | "status"
            | "tag"
            | "--version"
            | "version"
            | "rm"
    )
}

/// Whether sourcing a file of this name sets up tools, and does nothing that the store sees: profiles, version
/// managers, virtual environments, completions.
pub fn is_harmless_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_profile = matches!(
        name,
        ".bashrc"
            | ".bash_profile"
            | ".bash_aliases"
            | ".profile"
            | ".zshrc"
            | ".zshenv"
            | ".bash_completion"
            | "os-release"
            | "lsb-release"
            | "bash.bashrc"
            | "environment"
    );
    let is_tool = matches!(
        name,
        "nvm.sh"
            | "activate"
            | "sdkman-init.sh"
            | "bash_completion"
            | "rvm"
            | "conda.sh"
            | "asdf.sh"
            | "path.bash.inc"
            | "completion.bash.inc"
            | "gvm"
            | "pyenv.sh"
            | "rbenv.sh"
            | "z.sh"
            | "fzf.bash"
            | "nix.sh"
            | "nix-daemon.sh"
            | "autoenv.sh"
            | "git-completion.bash"
            | "chruby.sh"
            | "jenv.sh"
            | "virtualenvwrapper.sh"
            | ".ghcup-env"
            | "ghcup-env"
    );
    let is_placed = path == "/etc/profile"
        || path.starts_with("/etc/profile.d/")
        || path.starts_with("/etc/bash_completion.d/")
        || path.starts_with("/usr/share/bash-completion/")
        || path.ends_with(".cargo/env")
        || path.ends_with(".ghcup/env")
        || path.ends_with("emsdk_env.sh");
    is_profile || is_tool || is_placed
}

/// Whether the output of a command, run as shell text, only sets up tools: completions, hooks, `ssh-agent`.
pub fn prints_harmless_text(words: &[&str]) -> bool {
    let name = words.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
    let sets_up = |word: &&str| {
        matches!(*word, "completion" | "completions" | "hook" | "shellenv" | "docker-env" | "podman-env" | "virtualenv-init" | "shell.bash")
            || word.starts_with("completion")
    };
    matches!(name, "ssh-agent" | "dircolors" | "lesspipe" | "luarocks" | "opam" | "fnm" | "resize")
        || (matches!(name, "pyenv" | "rbenv" | "nodenv" | "jenv" | "starship" | "zoxide" | "goenv" | "mise" | "rtx")
            && words.contains(&"init"))
        || words.iter().skip(1).any(sets_up)
}

/// Folders of the system in which programs stand: `/usr/bin/env` is `env`.
pub fn in_system_folder(path: &str) -> Option<&str> {
    let (folder, name) = path.strip_prefix('/').and_then(|_| path.rsplit_once('/'))?;
    matches!(folder, "/bin" | "/usr/bin" | "/usr/local/bin" | "/sbin" | "/usr/sbin" | "/usr/local/sbin" | "/opt/homebrew/bin")
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{PROGRAMS, in_system_folder, is_harmless_source, prints_harmless_text, program_named};

    #[test]
    fn programs_are_found_by_their_names() {
        assert!(PROGRAMS.is_sorted_by(|left, right| left.name < right.name), "each stands there once, and is easily found");
        assert!(program_named("timeout").is_some());
        assert_eq!(program_named("timeouts"), None);
        assert_eq!(in_system_folder("/usr/bin/env"), Some("env"));
        assert_eq!(in_system_folder("/opt/tools/env"), None);
    }

    #[test]
    fn what_sets_up_tools_is_harmless() {
        for harmless in ["/root/.nvm/nvm.sh", "/etc/os-release", "~/.bashrc", ".venv/bin/activate", "~/.cargo/env", "/etc/profile.d/x.sh"] {
            assert!(is_harmless_source(harmless), "{harmless}");
        }
        for other in ["scripts/env", "nvm", "./activate-deploy", "/opt/tools/lib.sh"] {
            assert!(!is_harmless_source(other), "{other}");
        }
        assert!(prints_harmless_text(&["kubectl", "completion", "bash"]));
        assert!(prints_harmless_text(&["ssh-agent", "-s"]));
        assert!(!prints_harmless_text(&["./deploy.sh", "--print"]));
    }
}
