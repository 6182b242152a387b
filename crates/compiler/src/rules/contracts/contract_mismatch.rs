//! `contract-mismatch`: a contract and the scripts disagree.

use crate::diagnostics::suggest;
use crate::diagnostics::{Finding, RuleId};
use crate::rules::Context;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::config::{Contract, DeclaredRead, Format, Named, Pattern, Stage, StageId, Target};
use crate::flow::{Certainty, Read, StageFlow, Trigger};
use crate::origin::{Origin, is_given};
use crate::platform::{self, PipelineKind, StoreKind};
use crate::source::Location;
use crate::syntax::shell::{self, Statement, StatementKind};

pub(crate) const PAGE: &str = r#"## What it does
Compares what a stage declares under `x-async` with what the scripts do, in both directions: variables that are declared
but never read, or read but not declared; stages in `triggered-by` that never trigger it, or that trigger it and are not
listed; triggers that do not send what is `required`; an optional variable that the script needs; a `default` that does
not match its own `pattern`.

## Why is this bad
The trigger scripts enforce the contract before a run is started. Where it is wrong, they refuse runs that would work,
or start runs that cannot.

## How to fix
* Declare under `reads` what the script reads with `get_env`, and remove what it does not read.
* List under `triggered-by` exactly the stages that trigger this one, in format 2 the steps.
* Set and export what is `required` before each trigger, or give it a `default`.

## Example
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(kubectl get ingress app --output name)"
    export_env app-url
    trigger-task owasp-zap
owasp-zap:
  x-async:
    triggered-by: [deploy]
    reads:
      app-ulr: {required: true, pattern: "^https?://"}
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url)" --level "$(get_env scan-level low)"
```

## Use instead
```yaml .pipeline-config.yaml
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(kubectl get ingress app --output name)"
    export_env app-url
    trigger-task owasp-zap
owasp-zap:
  x-async:
    triggered-by: [dynamic-scan]
    reads:
      app-url: {required: true, pattern: "^https?://"}
      scan-level: {default: low}
  script: |
    #!/usr/bin/env bash
    zap --target "$(get_env app-url)" --level "$(get_env scan-level low)"
```

## In the other format
```yaml .pipeline-config.yaml
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: dynamic-scan
        script: |
          #!/usr/bin/env bash
          set_env app-url "https://$(kubectl get ingress app --output name)"
          export_env app-url
          trigger-task owasp-zap
  async-stage:
    steps:
      - name: owasp-zap
        x-async:
          triggered-by: [deploy]
          reads:
            app-ulr: {required: true, pattern: "^https?://"}
        script: |
          #!/usr/bin/env bash
          zap --target "$(get_env app-url)" --level "$(get_env scan-level low)"
