//! Every request of set-up and trigger, and every fault that can meet it: what must hold afterwards holds.
//!
//! Writes a matrix of steps and faults to `target/fault-matrix.txt`, which `./test.sh` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::proxy::{Fault, Plan};
use crate::harness::site::{PROPERTY, Parent, SetUp, Site, kill_group, report, start};
use serde_json::json;

const EMPTY: Fault = Fault::Reply("");
const PAGE: Fault = Fault::Reply("<html>hello</html>");

/// Where a run begins, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    /// Nothing is set up; the emitted trigger sets up and calls.
    First,
    /// All is set up; the call alone.
    Ready,
    /// The trigger holds another token.
    OtherToken,
    /// The run does not know the token.
    Stranger,
    /// `sidestage apply` where nothing is set up.
    Apply,
    /// `sidestage apply` where the trigger holds another token.
    ApplyOtherToken,
    /// `sidestage apply` where the token is not known.
    ApplyStranger,
    /// `sidestage trigger` in the place of the emitted trigger, in the first four.
    Binary,
    BinaryReady,
    BinaryOtherToken,
    BinaryStranger,
}

use Scenario::{
    Apply, ApplyOtherToken, ApplyStranger, Binary, BinaryOtherToken, BinaryReady, BinaryStranger, First, OtherToken, Ready, Stranger,
};

const SCENARIOS: [Scenario; 11] =
    [First, Ready, OtherToken, Stranger, Apply, ApplyOtherToken, ApplyStranger, Binary, BinaryReady, BinaryOtherToken, BinaryStranger];

/// What does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Script,
    Apply,
    Binary,
}

impl Scenario {
    fn way(self) -> Way {
        match self {
            First | Ready | OtherToken | Stranger => Way::Script,
            Apply | ApplyOtherToken | ApplyStranger => Way::Apply,
            Binary | BinaryReady | BinaryOtherToken | BinaryStranger => Way::Binary,
        }
    }

    fn is_apply(self) -> bool {
        self.way() == Way::Apply
    }

    /// A parent in this scenario.
    fn parent(self, site: &Site) -> Parent<'_> {
        if matches!(self, First | Apply | Binary) {
            return site.parent("parent");
        }
        let before = site.parent("before");
        let ended = before.run(before.set_up(SetUp::Apply));
        assert_eq!(ended.code, Some(0), "{}", ended.printed);
        let parent = site.parent("parent");
        if !matches!(self, Stranger | ApplyStranger | BinaryStranger) {
            parent.mount(&before.token());
        }
        if matches!(self, OtherToken | ApplyOtherToken | BinaryOtherToken) {
            let trigger = &site.triggers()[0];
            let mut secret = trigger["secret"].clone();
            secret["value"] = "a-foreign-token".into();
            site.ask("PATCH", &format!("/triggers/{}", trigger["id"].as_str().unwrap()), &json!({ "secret": secret }));
        }
        parent
    }

    fn command(self, parent: &Parent<'_>) -> Command {
        match self.way() {
            Way::Script => parent.trigger(),
            Way::Apply => parent.set_up(SetUp::Apply),
            Way::Binary => parent.trigger_from_binary(),
        }
    }

    /// The requests of a run that meets no fault.
    fn requests(self) -> Vec<String> {
        let site = Site::new();
        let parent = self.parent(&site);
        site.proxy.plan(None);
        let ended = parent.run(self.command(&parent));
        assert_eq!(ended.code, Some(0), "{self:?}: {}", ended.printed);
        let pipeline = &site.service.pipeline;
        site.proxy.seen().into_iter().map(|request| short(&request, pipeline)).collect()
    }
}

/// A request without ids: `POST /triggers`.
fn short(request: &str, pipeline: &str) -> String {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let path = path.split('?').next().unwrap_or_default();
    let path = path.trim_start_matches("/pipeline/v2/tekton_pipelines/").replace(pipeline, "");
    let path = if path.starts_with("/v1/tekton-webhook") { "webhook" } else { &path };
    let is_id = |part: &str| part.len() == 36 && part.contains('-');
    let parts: Vec<&str> = path.split('/').map(|part| if is_id(part) { "ID" } else { part }).collect();
    let path = parts.join("/");
    format!("{method} {}", if path.is_empty() { "/" } else { &path })
}

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Fault { fault: Fault, is_forwarded: bool, is_lasting: bool },
    Kill,
}

