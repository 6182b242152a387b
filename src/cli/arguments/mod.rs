//! The arguments of every command.

mod cluster;
mod run;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::levels::LevelArguments;
pub(super) use cluster::{ClusterArguments, Tekton};
pub(super) use run::{DataArguments, HowArguments, Logs, Rerun, Run, RunFormat, Runs, RunsCommand, ShowFormat, StateArguments};
use sidestage_compiler::platform::PipelineKind;

/// Options of every command.
const GENERAL: &str = "General";
const INPUT: &str = "Input";
const OUTPUT: &str = "Output";
const FIXES: &str = "Fixes";
const BASELINE: &str = "Baseline";
pub(super) const SETTINGS: &str = "Rules and settings";

/// A compiler for async pipeline stages: checks the data that reaches them, draws it, and emits what triggers them.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
#[command(after_help = "Examples:
  sidestage check                        check every configuration under this folder
  sidestage check .pipeline-config.yaml --pipeline cc
  sidestage graph --output graph.html    a page to explore
  sidestage build --out deploy/async     write the scripts that trigger the async stages
  sidestage run                          run the pipeline here, async stages included
  sidestage explain unexported-variable

Exit codes: 0 no errors, 1 errors found, 2 sidestage could not run.")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) voice: VoiceArguments,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The command line with no other command than `check`.
pub(super) fn check_alone() -> clap::Command {
    let general = VoiceArguments::augment_args(Color::augment_args(clap::Command::new("sidestage")));
    general.subcommand(Check::augment_args(clap::Command::new("check")))
}