```

## When to ignore
Ignore it if a program that is not a shell script reads a declared variable: such reads are not seen. A property of the
pipeline does not have to be in the contract once it is listed under `properties` in `.sidestage.yaml`.
"#;

pub(crate) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let triggering = triggering(context);
    for (id, stage) in context.model.stages() {
        let Some(contract) = &stage.contract else { continue };
        // What cannot be triggered has no contract: `misplaced-key` says so.
        if context.model.target(&stage.name.name) == Target::Stage(id) {
            let checked = Checked { context, id, stage, contract, flow: context.flow.stage(id) };
            checked.variables(findings);
            checked.defaults(findings);
            checked.parents(&triggering, findings);
        }
    }
    unsent(context, findings);
}

/// A place that triggers, and the stage that runs it.
struct Triggering<'a> {
    from: StageId,
    trigger: &'a Trigger,
    pipeline: Option<PipelineKind>,
}

/// Everything that triggers, in every pipeline, and in stages that none runs.
fn triggering<'a>(context: &Context<'a>) -> Vec<Triggering<'a>> {
    let mut all = Vec::new();
    let mut composed = BTreeSet::new();
    for pipeline in &context.flow.pipelines {
        for (from, flow) in pipeline.flows() {
            composed.insert(from);
            all.extend(flow.triggers().map(|trigger| Triggering { from, trigger, pipeline: Some(pipeline.kind) }));
        }
    }
    for (from, _) in context.model.stages().filter(|(id, _)| !composed.contains(id)) {
        let triggers = context.flow.stage(from).triggers();
        all.extend(triggers.map(|trigger| Triggering { from, trigger, pipeline: None }));
    }
    all
}

/// A stage with a contract.
struct Checked<'a> {
    context: &'a Context<'a>,
    id: StageId,
    stage: &'a Stage,
    contract: &'a Contract,
    flow: &'a StageFlow,
}

impl Checked<'_> {
    fn name(&self) -> &CompactString {
        &self.stage.name.name
    }

    fn finding(&self, at: Location, message: String) -> Finding {
        Finding::new(RuleId::ContractMismatch, at, message).stage(self.name().clone())
    }

    fn variables(&self, findings: &mut Vec<Finding>) {
        let Some(declared) = &self.contract.reads else { return };
        let mut undeclared: BTreeMap<&str, Vec<&Read>> = BTreeMap::new();
        for read in self.flow.reads() {
            let Some(key) = read.key.as_ref().filter(|_| read.kind == StoreKind::Env && read.own.is_none()) else { continue };
            if self.contract.read(key).is_none() && !is_given(key, self.context.settings) {
                undeclared.entry(key).or_default().push(read);
            }
        }
        for variable in &declared.items {
            if let Some(meant) = self.never_read(variable, &undeclared, findings) {
                // One slip, one finding.
                undeclared.remove(meant.as_str());
            }
            self.optional_but_needed(variable, findings);
        }
        for (key, reads) in undeclared {
            let message = format!("`{key}` is not declared in the contract of `{}`", self.name());
            let help = format!("declare `{key}` under `reads`, or list it under `properties` in `.sidestage.yaml` if every run has it");
            let mut finding = self.finding(reads[0].place, message).label("read here").help(help).variable(key);
            finding.relate(self.context.at(declared.span), "the contract declares its variables here");
            for other in &reads[1..] {
                finding.relate(other.place, "also read here");
            }
            findings.push(finding);
        }
    }

    /// A variable that is declared, while nothing reads it; gives the name that is read and was probably meant.
    fn never_read(&self, variable: &DeclaredRead, undeclared: &BTreeMap<&str, Vec<&Read>>, findings: &mut Vec<Finding>) -> Option<String> {
        let key = &variable.name.name;
        let is_read = |kind| self.flow.reads().find(|read| read.kind == kind && read.key.as_ref().is_none_or(|read| read == key));
        let is_known = is_followed(self.stage, self.flow);
        if !is_known || is_read(StoreKind::Env).is_some() {
            return None;
        }
        let message = format!("`{key}` is declared but never read by `{}`", self.name());
        let mut finding = self.finding(self.context.at(variable.name.span), message).label("no `get_env` reads it").variable(key.clone());
        let meant = suggest::nearest(key, undeclared.keys().copied()).map(str::to_owned);
        if let Some(meant) = &meant {
            finding = finding.help(format!("did you mean `{meant}`? Or correct the read"));
            for read in &undeclared[meant.as_str()] {
                finding.relate(read.place, format!("`{meant}` is read here"));
            }
        } else if let Some(secret) = is_read(StoreKind::Secret) {
            finding.relate(secret.place, "read as a secret here");
            finding = finding.help("remove it: secrets are never sent, the stage reads a secure property of the pipeline");
        } else {
            finding = finding.help(format!("remove it, or read it with `get_env \"{key}\"`"));
        }
        findings.push(finding);
        meant
    }

    /// `required: false` without a default, while the script fails without the variable.
    fn optional_but_needed(&self, variable: &DeclaredRead, findings: &mut Vec<Finding>) {
        let key = &variable.name.name;
        if variable.required != Some(false) || variable.default.is_some() || is_given(key, self.context.settings) {
            return;
        }
        let reads: Vec<&Read> = self.flow.reads().filter(|read| read.kind == StoreKind::Env && read.key.as_ref() == Some(key)).collect();
        // A script that tests first may skip the read.
        if reads.iter().any(|read| !read.needs_key()) {
            return;
        }
        let Some(read) = reads.iter().find(|read| self.is_surely_run(read.place)) else { return };
        let message = format!("`{key}` is optional, but `{}` needs it", self.name());
        let help = "write `required: true`, or give it a `default`";
        let finding = self.finding(self.context.at(variable.name.span), message).label("not required, and without a default");
        let mut finding = finding.help(help).variable(key.clone());
        finding.relate(read.place, "fails here if it is not sent");
        findings.push(finding);
    }

    /// Whether a place of the stage's own script is under no condition, and after none that could end the script.
    fn is_surely_run(&self, place: Location) -> bool {
        let script = self.stage.script.filter(|_| place.file == self.context.file);
        let Some((text, map)) = script.and_then(|script| self.context.document.script(self.context.text, script)) else { return false };
        let script = shell::parse(text.as_bytes(), &map);
        let is_plain = |statement: &&Statement| {
            matches!(
                statement.kind,
                StatementKind::Command(_)
                    | StatementKind::Assign(_)
                    | StatementKind::Declare(_)
                    | StatementKind::Pipe(_)
                    | StatementKind::Function(_)
            )
        };
        let holds = |statement: &Statement| statement.span.start <= place.span.start && place.span.end <= statement.span.end;
        let found = script.body.iter().take_while(is_plain).find(|statement| holds(statement));
        found.is_some_and(|statement| !matches!(statement.kind, StatementKind::Function(_)))
    }

    fn defaults(&self, findings: &mut Vec<Finding>) {
        for variable in self.contract.declared() {
            let (Some(default), Some(pattern)) = (&variable.default, &variable.pattern) else { continue };
            if Pattern::new(&pattern.text).ok().and_then(|known| known.is_match(&default.text)) == Some(false) {
                let key = &variable.name.name;
                let message = format!("the default of `{key}` does not match its pattern");
                let help = "write a default that matches, or a pattern that allows this one";
                let finding = self.finding(self.context.at(default.span), message).label("runs that need it are refused");
                let mut finding = finding.help(help).variable(key.clone());
                finding.relate(self.context.at(pattern.span), "the pattern is here");
                findings.push(finding);
            }
        }
    }

    fn parents(&self, triggering: &[Triggering<'_>], findings: &mut Vec<Finding>) {
        let Some(listed) = &self.contract.triggered_by else { return };
        let starts_it = |site: &&Triggering<'_>| site.trigger.names.iter().any(|name| name == self.name());
        for parent in &listed.items {
            self.parent(parent, triggering, findings);
        }
        let mut unlisted: BTreeMap<(Location, StageId), Finding> = BTreeMap::new();
        for site in triggering.iter().filter(starts_it) {
            let from = &self.context.model.stage(site.from).name.name;
            if listed.items.iter().any(|parent| parent.name == *from) {
                continue;
            }
            let finding = unlisted.entry((site.trigger.place, site.from)).or_insert_with(|| {
                let message = format!("`{from}` is not listed in `triggered-by` of `{}`", self.name());
                let finding = self.finding(site.trigger.place, message).label(format!("`{from}` triggers it here"));
                let mut finding = finding.help(format!("add `{from}` to `triggered-by`"));
                finding.relate(self.context.at(listed.span), "the contract lists its parents here");
                finding
            });
            if let Some(pipeline) = site.pipeline {
                finding.holds_in(pipeline);
            }
        }
        findings.extend(unlisted.into_values());
    }

    fn parent(&self, parent: &Named, triggering: &[Triggering<'_>], findings: &mut Vec<Finding>) {
        let model = self.context.model;
        let stages: Vec<(StageId, &Stage)> = model.stages().filter(|(_, stage)| stage.name.name == parent.name).collect();
        let what = if model.format == Format::V1 { "stage" } else { "step" };
        let at = self.context.at(parent.span);
        if stages.is_empty() {
            // The platform's own script of a stage that is not configured may trigger anything.
            let is_base_step = platform::base_tasks().iter().any(|task| task.steps.contains(&parent.name.as_str()));
            if is_base_step || platform::is_built_in_stage(&parent.name) {
                return;
            }
            let message = format!("`triggered-by` of `{}` names an unknown {what} `{}`", self.name(), parent.name);
            let names = model.stages().map(|(_, stage)| stage.name.name.as_str());
            let is_task = model.tasks.iter().any(|task| task.name.name == parent.name);
            let help = match suggest::nearest(&parent.name, names) {
                _ if is_task => format!("`{}` is a task: name the step of it whose script triggers `{}`", parent.name, self.name()),
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("name the {what} whose script triggers `{}`", self.name()),
            };
            findings.push(self.finding(at, message).help(help));
            return;
        }
        let triggers_it = |site: &Triggering<'_>| {
            stages.iter().any(|(id, _)| *id == site.from) && site.trigger.names.iter().any(|name| name == self.name())
        };
        let is_known = stages.iter().all(|(id, stage)| {
            let flow = self.context.flow.stage(*id);
            let names_it = |trigger: &Trigger| trigger.unknown.is_some() || trigger.names.iter().any(|name| name == self.name());
            is_followed(stage, flow) && !flow.triggers().any(names_it)
        });
        if !is_known || triggering.iter().any(triggers_it) {
            return;
        }
        let message = format!("`{}` never triggers `{}`", parent.name, self.name());
        let help = format!("remove it from `triggered-by`, or add `trigger-task {}` to its script", self.name());
        let mut finding = self.finding(at, message).label("its contract lists it here").help(help);
        for (_, stage) in stages.iter().filter(|(id, _)| *id != self.id) {
            finding.relate(self.context.at(stage.name.span), format!("the {what} is here"));
        }
        findings.push(finding);
    }
}