/// All faults: before the service has the request, after it, and those that last.
fn troubles() -> Vec<Trouble> {
    let single = |fault| Trouble::Fault { fault, is_forwarded: false, is_lasting: false };
    let after = |fault| Trouble::Fault { fault, is_forwarded: true, is_lasting: false };
    let lasting = |fault| Trouble::Fault { fault, is_forwarded: false, is_lasting: true };
    let mut all = vec![single(Fault::Refused), single(Fault::TimeOut), single(Fault::Cut), single(Fault::Busy)];
    all.extend([400, 401, 403, 404, 409, 429, 500, 502, 503].map(|status| single(Fault::Status(status))));
    all.extend([single(EMPTY), single(PAGE)]);
    // The service has done it, and nobody learns that it has.
    all.extend([Fault::TimeOut, Fault::Cut, Fault::Status(500), Fault::Status(502), Fault::Status(503), EMPTY, PAGE].map(after));
    all.extend([Fault::Status(503), Fault::Cut].map(lasting));
    all.push(Trouble::Kill);
    all
}

fn name(trouble: Trouble) -> String {
    match trouble {
        Trouble::Kill => "kill -9".to_owned(),
        Trouble::Fault { fault, is_forwarded, is_lasting } => {
            let when = if is_forwarded {
                ", forwarded"
            } else if is_lasting {
                ", lasting"
            } else {
                ""
            };
            let what = match fault {
                Fault::Refused => "connection refused".to_owned(),
                Fault::TimeOut => "time-out".to_owned(),
                Fault::Cut => "reset mid-body".to_owned(),
                Fault::Status(status) => status.to_string(),
                Fault::Busy => "429 with Retry-After".to_owned(),
                Fault::Reply("") => "empty body".to_owned(),
                Fault::Reply(_) => "not JSON".to_owned(),
            };
            format!("{what}{when}")
        }
    }
}

/// These pass by themselves, so a run must get over them.
fn passes(trouble: Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Fault {
            fault: Fault::Refused | Fault::TimeOut | Fault::Cut | Fault::Busy | Fault::Status(429 | 500 | 502 | 503),
            is_lasting: false,
            ..
        }
    )
}

/// How patient a run is, so that a fault ends it or not whatever else this machine does.
fn settings(fault: Fault, is_lasting: bool) -> Vec<(&'static str, &'static str)> {
    match fault {
        _ if is_lasting => vec![("SIDESTAGE_RETRIES", "2")],
        // The port is closed for a moment, which may be long on a busy machine.
        Fault::Refused => vec![("SIDESTAGE_RETRIES", "30")],
        // Only the answer that never comes may take so long.
        Fault::TimeOut => vec![("SIDESTAGE_TIMEOUT", "4")],
        _ => Vec::new(),
    }
}

/// One cell of the matrix: what went wrong, if anything.
fn survive(scenario: Scenario, request: usize, trouble: Trouble) -> Result<(), String> {
    let site = Site::new();
    let parent = scenario.parent(&site);
    let mut command = scenario.command(&parent);
    let code = match trouble {
        Trouble::Kill => {
            site.proxy.plan(None);
            let mut child = start(command);
            // A run that ended before has nothing left to be killed in.
            while site.proxy.seen().len() <= request && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(request as u64 % 4 * 7));
            kill_group(&child);
            parent.ended(&child.wait_with_output().unwrap());
            None
        }
        Trouble::Fault { fault, is_forwarded, is_lasting } => {
            for (name, value) in settings(fault, is_lasting) {
                command.env(name, value);
            }
            site.proxy.plan(Some(Plan { request, fault, is_forwarded, is_lasting }));
            let ended = parent.run(command);
            let is_told = ended.printed.contains("error: ");
            match ended.code {
                Some(0) => {}
                Some(1..=7) if is_told => {}
                _ => return Err(format!("no clear message: {ended:?}")),
            }
            if ended.code != Some(0) && passes(trouble) {
                return Err(format!("it gave up: {}", ended.printed));
            }
            if ended.code == Some(0) && is_lasting && scenario.is_apply() {
                return Err("success, although nothing can be reached".to_owned());
            }
            ended.code
        }
    };
    site.proxy.plan(None);
    holds(&site, &parent, scenario, code == Some(0))?;
    if code != Some(0) {
        let calls = site.runs().len();
        let ended = parent.run(scenario.command(&parent));
        if ended.code != Some(0) {
            return Err(format!("the second run failed: {}", ended.printed));
        }
        holds(&site, &parent, scenario, true).map_err(|reason| format!("after the second run: {reason}"))?;
        if !scenario.is_apply() && site.runs().len() != calls + 1 {
            return Err(format!("the second run made {} runs", site.runs().len() - calls));
        }
    }
    Ok(())
}

