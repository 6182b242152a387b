//! The arguments of what runs pipelines here.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::{Pipeline, SettingsArguments};

const DATA: &str = "Data";
const STAGES: &str = "Stages";
const WHERE: &str = "Where it runs";
const OUTPUT: &str = "Output";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage run                                     the pipeline of this repository, on this machine
  sidestage run --pipeline cc --skip deploy,release
  sidestage run --property app-url=https://localhost:8443 --secret ibmcloud-api-key
  sidestage run --containers                        each stage in its image, by podman or docker
  sidestage run --format json | jq -c 'select(.event == \"stage-ended\")'

The working tree is copied, with uncommitted changes, and never touched. Stages run in the order of the platform, each by
its shebang, in a scrubbed environment with a home of its own; `trigger-task` starts async stages beside them. Stages are
real: a `deploy` deploys. So the first run of a repository on this machine asks, or takes --yes.

A value file has one setting per line: `property NAME=VALUE`, `parameter NAME=VALUE`, `secret NAME` or
`secret NAME=VARIABLE`; empty lines and lines that begin with `#` are ignored.

Exit codes: 0 the pipeline succeeded, 1 it failed, or `check` finds errors, 2 sidestage could not run it.")]
pub(in super::super) struct Run {
    /// The configuration, or a folder that holds one; by default the working folder
    pub(in super::super) file: Option<Utf8PathBuf>,
    /// The pipeline to run; by default the only one, else `ci`
    #[arg(long, value_enum)]
    pub(in super::super) pipeline: Option<Pipeline>,
    /// Run it although `check` finds errors
    #[arg(long)]
    pub(in super::super) force: bool,
    #[command(flatten)]
    pub(in super::super) data: DataArguments,
    /// Run only these stages, tasks or steps: a list, or the option repeated
    #[arg(long, value_name = "STAGE", value_delimiter = ',', help_heading = STAGES)]
    pub(in super::super) stage: Vec<String>,
    /// Leave out these stages, tasks or steps: a list, or the option repeated
    #[arg(long, value_name = "STAGE", value_delimiter = ',', help_heading = STAGES)]
    pub(in super::super) skip: Vec<String>,
    /// Run only what is committed
    #[arg(long, help_heading = WHERE)]
    pub(in super::super) committed: bool,
    /// Run each stage in its image; without a name, by the first of podman and docker that is there
    #[arg(long, value_name = "ENGINE", num_args = 0..=1, default_missing_value = "", help_heading = WHERE)]
    pub(in super::super) containers: Option<String>,
    /// Keep the workspace of the run, and of its async runs, for a look at it
    #[arg(long, help_heading = WHERE)]
    pub(in super::super) keep_workspace: bool,
    #[command(flatten)]
    pub(in super::super) how: HowArguments,
    #[command(flatten)]
    pub(in super::super) settings: SettingsArguments,
}

/// What `get_env` and `get_secret` give.
#[derive(Debug, Args)]
pub(in super::super) struct DataArguments {
    /// A property of the pipeline: stages and async stages read it with `get_env`
    #[arg(long, value_name = "NAME=VALUE", help_heading = DATA)]
    pub(in super::super) property: Vec<String>,
    /// A parameter of the trigger: the same, but async stages get it only where it is exported
    #[arg(long, value_name = "NAME=VALUE", help_heading = DATA)]
    pub(in super::super) parameter: Vec<String>,
    /// A secret: from the environment variable of its name (`git-token` is `GIT_TOKEN`) or of the given name, else it is asked for
    #[arg(long, value_name = "NAME[=VARIABLE]", help_heading = DATA)]
    pub(in super::super) secret: Vec<String>,
    /// A file with any of them
    #[arg(long, value_name = "FILE", help_heading = DATA)]
    pub(in super::super) values: Option<Utf8PathBuf>,
    /// A variable of the environment that stages see; without a value, that of this shell
    #[arg(long = "env", value_name = "NAME[=VALUE]", help_heading = DATA)]
    pub(in super::super) environment: Vec<String>,
}

