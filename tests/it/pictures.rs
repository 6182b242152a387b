//! The graph as pictures: what they show, how they grow, and the page in a real browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::repository::{Ran, Repository};
use crate::harness::service::in_repository;

/// A configuration of format 1 from its stages.
fn config(stages: &[(&str, &str)]) -> Repository {
    let stage = |(name, script): &(&str, &str)| {
        let lines: String = script.lines().map(|line| format!("    {line}\n")).collect();
        format!("{name}:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n{lines}")
    };
    Repository::with_config(format!("version: '1'\n{}", stages.iter().map(stage).collect::<String>()))
}

fn graph(repository: &Repository, format: &str) -> String {
    let Ran { code, stdout, stderr } = repository.run(&["graph", "--pipeline", "ci", "--format", format]);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

/// The parts of a picture of a class, each as its words: title and text.
fn parts(svg: &str, class: &str) -> Vec<String> {
    let begin = format!("<g class=\"{class}");
    let whole = svg.split("<g class=\"legend\"").next().unwrap();
    let part = |rest: &str| {
        let inside = rest.split("</g>").next().unwrap();
        let between = |open: &str, close: &str| inside.split(open).nth(1).map_or("", |rest| rest.split(close).next().unwrap()).to_owned();
        format!("{} | {}", between("text-anchor=\"middle\">", "</text>"), between("<title>", "</title>").replace("&#10;", "; "))
    };
    whole.split(&begin).skip(1).map(part).collect()
}

const TRIGGER: &str = "set_env a x\nexport_env a\nset_env b x\nset_env c x\nif [ \"$X\" ]; then export_env c; fi\nset_env d x\nexport_env d\ntrigger-task scan";

#[test]
fn a_variable_beside_an_async_stage_says_what_happens_to_it_and_where() {
    let svg = graph(&config(&[("deploy", TRIGGER), ("scan", "get_env a\nget_env b\nget_env c")]), "svg");
    assert_eq!(parts(&svg, "node async"), ["scan | scan: async stage; at .pipeline-config.yaml:14"]);
    assert_eq!(
        parts(&svg, "chip lost"),
        ["b \u{d7} | b; set at .pipeline-config.yaml:8; never exported; read at .pipeline-config.yaml:19"]
    );
    assert_eq!(
        parts(&svg, "chip partly"),
        [
            "c? | c; set at .pipeline-config.yaml:9; exported on only some paths, at .pipeline-config.yaml:10; read at .pipeline-config.yaml:20"
        ]
    );
    assert_eq!(
        parts(&svg, "chip sent"),
        ["a | a; set at .pipeline-config.yaml:6; exported at .pipeline-config.yaml:7; read at .pipeline-config.yaml:18"]
    );
    assert_eq!(parts(&svg, "chip unread"), ["+1 not read | d; exported at .pipeline-config.yaml:12"]);
    for words in ["exported, read", "read, not exported", "exported on some paths", "exported, not read"] {
        assert!(svg.contains(words), "the legend has {words}");
    }
    assert!(!svg.contains("another trigger of it") && !svg.contains(">cycle<"), "the legend has only what occurs");
}

#[test]
fn conditions_missing_stages_further_triggers_and_cycles_are_drawn_as_such() {
    let stages = [
        ("deploy", "if [ \"$X\" ]; then trigger-task scan; fi\ntrigger-task gone"),
        ("release", "trigger-task scan\ntrigger-task loop"),
        ("scan", "echo"),
        ("loop", "trigger-task loop"),
        ("idle", "echo"),
    ];
    let repository = config(&stages);
    let svg = graph(&repository, "svg");
    assert_eq!(parts(&svg, "edge trigger dashed").len(), 1, "one trigger under a condition");
    assert_eq!(parts(&svg, "node missing"), ["gone | gone: not in this configuration; triggered at .pipeline-config.yaml:7"]);
    assert_eq!(parts(&svg, "node async again").len(), 2, "scan once more, and loop by itself");
    assert_eq!(parts(&svg, "edge again").len(), 2);
    assert!(parts(&svg, "edge trigger cycle")[0].contains("part of a cycle"));
    assert!(svg.contains("Started by nothing") && parts(&svg, "node async").iter().any(|part| part.starts_with("idle |")));
    let json: serde_json::Value = serde_json::from_str(&graph(&repository, "json")).unwrap();
    let node = json["nodes"].as_array().unwrap().iter().find(|node| node["id"] == "gone").unwrap();
    assert_eq!((&node["missing"], &node["async"]), (&true.into(), &true.into()));
    let cycle = json["edges"].as_array().unwrap().iter().filter(|edge| edge["cycle"] == true);
    assert_eq!(cycle.map(|edge| (edge["from"].as_str(), edge["to"].as_str())).collect::<Vec<_>>(), [(Some("loop"), Some("loop"))]);
    let mermaid = graph(&repository, "mermaid");
    assert!(mermaid.starts_with("---\ntitle: \".pipeline-config.yaml\"\n---\nflowchart LR\n"), "{mermaid}");
    assert!(mermaid.contains("([\"gone\"]):::missing") && mermaid.contains("([\"scan\"]):::async"), "{mermaid}");
    assert!(mermaid.contains("linkStyle") && mermaid.contains("-.->") && mermaid.contains("==>"), "{mermaid}");
}

#[test]
fn tasks_that_wait_for_each_other_are_linked_in_red() {
    let svg = fs::read_to_string(in_repository("fixtures/dependency-cycle/.pipeline-config.yaml")).unwrap();
    let repository = Repository::with_config(svg);
    let svg = graph(&repository, "svg");
    assert!(!parts(&svg, "edge order cycle").is_empty(), "{svg}");
    assert!(graph(&repository, "dot").contains("style=dotted, color=\"#cf222e\""));
    let sound = graph(&config(&[("setup", "echo"), ("deploy", "echo")]), "svg");
    assert!(parts(&sound, "edge order cycle").is_empty() && parts(&sound, "edge order").len() == 1);
}

#[test]
fn order_that_follows_from_other_links_is_left_out() {
    let task = |name: &str, after: &str, step: &str| {
        format!(
            "  {name}:
{after}    steps:
      - {{name: {step}, image: x, script: echo}}
"
        )
    };
    let text = format!(
        "version: '2'
tasks:
{}{}{}",
        task("code-build", "", "a"),
        task(
            "two",
            "    runAfter: [code-build]
",
            "b"
        ),
        task(
            "three",
            "    runAfter: [code-build, two]
",
            "c"
        )
    );
    let json: serde_json::Value = serde_json::from_str(&graph(&Repository::with_config(text), "json")).unwrap();
    let edges = json["edges"].as_array().unwrap().iter();
    let order = edges.map(|edge| format!("{} {}", edge["from"].as_str().unwrap(), edge["to"].as_str().unwrap()));
    assert_eq!(order.collect::<Vec<_>>(), ["code-build/a two/b", "two/b three/c"]);
}

#[test]
fn pipelines_that_do_the_same_are_drawn_once() {
    let whole = |stages: &[(&str, &str)]| config(stages).run(&["graph", "--format", "svg"]).stdout;
    let svg = whole(&[("dynamic-scan", "trigger-task scan"), ("scan", "echo")]);
    assert!(svg.contains("CI and CC pipelines: .pipeline-config.yaml") && parts(&svg, "node async").len() == 1, "{svg}");
    let svg = whole(&[("dynamic-scan", "trigger-task scan"), ("scan", "echo"), ("release", "echo")]);
    assert!(svg.contains(">CI pipeline: ") && svg.contains(">CC pipeline: "), "{svg}");
}

/// Stages that each export one more variable, and trigger an async stage that reads two of them.
fn growing(number: usize) -> Repository {
    let mut script = String::new();
    let mut stages = Vec::new();
    for at in 0..number {
        script += &format!("set_env var-{at} x\nexport_env var-{at}\ntrigger-task stage-{at}\n");
        stages.push((format!("stage-{at}"), format!("get_env var-{at}\nget_env var-{}", at.saturating_sub(1))));
    }
    let mut all = vec![("deploy", script.as_str())];
    all.extend(stages.iter().map(|(name, script)| (name.as_str(), script.as_str())));
    config(&all)
}

#[test]
fn a_picture_grows_with_the_stages_and_not_with_their_square() {
    let size = |number| {
        let svg = graph(&growing(number), "svg");
        let height: usize = svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let width: usize = svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        (svg.len(), height, width, parts(&svg, "chip").len())
    };
    let (bytes, height, width, chips) = size(250);
    let (more_bytes, more_height, more_width, more_chips) = size(1_000);
    // "+999 not read" needs a little more than "+99 not read".
    assert!(more_bytes < bytes * 9 / 2 && more_height < height * 41 / 10 && more_width < width + 60);
    assert_eq!((chips, more_chips), (250 * 3 - 3, 1_000 * 3 - 3));
}

#[test]
fn what_mermaid_cannot_draw_is_refused_with_what_to_do() {
    let ran = growing(1_000).run(&["graph", "--format", "mermaid"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("at most 50000") && ran.stderr.contains("`--format svg`"), "{}", ran.stderr);
    let small = graph(&growing(9), "mermaid");
    assert!(small.contains("|\"var-7<br/>var-8<br/>+7 not read\"|"), "{small}");
}

#[test]
fn the_output_file_says_the_format() {
    let repository = config(&[("deploy", TRIGGER), ("scan", "get_env a")]);
    for (name, begins) in
        [("g.svg", "<svg"), ("g.html", "<!doctype html>"), ("g.mmd", "---"), ("g.json", "{"), ("g.gv", "digraph"), ("g", "digraph")]
    {
        let ran = repository.run(&["graph", "--output", name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
        assert!(fs::read_to_string(repository.path().join(name)).unwrap().starts_with(begins), "{name}");
    }
    assert_eq!(repository.run(&["graph", "-o", "no/folder.svg"]).code, Some(2));
    let unknown = repository.run(&["graph", "-o", "g.png"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("name it with `--format`"), "{}", unknown.stderr);
    assert!(!repository.path().join("g.png").exists());
}

#[test]
fn a_picture_is_xml_whatever_the_names_are() {
    let names = ["a&b", "<script>", "\"q\"", "\\u0001c", "名前の長いステージ"];
    let stages: String = names.iter().map(|name| format!("\"{}\":\n  script: get_env '{}'\n", name.replace('"', "\\\""), "x")).collect();
    let triggers: String = names.iter().map(|name| format!("    trigger-task '{name}'\n")).collect();
    let text = format!("version: '1'\ndeploy:\n  script: |\n    set_env '<&\">' x; export_env '<&\">'\n{triggers}{stages}");
    let repository = Repository::with_config(text);
    for format in ["svg", "html"] {
        let file = repository.path().join(format!("g.{format}"));
        fs::write(&file, graph(&repository, format)).unwrap();
    }
    let read = "import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])";
    let output = Command::new("python3").args(["-c", read]).arg(repository.path().join("g.svg")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(repository.path().join("g.html")).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "a name is no markup");
}

#[test]
fn the_page_works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("graph.html");
    let fixture = in_repository("fixtures/zap-unexported");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
    assert!(command.current_dir(fixture).args(["graph", "--output"]).arg(&page).status().unwrap().success());
    let screens = in_repository("target/screens");
    fs::create_dir_all(&screens).unwrap();
    let printed = browser("graph-page.mjs", &[("PAGE", &page), ("SCREENS", &screens)]);
    assert!(printed.contains("# pass 13\n") && printed.contains("# fail 0"), "{printed}");
    assert!(screens.join("page-dark.png").exists());
}

/// Runs a suite of `tests/clients/node` that drives Chromium.
fn browser(suite: &str, variables: &[(&str, &Path)]) -> String {
    let clients = in_repository("target/clients/node");
    assert!(clients.join("node_modules/playwright-core").exists(), "playwright-core is missing: `./test.sh` installs it");
    let mut command = Command::new("node");
    command.arg("--test").arg(in_repository("tests/clients/node").join(suite)).env("CLIENTS", clients).envs(variables.iter().copied());
    let output = command.output().expect("node: `./test.sh` installs it");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}");
    printed
}