/// What must hold whatever happened; more of it after a success.
fn holds(site: &Site, parent: &Parent<'_>, scenario: Scenario, has_succeeded: bool) -> Result<(), String> {
    let (triggers, properties) = (site.triggers(), site.properties());
    if triggers.len() > 1 || properties.iter().filter(|property| property["name"] == PROPERTY).count() > 1 {
        return Err(format!("{} triggers", triggers.len()));
    }
    if has_succeeded {
        site.is_set_up_with(&parent.token())?;
    }
    if scenario.is_apply() {
        return Ok(());
    }
    let runs = site.runs();
    let nonces = parent.nonces();
    for run in &runs {
        let blob = run["event_params_blob"].as_str().unwrap_or_default();
        if !nonces.iter().any(|nonce| blob.contains(nonce.as_str())) {
            return Err("a run is not registered".to_owned());
        }
    }
    for (status, id) in parent.registered() {
        if status == "accepted" && !runs.iter().any(|run| run["id"] == id.as_str()) {
            return Err(format!("a run is registered that the pipeline does not have: `{id}`"));
        }
    }
    for nonce in &nonces {
        let carried = runs.iter().filter(|run| run["event_params_blob"].as_str().unwrap_or_default().contains(nonce.as_str())).count();
        if carried > 1 {
            return Err(format!("{carried} runs carry one nonce"));
        }
    }
    Ok(())
}

#[test]
fn every_fault_at_every_step_is_survived() {
    let mut cells = Vec::new();
    let mut seen = BTreeSet::new();
    for scenario in SCENARIOS {
        for (request, step) in scenario.requests().into_iter().enumerate() {
            let is_new = seen.insert((scenario.way(), step.clone()));
            // A look that is repeated meets each fault once; it can be killed anywhere.
            let wanted = |trouble: &Trouble| is_new || *trouble == Trouble::Kill && matches!(scenario, First | Apply | Binary);
            cells.extend(troubles().into_iter().filter(wanted).map(|trouble| (scenario, request, step.clone(), trouble)));
        }
    }
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    // Most of the time is spent waiting.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((scenario, request, _, trouble)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = cells.iter().position(|cell| (cell.0, cell.1, cell.3) == (*scenario, *request, *trouble)).unwrap();
                    let result = std::panic::catch_unwind(|| survive(*scenario, *request, *trouble))
                        .unwrap_or_else(|_| Err("the test itself failed, see above".to_owned()));
                    results.lock().unwrap().insert(number, result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let mut text = String::new();
    let mut rows: Vec<(String, Vec<(Trouble, bool)>)> = Vec::new();
    for (number, (scenario, request, step, trouble)) in cells.iter().enumerate() {
        let row = format!("{scenario:?} {}: {step}", request + 1);
        if rows.last().is_none_or(|(known, _)| *known != row) {
            rows.push((row, Vec::new()));
        }
        rows.last_mut().unwrap().1.push((*trouble, results[&number].is_ok()));
    }
    for (number, trouble) in troubles().into_iter().enumerate() {
        writeln!(text, "{:>3}  {}", number + 1, name(trouble)).unwrap();
    }
    let numbers: String = (1..=troubles().len()).map(|number| format!("{number:>3}")).collect();
    writeln!(text, "\n{:<48}{numbers}", "step").unwrap();
    for (row, cells) in rows {
        let mark = |trouble: &Trouble| match cells.iter().find(|(tried, _)| tried == trouble) {
            None => "   ",
            Some((_, true)) => "  +",
            Some((_, false)) => "  X",
        };
        let marks: String = troubles().iter().map(mark).collect();
        writeln!(text, "{row:<48}{marks}").unwrap();
    }
    let survived = results.values().filter(|result| result.is_ok()).count();
    writeln!(text, "\n{survived} of {} survived", results.len()).unwrap();
    for (number, (scenario, request, step, trouble)) in cells.iter().enumerate() {
        if let Err(reason) = &results[&number] {
            writeln!(text, "{scenario:?} {}: {step}, {}: {reason}", request + 1, name(*trouble)).unwrap();
        }
    }
    report("fault-matrix.txt", &text);

    assert_eq!(survived, cells.len(), "{text}");
}
