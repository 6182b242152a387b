//! How long a check takes: one typical configuration, 500 of them, and sizes up to 20 MB.
//!
//! `cargo bench` prints times and throughput. Whole processes are measured by the commands in
//! `docs/performance.md`; `cargo bench -- --write DIR` writes the same inputs there.
#![allow(missing_docs, clippy::expect_used)] // made by macros; a bench that cannot write has nothing to measure

use std::fmt::Write;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use rayon::prelude::*;
use sidestage_compiler::compilation::{Compilation, Options, compile};
use sidestage_compiler::source::MemoryFiles;

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

const COMMON: &str = r#"#!/usr/bin/env bash
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
fn typical(number: usize) -> String {
    let mut text = "version: '1'\n".to_owned();
    for (index, name) in STAGES.iter().enumerate() {
        stage(&mut text, name, number + index, 1);
    }
    text.push_str("    trigger-task owasp-zap\n");
    text
}

/// A configuration of many stages, each of which sets, exports, reads and triggers.
fn large(bytes: usize) -> String {
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

fn check(text: &str) -> Compilation {
    let files = MemoryFiles::new([("scripts/common", COMMON)]);
    compile(".pipeline-config.yaml", text.as_bytes(), &files, &Options::default())
}

fn benches(criterion: &mut Criterion) {
    let one = typical(0);
    let mut group = criterion.benchmark_group("check");
    group.throughput(Throughput::Bytes(one.len() as u64));
    group.bench_function("one typical configuration", |bencher| bencher.iter(|| check(&one)));
    let many: Vec<String> = (0..500).map(typical).collect();
    group.throughput(Throughput::Bytes(many.iter().map(|text| text.len() as u64).sum()));
    group.sample_size(10);
    group.bench_function("500 configurations", |bencher| {
        bencher.iter(|| many.par_iter().map(|text| check(text).findings.len()).sum::<usize>());
    });
    for megabytes in [2, 20] {
        let text = large(megabytes * 1_000_000);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("megabytes", megabytes), &text, |bencher, text| bencher.iter(|| check(text)));
    }
    group.finish();
}

/// Writes the inputs, for whole processes: `one/`, `many/0/` .. `many/499/`, `large2/`, `large20/`.
fn write_inputs(folder: &Path) {
    let write = |name: String, text: String| {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("scripts")).expect("a folder that can be made");
        std::fs::write(folder.join(".pipeline-config.yaml"), text).expect("a file that can be written");
        std::fs::write(folder.join("scripts/common"), COMMON).expect("a file that can be written");
    };
    write("one".to_owned(), typical(0));
    for number in 0..500 {
        write(format!("many/{number}"), typical(number));
    }
    for megabytes in [2, 20] {
        write(format!("large{megabytes}"), large(megabytes * 1_000_000));
    }
}

criterion_group!(all, benches);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--write") {
        write_inputs(Path::new(arguments.get(at + 1).map_or("target/bench-inputs", String::as_str)));
        return;
    }
    all();
    Criterion::default().configure_from_args().final_summary();
}
