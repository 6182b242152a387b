//! How long a check takes in the library. `cargo bench --bench check` prints times and throughput;
//! `-- --write DIR` writes the inputs there. Whole processes are measured by the bench `process`.
#![allow(missing_docs)] // made by macros

mod inputs;

use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use rayon::prelude::*;
use sidestage_compiler::compilation::{Compilation, Options, compile};
use sidestage_compiler::source::MemoryFiles;

use inputs::{COMMON, MANY, large, typical};

fn check(text: &str) -> Compilation {
    let files = MemoryFiles::new([("scripts/common", COMMON)]);
    compile(".pipeline-config.yaml", text.as_bytes(), &files, &Options::default())
}

fn benches(criterion: &mut Criterion) {
    let one = typical(0);
    let mut group = criterion.benchmark_group("check");
    group.throughput(Throughput::Bytes(one.len() as u64));
    group.bench_function("one typical configuration", |bencher| bencher.iter(|| check(&one)));
    let many: Vec<String> = (0..MANY).map(typical).collect();
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

criterion_group!(all, benches);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--write") {
        inputs::write(Path::new(arguments.get(at + 1).map_or("target/bench-inputs", String::as_str)));
        return;
    }
    all();
    Criterion::default().configure_from_args().final_summary();
}