/// Triggers that do not send what a contract requires. What the parent sets and does not export, or exports too late,
/// other rules report.
fn unsent(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut unsent: BTreeMap<(Location, CompactString, CompactString), Finding> = BTreeMap::new();
    for pipeline in &context.flow.pipelines {
        for run in &pipeline.runs {
            let target = context.model.stage(run.target);
            let Some(contract) = &target.contract else { continue };
            for crossing in &run.crossings {
                let key = &crossing.key;
                let Some(declared) = contract.read(key).filter(|read| read.required == Some(true) && read.default.is_none()) else {
                    continue;
                };
                if crossing.is_widened() || Origin::of(crossing, context.settings) != Origin::Unknown {
                    continue;
                }
                let name = &target.name.name;
                let finding = unsent.entry((run.trigger.place, name.clone(), key.clone())).or_insert_with(|| {
                    let message = format!("`{key}` is required by the contract of `{name}`");
                    let help = format!(
                        "add `set_env \"{key}\" VALUE` and `export_env \"{key}\"` before the trigger, or list it under `properties` in `.sidestage.yaml` if every run has it"
                    );
                    let finding = Finding::new(RuleId::ContractMismatch, run.trigger.place, message);
                    let finding = finding.label("neither set nor exported before this trigger");
                    let mut finding = finding.help(help).stage(name.clone()).variable(key.clone());
                    finding.relate(context.at(declared.name.span), "required here");
                    for read in crossing.reads.iter().filter(|read| read.own != Some(Certainty::Yes)) {
                        finding.relate(read.place, "read here");
                    }
                    finding
                });
                finding.holds_in(pipeline.kind);
            }
        }
    }
    findings.extend(unsent.into_values());
}

/// Whether everything that a stage does is known: it has a script of its own, and all of it is followed.
fn is_followed(stage: &Stage, flow: &StageFlow) -> bool {
    stage.script.is_some() && flow.opaque().next().is_none() && flow.programs().next().is_none()
}