/// How runs go on, and how they are told.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(in super::super) struct HowArguments {
    /// Run stages on this machine without asking
    #[arg(long, short, help_heading = WHERE)]
    pub(in super::super) yes: bool,
    /// How many stages, and how many async runs, run at once; by default as many as can
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = WHERE)]
    pub(in super::super) jobs: Option<u16>,
    /// Return when the pipeline has ended; async runs go on
    #[arg(long, conflicts_with_all = ["format", "page"], help_heading = WHERE)]
    pub(in super::super) detach: bool,
    /// Exit with 1 also where an async run has failed
    #[arg(long, conflicts_with = "detach", help_heading = WHERE)]
    pub(in super::super) fail_on_async: bool,
    /// How progress is written
    #[arg(long, value_enum, default_value_t = RunFormat::Text, help_heading = OUTPUT)]
    pub(in super::super) format: RunFormat,
    /// Serve a page with the graph and the runs while they run; its address is printed
    #[arg(long, help_heading = OUTPUT)]
    pub(in super::super) page: bool,
    #[command(flatten)]
    pub(in super::super) place: StateArguments,
    /// The id of the run, for the process that goes on after `--detach`
    #[arg(long, hide = true)]
    pub(in super::super) run_id: Option<String>,
}

/// Where runs are kept.
#[derive(Debug, Clone, Args)]
pub(in super::super) struct StateArguments {
    /// The folder of the runs; by default one for each repository below `~/.local/state/sidestage`
    #[arg(long, value_name = "DIR", env = "SIDESTAGE_STATE", hide_env_values = true)]
    pub(in super::super) state: Option<Utf8PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum RunFormat {
    /// Progress on a terminal, else prefixed lines; a summary at the end
    Text,
    /// A line of JSON for each event and each line of output, see `sidestage schema run-events`
    Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  sidestage runs
  sidestage runs show last
  sidestage runs show 1f6ac3d2 --output timeline.html
  sidestage runs --format json | jq -r '.runs[] | select(.state == \"failed\") | .id'

A run is named by the beginning of its id; `last` is the newest pipeline.")]
pub(in super::super) struct Runs {
    #[command(subcommand)]
    pub(in super::super) command: Option<RunsCommand>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = super::ListFormat::Text)]
    pub(in super::super) format: super::ListFormat,
    #[command(flatten)]
    pub(in super::super) place: StateArguments,
}

#[derive(Debug, clap::Subcommand)]
pub(in super::super) enum RunsCommand {
    /// Show a run: its stages, its async runs, and when each ran
    Show {
        /// The beginning of its id, or `last`
        #[arg(default_value = "last")]
        run: String,
        /// How it is shown; by default what the name of the output says, else text
        #[arg(long, value_enum)]
        format: Option<ShowFormat>,
        /// Write it to this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<Utf8PathBuf>,
        #[command(flatten)]
        place: StateArguments,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum ShowFormat {
    /// For people
    Text,
    /// JSON, see `sidestage schema runs`
    Json,
    /// The timeline as a picture
    Svg,
    /// The timeline as a page
    Html,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage logs                  the newest run
  sidestage logs -f last deploy   follow one stage
  sidestage logs 1f6ac3d2         an async run")]
pub(in super::super) struct Logs {
    /// The beginning of the run's id, or `last`
    #[arg(default_value = "last")]
    pub(in super::super) run: String,
    /// Only this stage
    pub(in super::super) stage: Option<String>,
    /// Go on until the run has ended
    #[arg(long, short)]
    pub(in super::super) follow: bool,
    #[command(flatten)]
    pub(in super::super) place: StateArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestage rerun last
  sidestage rerun 1f6ac3d2 --secret git-token

A rerun repeats the original state: files, parameters, payload. Values of secrets are not kept with a run, so they are asked
for again.")]
pub(in super::super) struct Rerun {
    /// The beginning of the run's id, or `last`
    pub(in super::super) run: String,
    /// A secret, where its value is in another environment variable than that of its name
    #[arg(long, value_name = "NAME[=VARIABLE]")]
    pub(in super::super) secret: Vec<String>,
    #[command(flatten)]
    pub(in super::super) how: HowArguments,
}
