//! The spanned tree to the model. Nothing here fails: what has the wrong shape is left out, and the schema says why.

use compact_str::CompactString;

use super::{Contract, Format, Model, Named, Runs, Stage, StageId, Task, TaskId};
use crate::platform;
use crate::syntax::yaml::{Document, Entry, NodeId, NodeKind};

/// Reads a configuration of a known format.
pub fn read(document: &Document, text: &str, format: Format) -> Model {
    let mut reader = Reader { document, text, format, stages: Vec::new(), tasks: Vec::new() };
    if let Some(root) = document.root() {
        match format {
            Format::V1 => reader.stages_of_v1(root),
            Format::V2 => {
                reader.tasks_of(root, "tasks", false);
                reader.tasks_of(root, "finally", true);
            }
        }
    }
    let Reader { stages, tasks, .. } = reader;
    Model::new(format, stages, tasks)
}

struct Reader<'a> {
    document: &'a Document,
    text: &'a str,
    format: Format,
    stages: Vec<Stage>,
    tasks: Vec<Task>,
}

impl Reader<'_> {
    fn stages_of_v1(&mut self, root: NodeId) {
        for entry in self.document.entries(root).to_vec() {
            let Some(name) = self.named(entry.key) else { continue };
            let is_meta = matches!(name.name.as_str(), "version" | "preprocessor_version");
            let is_stage = matches!(self.document.resolve(entry.value).1.kind, NodeKind::Mapping(_));
            if is_meta || !is_stage {
                continue;
            }
            let stage = self.stage(name, entry.value, None);
            self.stages.push(stage);
        }
    }

    fn tasks_of(&mut self, root: NodeId, section: &str, is_finally: bool) {
        let Some(tasks) = self.document.get(self.text, root, section) else { return };
        for Entry { key, value } in self.document.entries(tasks).to_vec() {
            let Some(name) = self.named(key) else { continue };
            let id = TaskId(self.tasks.len() as u32);
            let mut task = Task {
                name,
                node: value,
                steps: Vec::new(),
                runs: self.runs(value),
                run_after: self.names(value, "runAfter"),
                from: self.get(value, "from").and_then(|node| self.named(node)),
                is_finally,
            };
            for step in self.get(value, "steps").map(|steps| self.document.items(steps).to_vec()).unwrap_or_default() {
                let Some(name) = self.get(step, "name").and_then(|node| self.named(node)) else { continue };
                let mut stage = self.stage(name, step, Some(id));
                if task.runs != Runs::Always && stage.runs == Runs::Always {
                    stage.runs = task.runs;
                }
                task.steps.push(StageId(self.stages.len() as u32));
                self.stages.push(stage);
            }
            self.order_steps(&mut task);
            self.tasks.push(task);
        }
    }

    /// The platform runs the steps of its tasks in its own order, whatever the file's is.
    fn order_steps(&self, task: &mut Task) {
        let like = task.from.as_ref().unwrap_or(&task.name);
        let Some(base) = platform::base_task(&like.name).filter(|base| !base.steps.is_empty()) else { return };
        let place = |id: &StageId| base.steps.iter().position(|step| *step == self.stages[id.0 as usize].name.name);
        task.steps.sort_by_key(|id| place(id).unwrap_or(usize::MAX));
    }

    fn stage(&self, name: Named, node: NodeId, task: Option<TaskId>) -> Stage {
        let may_fail = match task {
            None => self.string(node, "abort_on_failure").as_deref() == Some("false"),
            Some(_) => self.string(node, "onError").as_deref() == Some("continue"),
        };
        Stage {
            name,
            node,
            task,
            script: self.get(node, "script").filter(|script| self.document.is_string(*script)),
            runs: self.runs(node),
            may_fail,
            run_after: self.names(node, "runAfter"),
            contract: self.document.entry(self.text, node, "x-async").and_then(|entry| Contract::new(self.document, self.text, entry)),
        }
    }

    /// Format 1 has `skip`, format 2 has `when`; each ignores the other.
    fn runs(&self, node: NodeId) -> Runs {
        if self.format == Format::V1 {
            let is_skipped = self.string(node, "skip").as_deref() == Some("true");
            return if is_skipped { Runs::Never } else { Runs::Always };
        }
        match self.string(node, "when").as_deref() {
            Some("false") => Runs::Never,
            None | Some("true") => Runs::Always,
            Some(_) => Runs::Maybe,
        }
    }

    fn names(&self, node: NodeId, key: &str) -> Vec<Named> {
        let Some(value) = self.get(node, key) else { return Vec::new() };
        let nodes = match self.document.items(value) {
            [] => vec![value],
            items => items.to_vec(),
        };
        nodes.into_iter().filter(|node| self.document.is_string(*node)).filter_map(|node| self.named(node)).collect()
    }

    fn get(&self, node: NodeId, key: &str) -> Option<NodeId> {
        self.document.get(self.text, node, key)
    }

    fn string(&self, node: NodeId, key: &str) -> Option<CompactString> {
        self.document.text(self.text, self.get(node, key)?).map(CompactString::from)
    }

    fn named(&self, node: NodeId) -> Option<Named> {
        let name = self.document.text(self.text, node)?;
        Some(Named { name: name.into(), span: self.document.span(node) })
    }
}
