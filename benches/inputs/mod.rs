//! What is measured: one typical configuration, 500 of them, and sizes up to 20 MB.
#![allow(clippy::expect_used)] // a bench that cannot write has nothing to measure

use std::fmt::Write;
use std::path::Path;

/// How many small configurations `many` holds.
pub(crate) const MANY: usize = 500;

/// A script as people write them: tests, loops, substitutions, store commands, a sourced file.
const SCRIPT: &str = r#"    #!/usr/bin/env bash
    if [[ "$PIPELINE_DEBUG" == "1" ]]; then
      env
      trap env EXIT
      set -x
    fi
    cd "$WORKSPACE/$(load_repo app-repo path)"
    IMAGE="$(get_env registry-region us).icr.io/$(get_env registry-namespace)/$(get_env app-name):$(get_env image-tag latest)"
    for attempt in 1 2 3; do
      docker build --pull -t "$IMAGE" --build-arg COMMIT="$(git rev-parse HEAD)" . && break
      echo "attempt $attempt failed, trying again" >&2
      sleep 5
    done
    DIGEST=$(docker inspect --format='{{index .RepoDigests 0}}' "${IMAGE}" | awk -F@ '{print $2}')
    save_artifact app-image type=image "name=${IMAGE}" "digest=${DIGEST}" tags="$(get_env image-tag)"
    set_env image "$IMAGE@$DIGEST"
    source scripts/common
    if ! kubectl rollout status deploy/app --timeout=120s; then
      echo "the deployment did not come up"
      kubectl describe pods | tail -n 100
      exit 1
    fi
"#;

pub(crate) const COMMON: &str = r#"#!/usr/bin/env bash
retry() { local n=0; until "$@"; do n=$((n+1)); [[ $n -ge 5 ]] && return 1; sleep 1; done; }
URL="https://$(get_env app-name).example.com"
set_env app-url "$URL"
export_env app-url
"#;

const STAGES: [&str; 9] =
    ["setup", "test", "containerize", "sign-artifact", "deploy", "dynamic-scan", "acceptance-test", "owasp-zap", "finish"];

fn stage(out: &mut String, name: &str, index: usize, scripts: usize) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{name}:\n  image: icr.io/example/base@sha256:{index:064x}\n  abort_on_failure: false\n  script: |\n");
    for _ in 0..scripts {
        out.push_str(SCRIPT);
    }
    let _ = writeln!(out, "    set_env v{index} \"$(date)\"");
}

/// About 10 KB.
pub(crate) fn typical(number: usize) -> String {
    let mut text = "version: '1'\n".to_owned();
    for (index, name) in STAGES.iter().enumerate() {
        stage(&mut text, name, number + index, 1);
    }
    text.push_str("    trigger-task owasp-zap\n");
    text
}

/// A configuration of many stages, each of which sets, exports, reads and triggers.
pub(crate) fn large(bytes: usize) -> String {
    let mut text = "version: '1'\n".to_owned();
    let name = |index: usize| STAGES.get(index).map_or_else(|| format!("stage-{index}"), |name| (*name).to_owned());
    let mut index = 0;
    while text.len() < bytes {
        stage(&mut text, &name(index), index, 2);
        let (before, target) = (index.saturating_sub(1), index + 20);
        let _ = writeln!(text, "    export_env v{index}\n    get_env v{before} none\n    trigger-task stage-{target}");
        index += 1;
    }
    for last in index..index + 20 {
        let _ = writeln!(text, "stage-{last}:\n  script: echo");
    }
    text
}

/// The scripts of the typical configuration as a workflow, for a tool that reads workflows.
fn workflow() -> String {
    let mut text = "name: typical\non: push\npermissions: {}\njobs:\n".to_owned();
    for name in STAGES {
        let _ = write!(text, "  {name}:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n");
        for line in SCRIPT.lines() {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// Writes `one/`, `many/0/` .. `many/499/`, `large2/`, `large20/` and `workflow/` into a folder.
pub(crate) fn write(folder: &Path) {
    let write = |name: String, text: String| {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("scripts")).expect("a folder that can be made");
        std::fs::write(folder.join(".pipeline-config.yaml"), text).expect("a file that can be written");
        std::fs::write(folder.join("scripts/common"), COMMON).expect("a file that can be written");
    };
    write("one".to_owned(), typical(0));
    for number in 0..MANY {
        write(format!("many/{number}"), typical(number));
    }
    for megabytes in [2, 20] {
        write(format!("large{megabytes}"), large(megabytes * 1_000_000));
    }
    let workflows = folder.join("workflow/.github/workflows");
    std::fs::create_dir_all(&workflows).expect("a folder that can be made");
    std::fs::write(workflows.join("typical.yml"), workflow()).expect("a file that can be written");
}
