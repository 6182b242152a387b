//! What the short scripts say of themselves: their help.

/// `bin/trigger-task`.
pub(super) const TRIGGER_TASK: &str = "\
Usage: trigger-task STAGE [LABEL]

Starts an async stage of the configuration in a small pipeline run of its own, and does not wait for it. Put
this folder first on PATH, and every `trigger-task` of a script means this one. The label means nothing.
Exit codes: see lib.sh.";

/// `trigger/STAGE.sh`.
pub(super) const TRIGGER: &str = "\
Starts the async stage STAGE in a small pipeline run of its own, and does not wait for it: makes sure of
webhook and token, calls the webhook with what the stage gets (stages.sh), and registers the run for
list-async-runs.sh. Sourced or run, it changes nothing of the shell. Exit codes: see lib.sh.

Reads PIPELINE_ID, PIPELINE_NAME, PIPELINE_RUN_ID, PIPELINE_RUN_URL, PIPELINE_CONFIG_REPO_PATH,
PIPELINE_CONFIG_PATH, WORKSPACE, CONFIG_DIR, and what setup-webhook.sh reads.";

/// `trigger/STAGE.sh` where the platform makes the call.
pub(super) const TRIGGER_BY_PLATFORM: &str = "\
Starts the async stage STAGE by the platform's own trigger-task: checks what the stage needs, exports it, and
makes the call. Sourced or run, it changes nothing of the shell. Exit codes: see lib.sh, else those of trigger-task.

Reads ONE_PIPELINE_PATH, where trigger-task is no command yet.";

/// `setup-webhook.sh`.
pub(super) const SET_UP: &str = "\
Usage: setup-webhook.sh [--enable]

Makes sure that this pipeline can start its async stages: that it has the webhook trigger, and that trigger and
secure property hold the token of this run. A second run changes nothing. What users added (worker, properties,
tags, filter) stays as it is. Exit codes: see lib.sh.
  --enable  enables the trigger where it is disabled

Reads PIPELINE_ID, IAM_ACCESS_TOKEN (else the API key, by get_secret or get_env ibmcloud-api-key),
CD_TEKTON_PIPELINE_URL (else IBM_CLOUD_REGION), CD_TEKTON_PIPELINE_AUTH_URL, SIDESTAGE_RETRIES,
SIDESTAGE_RETRY_DELAY, SIDESTAGE_RETRY_CAP, SIDESTAGE_TIMEOUT and SIDESTAGE_DEADLINE (seconds).";

/// `list-async-runs.sh`.
pub(super) const LIST: &str = "\
Usage: list-async-runs.sh [--wait [--timeout SECONDS] [--interval SECONDS]] [--format text|json]

Lists every async stage that this run has started, in the order of their start: stage, run, status and address,
on stdout. Run it at the end of the parent run. A status that cannot be learnt is listed as unknown.
  --wait    returns when all have ended, or after --timeout (3600): 0 all succeeded, 1 one did not, 8 the time is over
  --format  json: as `sidestage schema async-runs` says

Exit codes: see lib.sh. Reads what setup-webhook.sh reads.";

/// `async-stage.sh`.
pub(super) const RECEIVE: &str = "\
The receiving side of an async run: reads the payload of the webhook, loads the data of the parent run, clones
its repositories at their commits, and hands over to the script of the stage. The payload is data: nothing in it
is evaluated. Exit codes: see lib.sh, else that of the stage's script.

Reads TRIGGER_PAYLOAD_PATH, WORKSPACE, SIDESTAGE_RETRIES, SIDESTAGE_RETRY_DELAY, SIDESTAGE_RETRY_CAP and SIDESTAGE_DEADLINE
(seconds), and the secret git-token, for repositories that need one.";
