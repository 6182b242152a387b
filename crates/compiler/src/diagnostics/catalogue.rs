//! The catalogue of rules: names, levels, and when each fires. Their code and their pages are in `rules/`.

use super::{Safety, Severity, suggest};

/// What is known of a rule without running it.
#[derive(Debug)]
pub struct Rule {
    /// The severity of its findings, unless the settings say otherwise.
    pub severity: Severity,
    /// Whether findings of it can bring a fix, and how safe that is.
    pub fixable: Option<Safety>,
    /// When it fires, in one line.
    pub summary: &'static str,
    /// The version that brought it.
    pub since: &'static str,
}

macro_rules! catalogue {
    ($($id:ident $name:literal $severity:ident $fixable:ident $since:literal $summary:literal),* $(,)?) => {
        /// The names of all rules, in the order in which they are listed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $(#[doc = concat!("`", $name, "`")] $id),*
        }

        impl RuleId {
            /// All rules.
            pub const ALL: &'static [RuleId] = &[$(RuleId::$id),*];

            /// The name, as the user writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$id => $name),*
                }
            }

            /// What is known of it.
            pub fn rule(self) -> &'static Rule {
                match self {
                    $(Self::$id => &Rule {
                        severity: Severity::$severity,
                        fixable: catalogue!(@fixable $fixable),
                        summary: $summary,
                        since: $since,
                    }),*
                }
            }
        }
    };
    (@fixable Never) => { None };
    (@fixable $safety:ident) => { Some(Safety::$safety) };
}

catalogue![
    InvalidYaml "invalid-yaml" Error Never "0.1.0"
        "invalid YAML",
    DuplicateKey "duplicate-key" Error Never "0.1.0"
        "a mapping repeats a key",
    InvalidConfig "invalid-config" Error Safe "0.1.0"
        "a value has the wrong type, or a key is missing",
    UnknownKey "unknown-key" Warning Safe "0.1.0"
        "a key that the platform ignores",
    MisplacedKey "misplaced-key" Warning Never "0.1.0"
        "a key that has no effect in this format, task or step",
    DanglingRunAfter "dangling-run-after" Error Safe "0.1.0"
        "`runAfter` or `from` names an unknown stage or task",
    DependencyCycle "dependency-cycle" Error Never "0.1.0"
        "stages or tasks wait for each other in a cycle",
    MissingStage "missing-stage" Error Safe "0.1.0"
        "a trigger names a stage that does not exist",
    InvalidStageName "invalid-stage-name" Error Never "0.1.0"
        "a triggered name cannot be the name of an async run",
    UnexportedVariable "unexported-variable" Error Safe "0.1.0"
        "a variable that the parent sets and the async stage reads is not exported",
    LateExport "late-export" Error Unsafe "0.1.0"
        "a variable is exported only after the trigger",
    ConditionalExport "conditional-export" Warning Never "0.1.0"
        "a variable is exported on only some paths to the trigger",
    UnprovenExport "unproven-export" Info Never "0.1.0"
        "only code that cannot be followed could have exported a variable",
    UnexportedParameter "unexported-parameter" Error Never "0.1.0"
        "a parameter of the trigger is read in the async stage and not exported",
    ShellVariableNotSent "shell-variable-not-sent" Warning Never "0.1.0"
        "an async stage counts on a variable of its parent's shell",
    ExportedSecret "exported-secret" Error Never "0.1.0"
        "a secret is exported: the payload is visible",
    SecretNotSent "secret-not-sent" Error Never "0.1.0"
        "the async stage reads a secret that only its parent has",
    FileNotSent "file-not-sent" Warning Never "0.1.0"
        "the async stage reads a file, result or data that only its parent wrote",
    RepoWithoutCommit "repo-without-commit" Warning Never "0.1.0"
        "the async stage uses a repo that is registered without url or commit",
    OneWayData "one-way-data" Error Never "0.1.0"
        "the parent reads what only the async stage sets",
    TriggerCycle "trigger-cycle" Error Never "0.1.0"
        "async stages trigger each other in an endless loop",
    UnreachableStage "unreachable-stage" Warning Never "0.1.0"
        "nothing starts a stage",
    UnusedExport "unused-export" Info Never "0.1.0"
        "no async stage reads an exported variable",
    OrphanExport "orphan-export" Warning Never "0.1.0"
        "an exported variable is never set, but a similar one is",
    ExportWithoutTrigger "export-without-trigger" Info Never "0.1.0"
        "variables are exported, and nothing is triggered",
    MissingScript "missing-script" Warning Never "0.1.0"
        "a script that is not in the repository is run or sourced",
    UnresolvedTrigger "unresolved-trigger" Info Never "0.1.0"
        "cannot tell which stage a trigger starts",
    SuspiciousCommand "suspicious-command" Warning Never "0.1.0"
        "a command does not do what it seems to do",
    InvalidShell "invalid-shell" Error Never "0.1.0"
        "shell syntax error",
    ContractMismatch "contract-mismatch" Error Never "0.1.0"
        "a contract (`x-async`) and the scripts disagree",
    PayloadTooLarge "payload-too-large" Warning Never "0.1.0"
        "the known part of a payload exceeds a limit of the platform",
    TektonUnsupported "tekton-unsupported" Error Never "0.1.0"
        "a cluster with Tekton cannot run what the configuration says",
    TektonDifference "tekton-difference" Info Never "0.1.0"
        "something runs otherwise on a cluster with Tekton",
    UnusedIgnore "unused-ignore" Warning Never "0.1.0"
        "a comment `# sidestage: ignore[..]` suppresses nothing",
];

impl RuleId {
    /// The rule of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == name)
    }

    /// Whether a finding could be untrue where part of the document was not understood. Without the rest, a stage that
    /// seems to be missing, or a variable that seems not to be exported, may be in it.
    pub fn needs_whole_document(self) -> bool {
        !matches!(self, Self::InvalidYaml | Self::DuplicateKey | Self::InvalidShell | Self::UnusedIgnore)
    }

    /// The address of its page.
    pub fn url(self) -> String {
        format!("https://sidestage.dev/rules/{}", self.name())
    }

    /// What to say of a name that no rule has.
    pub fn hint(name: &str) -> String {
        match suggest::nearest(name, Self::ALL.iter().map(|rule| rule.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sidestage rules` lists them".to_owned(),
        }
    }
}