/// How much is said beside results.
#[derive(Debug, Args)]
pub(super) struct VoiceArguments {
    /// Print findings and errors, and nothing else
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = GENERAL)]
    pub(super) quiet: bool,
    /// Also say which files were read, and which settings hold
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct Color {
    /// When to use colours; `NO_COLOR` and `FORCE_COLOR` are respected
    #[arg(long = "color", value_enum, global = true, default_value_t = When::Auto, env = "SIDESTAGE_COLOR", hide_env = true, help_heading = GENERAL)]
    when: When,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Color {
    pub(super) fn write_global(&self) {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let choice = match self.when {
            When::Always => anstream::ColorChoice::Always,
            When::Never => anstream::ColorChoice::Never,
            When::Auto if set("NO_COLOR") => anstream::ColorChoice::Never,
            When::Auto if set("FORCE_COLOR") => anstream::ColorChoice::Always,
            When::Auto => anstream::ColorChoice::Auto,
        };
        choice.write_global();
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check configurations and the scripts that they reach
    Check(Check),
    /// Check a configuration, then write what triggers its async stages
    Build(Build),
    /// Set up the webhook on the pipeline: trigger, token and property
    Apply(Apply),
    /// Start an async stage: check its data, set up the webhook, call it, register the run
    Trigger(Trigger),
    /// List the async runs that this run has started, or wait until they have ended
    AsyncRuns(AsyncRuns),
    /// Run a pipeline on this machine, async stages included
    Run(Run),
    /// List the runs of this repository, or show one
    Runs(Runs),
    /// Print the logs of a run
    Logs(Logs),
    /// Run again what has run, with the state that it had
    Rerun(Rerun),
    /// Serve the Pipeline API and the generic webhook on this machine
    Serve(Serve),
    /// What the steps of pipelines on a cluster with Tekton call
    #[command(subcommand)]
    Tekton(Tekton),
    /// Keep and get the values that all stages of a run share: `sidestage pipelinectl help`
    #[command(disable_help_flag = true)]
    Pipelinectl {
        /// A command of pipelinectl, and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Show what would be triggered, with what data, and what must exist on the pipeline
    Plan(Plan),
    /// Draw the graph of stages, triggers and exported variables
    Graph(Graph),
    /// List all rules
    Rules(Rules),
    /// Print the page of a rule
    Explain {
        /// The rule's name, as findings show it in brackets
        rule: String,
    },
    /// Write a `.sidestage.yaml` from what the repository holds, with a comment for each key
    Init(Init),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = "Examples:
  sidestage completions bash > ~/.local/share/bash-completion/completions/sidestage
  sidestage completions zsh > ~/.zfunc/_sidestage
  sidestage completions fish > ~/.config/fish/completions/sidestage.fish
  sidestage completions powershell >> $PROFILE
  sidestage completions elvish >> ~/.config/elvish/rc.elv")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_help = "Examples:
  sidestage man | man -l -
  sidestage man --out /usr/local/share/man/man1")]
    Man {
        /// Write a page for each command to this folder
        #[arg(long, value_name = "DIR")]
        out: Option<Utf8PathBuf>,
    },
    /// Print a JSON Schema; without a name, list them
    Schema {
        /// For example `config-v1`, `findings`, `plan`
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage check
  sidestage check ci/.one-pipeline.yaml --format concise
  git show HEAD:.pipeline-config.yaml | sidestage check - --stdin-filename .pipeline-config.yaml
  sidestage check --deny warnings --allow missing-script,unused-export
  sidestage check --diff | git apply     the same as sidestage check --fix
  sidestage check --config ci/sidestage.yaml
  sidestage check --write-baseline baseline.json     record what is found now
  sidestage check --baseline baseline.json           report only new findings

A comment `# sidestage: ignore[RULE] reason` suppresses findings on its line or, alone on a line, on the next line;
`# sidestage: ignore-file[RULE] reason` at the top of a file, in the whole file. See `sidestage explain unused-ignore`.

Settings of the project are in `.sidestage.yaml`, see `sidestage schema settings`; `sidestage init` writes one.
Exit codes: 0 no errors, 1 errors found (or `--diff` has something to show), 2 sidestage could not run.")]
pub(super) struct Check {
    /// Configurations, scripts (every configuration that reaches them is checked), folders, which are searched by content,
    /// or patterns such as `'*/.pipeline-config.yaml'`; without any, the repository around the working folder. `-` reads
    /// standard input
    pub(super) paths: Vec<Utf8PathBuf>,
    /// Read standard input, as if it were this file; with `-`, `.pipeline-config.yaml` by default
    #[arg(long, value_name = "FILE", help_heading = INPUT)]
    pub(super) stdin_filename: Option<Utf8PathBuf>,
    /// Only look at these kinds of pipeline: a list, or the option repeated
    #[arg(long, value_enum, value_delimiter = ',', env = "SIDESTAGE_PIPELINE", hide_env_values = true, help_heading = INPUT)]
    pub(super) pipeline: Vec<Pipeline>,
    /// Exit with 0 where there is no configuration, or none reaches the scripts: for hooks of a whole organisation
    #[arg(long, help_heading = INPUT)]
    pub(super) allow_missing: bool,
    /// How findings are written; `narrated` where `NO_GRAPHICS` is set, else `full`
    #[arg(long, value_enum, env = "SIDESTAGE_FORMAT", hide_env_values = true, help_heading = OUTPUT)]
    pub(super) format: Option<Format>,
    /// Write the report to this file, not to standard output
    #[arg(long, value_name = "FILE", conflicts_with = "diff", env = "SIDESTAGE_OUTPUT_FILE", hide_env_values = true, help_heading = OUTPUT)]
    pub(super) output_file: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(super) instead: Instead,
    /// Exit with 0 also where errors are found
    #[arg(long, help_heading = OUTPUT)]
    pub(super) exit_zero: bool,
    /// Report only findings that are not in this file; the others do not change the exit code
    #[arg(long, value_name = "FILE", env = "SIDESTAGE_BASELINE", hide_env_values = true, help_heading = BASELINE)]
    pub(super) baseline: Option<Utf8PathBuf>,
    /// Record the current findings in this file, for `--baseline`, and exit with 0
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", help_heading = BASELINE)]
    pub(super) write_baseline: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(super) fixes: Fixes,
    #[command(flatten)]
    pub(super) levels: LevelArguments,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage build --out deploy/async
  sidestage build ci/.one-pipeline.yaml --out deploy/async --transport platform
  sidestage build --target terraform --out deploy/terraform
  sidestage build --target tekton --name web --namespace web --out deploy/tekton
  sidestage build --out deploy/async --check     in CI: exits with 1 where the files are stale

Nothing is written if there are errors, and only files that have changed are touched. `.sidestage-files` in the folder names
what was written, with hashes (`sha256sum --check`): what is not written any more is removed if nobody has changed it and
no script calls it; other files in the folder are kept.")]
pub(super) struct Build {
    /// A configuration, or a folder that holds one
    pub(super) file: Option<Utf8PathBuf>,
    /// The folder to write to; by default `out` of the settings
    #[arg(long, value_name = "DIR", env = "SIDESTAGE_OUT", hide_env_values = true)]
    pub(super) out: Option<Utf8PathBuf>,
    /// What is written: a list, or the option repeated
    #[arg(long, alias = "emit", value_enum, value_delimiter = ',', default_value = "scripts")]
    pub(super) target: Vec<PartName>,
    /// Write nothing: show the difference to what is there, and exit with 1 where there is one
    #[arg(long)]
    pub(super) check: bool,
    /// Exit with 0 where there is no configuration, or no folder to write to: for hooks of a whole organisation
    #[arg(long)]
    pub(super) allow_missing: bool,
    /// Also write what the files were made from, as make reads it
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub(super) depfile: Option<Utf8PathBuf>,
    /// How async runs are started
    #[arg(long, value_enum, default_value_t = TransportName::Webhook)]
    pub(super) transport: TransportName,
    #[command(flatten)]
    pub(super) cluster: ClusterArguments,
    /// Only look at these kinds of pipeline: a list, or the option repeated
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) pipeline: Vec<Pipeline>,
    #[command(flatten)]
    pub(super) levels: LevelArguments,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  PIPELINE_ID=<id> IBM_CLOUD_REGION=us-south IAM_ACCESS_TOKEN=<token> sidestage apply --dry-run
  sidestage apply --manifest deploy/async/webhook.json --enable

Reads PIPELINE_ID, CD_TEKTON_PIPELINE_URL (else IBM_CLOUD_REGION), CD_TEKTON_PIPELINE_AUTH_URL, IAM_ACCESS_TOKEN
(else CD_TEKTON_PIPELINE_APIKEY), SIDESTAGE_RETRIES, SIDESTAGE_RETRY_DELAY, SIDESTAGE_RETRY_CAP, SIDESTAGE_TIMEOUT
and SIDESTAGE_DEADLINE (seconds). If there is a pipelinectl command, it stores the token, and provides the API key if
none is set here.

Exit codes, as of the emitted scripts: 0 all is set up; 1 the service failed, cannot be reached, or refused the run, or the
configuration has errors; 2 a command, setting, stage or file is missing or wrong; 4 the token, the key or the rights do
not suffice; a repository cannot be cloned; 5 the trigger is disabled, or is of another kind: that is for people to decide.")]
pub(super) struct Apply {
    /// A configuration, or a folder that holds one
    pub(super) file: Option<Utf8PathBuf>,
    /// Read what must exist from this `webhook.json`, not from a configuration
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(super) manifest: Option<Utf8PathBuf>,
    /// Change nothing: show the requests, with the token masked
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Enable the trigger where it is disabled
    #[arg(long)]
    pub(super) enable: bool,
    /// Write a new token to trigger and property, even if the webhook refuses the one that they seem to share
    #[arg(long)]
    pub(super) rotate: bool,
    /// Write `trigger_id`, `webhook_url`, `header` and `changed` to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) result: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(super) levels: LevelArguments,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage trigger owasp-zap
  ln -s \"$(command -v sidestage)\" bin/trigger-task     scripts that call `trigger-task STAGE` need no change

Does what the emitted `trigger/STAGE.sh` does, in images without curl and jq, and reads the same environment as
`sidestage apply`. Needs pipelinectl, which has the data of the run. Without FILE, the configuration is that of
$PIPELINE_CONFIG_REPO_PATH where that is set, else the one of this folder.

Exit codes, as of the emitted scripts: 0 the run was accepted; 1 the service failed, cannot be reached, or refused the
run; 2 a command, setting, stage or file is missing or wrong, or the configuration has errors; 3 a variable or repository
that the stage needs is missing or wrong; 4 the token, the key or the rights do not suffice; 5 the trigger is disabled, or
is of another kind; 6 the payload is too large; 7 the webhook took the call, but no run is to be seen.")]
pub(super) struct Trigger {
    /// The stage to start
    pub(super) stage: String,
    /// A configuration, or a folder that holds one
    pub(super) file: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(super) levels: LevelArguments,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage async-runs
  sidestage async-runs --wait --timeout 1800     the last stage of a pipeline ends as its async stages do
  sidestage async-runs --format json | jq -r '.runs[].status'

Exit codes: 0 the list is complete, or with --wait all runs have succeeded; with --wait: 1 a run did not succeed,
8 the time is over, and a run has not ended; 2 a command or setting is missing or wrong.")]
pub(super) struct AsyncRuns {
    /// Return when all of them have ended
    #[arg(long)]
    pub(super) wait: bool,
    /// Wait at most this long
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, requires = "wait")]
    pub(super) timeout: u64,
    /// Look this often
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "wait")]
    pub(super) interval: u64,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// A table
    Text,
    /// JSON, see `sidestage schema async-runs`, `rules` or `runs`
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage serve
  sidestage serve --state .pipeline --api-key-file keys.txt --listen 0.0.0.0:8080
  sidestage serve --execute --page --file . --state .pipeline     runs what reaches it; `sidestage runs --state .pipeline`

When it is ready, one line of JSON says where: `api`, `iam` and `pipeline`. Without --state nothing is kept after it ends.
A key file has one key per line, and after a space its role: editor (the default), operator or viewer. Without one,
every caller on this machine is an editor; on an address that other machines can reach, a key file is required.
Addresses in replies use the host that the caller used. Only `localhost`, the addresses of the machine itself and the
names given by --allow-host are answered; another `Host` or `Origin`, or a page of another site, gets 403.

Scripts and `sidestage apply` find it through the environment:
  export PIPELINE_ID=<pipeline> CD_TEKTON_PIPELINE_URL=<api> CD_TEKTON_PIPELINE_AUTH_URL=<iam>
  export IAM_ACCESS_TOKEN=any        without a key file; with one: pipelinectl set_secret ibmcloud-api-key KEY")]
pub(super) struct Serve {
    /// Address to listen on; by default a free port of 127.0.0.1
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) listen: Option<std::net::SocketAddr>,
    /// Keep everything in this folder: what was answered survives a crash
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<Utf8PathBuf>,
    /// The id of the pipeline: 36 digits, lower-case letters and `-`
    #[arg(long, value_name = "ID")]
    pub(super) pipeline: Option<String>,
    /// Also answer requests whose `Host` or `Origin` is one of these names: a list, or the option repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) allow_host: Vec<String>,
    /// Accept only callers with a key from this file
    #[arg(long, value_name = "FILE")]
    pub(super) api_key_file: Option<Utf8PathBuf>,
    /// Run what reaches the webhook or the API, on this machine
    #[arg(long)]
    pub(super) execute: bool,
    /// Serve a page with the graph of the configuration and the runs; its address is printed
    #[arg(long, requires = "execute")]
    pub(super) page: bool,
    /// With `--execute`: the configuration whose pipelines the API can start, or a folder that holds one
    #[arg(long, value_name = "FILE", requires = "execute")]
    pub(super) file: Option<Utf8PathBuf>,
    /// With `--execute`: how many runs run at once; by default as many as can
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), requires = "execute")]
    pub(super) jobs: Option<u16>,
    /// With `--execute`: run each stage in its image; without a name, by the first of podman and docker that is there
    #[arg(long, value_name = "ENGINE", num_args = 0..=1, default_missing_value = "", requires = "execute")]
    pub(super) containers: Option<String>,
    /// With `--execute`: a variable of the environment that stages see; without a value, that of this shell
    #[arg(long = "env", value_name = "NAME[=VALUE]", requires = "execute")]
    pub(super) environment: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PartName {
    /// Trigger scripts, set-up, receiving side and their manifests
    Scripts,
    /// `webhook.tf.json`: the same set-up for Terraform
    Terraform,
    /// Manifests that run pipelines and async stages on a cluster with Tekton
    Tekton,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TransportName {
    /// Scripts that set up the webhook, call it and register the run
    Webhook,
    /// The platform's own `trigger-task`
    Platform,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage rules
  sidestage rules --format json | jq -r '.rules[] | select(.fixable) | .name'")]
pub(super) struct Rules {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage init
  sidestage init --stdout    look at it first

Nothing that is there is changed. Every key is optional; what was found is filled in, the rest is a comment.")]
pub(super) struct Init {
    /// The repository; by default the one around the working folder
    pub(super) folder: Option<Utf8PathBuf>,
    /// Print the file, write nothing
    #[arg(long)]
    pub(super) stdout: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage plan
  sidestage plan .pipeline-config.yaml --format json | jq '.triggers[].exports'")]
pub(super) struct Plan {
    /// A configuration, or a folder that holds one
    pub(super) file: Option<Utf8PathBuf>,
    /// How the plan is written
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(super) format: PlanFormat,
    /// Only look at these kinds of pipeline: a list, or the option repeated
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) pipeline: Vec<Pipeline>,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For people
    Text,
    /// JSON, see `sidestage schema plan`
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage graph --output graph.html            a page to explore: the format follows from the name
  sidestage graph --format svg > graph.svg
  sidestage graph --format mermaid --pipeline cc
  sidestage graph | dot -Tpng > graph.png")]
pub(super) struct Graph {
    /// A configuration, or a folder that holds one
    pub(super) file: Option<Utf8PathBuf>,
    /// How the graph is written; by default as the name of `--output` says, else `dot`
    #[arg(long, value_enum)]
    pub(super) format: Option<GraphFormat>,
    /// Write the graph to this file, not to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<Utf8PathBuf>,
    /// Only look at these kinds of pipeline: a list, or the option repeated
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) pipeline: Vec<Pipeline>,
    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// Graphviz
    Dot,
    /// A chart for Markdown
    Mermaid,
    /// A picture
    Svg,
    /// A page to explore, in one file
    Html,
    /// JSON, see `sidestage schema graph`
    Json,
}

/// What is printed in place of findings.
#[derive(Debug, Args)]
pub(super) struct Instead {
    /// Count the findings of each rule in place of showing them; as text, or with `--format json`
    #[arg(long, conflicts_with = "fixing", help_heading = OUTPUT)]
    pub(super) statistics: bool,
    /// Print the configurations and scripts that would be checked, and stop
    #[arg(long, conflicts_with_all = ["show_settings", "fixing"], help_heading = OUTPUT)]
    pub(super) show_files: bool,
    /// Print the settings that hold for each configuration, and stop
    #[arg(long, conflicts_with = "fixing", help_heading = OUTPUT)]
    pub(super) show_settings: bool,
}

/// What is done with findings that can be fixed.
#[derive(Debug, Args)]
pub(super) struct Fixes {
    /// Apply safe fixes, then report the remaining findings
    #[arg(long, group = "fixing", help_heading = FIXES)]
    pub(super) fix: bool,
    /// Write nothing: print what `--fix` would change, as a unified diff in place of the findings
    #[arg(long, group = "fixing", help_heading = FIXES)]
    pub(super) diff: bool,
    /// Also apply fixes that may change more than is meant, or need a clean-up: review the changes
    #[arg(long = "unsafe-fixes", requires = "fixing", help_heading = FIXES)]
    pub(super) with_unsafe: bool,
}

/// Which settings apply.
#[derive(Debug, Default, Args)]
pub(super) struct SettingsArguments {
    /// Read the project's settings from this file, not from the nearest `.sidestage.yaml` above a configuration
    #[arg(long = "config", value_name = "FILE", conflicts_with = "no_settings", env = "SIDESTAGE_CONFIG", hide_env_values = true, help_heading = SETTINGS)]
    pub(super) settings_file: Option<Utf8PathBuf>,
    /// Ignore every settings file
    #[arg(long = "no-config", help_heading = SETTINGS)]
    pub(super) no_settings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Code frames, related places and help
    Full,
    /// One line per finding
    Concise,
    /// Sentences without frames, for screen readers
    Narrated,
    /// JSON, see `sidestage schema findings`
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// Code quality report of GitLab
    Gitlab,
    /// XML test report, as CI servers read it
    Junit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Pipeline {
    /// Pull request
    Pr,
    /// Continuous integration
    Ci,
    /// Continuous deployment
    Cd,
    /// Continuous compliance
    Cc,
    /// One stage
    Simple,
}

impl From<Pipeline> for PipelineKind {
    fn from(pipeline: Pipeline) -> Self {
        match pipeline {
            Pipeline::Pr => Self::Pr,
            Pipeline::Ci => Self::Ci,
            Pipeline::Cd => Self::Cd,
            Pipeline::Cc => Self::Cc,
            Pipeline::Simple => Self::Simple,
        }
    }
}
