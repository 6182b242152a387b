//! From what is to what should be: which step comes next, as a function of what was seen.

use serde::Deserialize;
use serde_json::{Value, json};

use super::SetupOptions;
use crate::api::{ApiRequest, Failure, FailureKind, Token};
use crate::hash::MASK;
use sidestage_compiler::emit::Manifest;

/// The properties of the pipeline, and its triggers of the one name, by id.
#[derive(Clone)]
pub(super) struct Pipeline {
    properties: Vec<Property>,
    triggers: Vec<Trigger>,
}

#[derive(Clone, Deserialize)]
struct Property {
    name: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    locked: Value,
    #[serde(default)]
    path: Value,
}

/// A trigger as the service shows it.
#[derive(Clone, Deserialize)]
pub(super) struct Trigger {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    r#type: String,
    enabled: Option<bool>,
    secret: Option<Secret>,
    pub(super) webhook_url: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Secret {
    r#type: Option<String>,
    source: Option<String>,
    key_name: Option<String>,
    value: Option<String>,
}

impl Trigger {
    fn is_enabled(&self) -> bool {
        self.enabled != Some(false)
    }

    pub(super) fn header(&self) -> Option<&str> {
        self.secret.as_ref()?.key_name.as_deref()
    }
}

/// Whether a value that cannot be compared is taken for another token.
#[derive(Clone, Copy, Default)]
pub(super) struct Suspect {
    pub(super) property: bool,
    pub(super) trigger: bool,
}

/// What this process knows, apart from what it observes.
pub(super) struct LocalState {
    pub(super) token: Option<Token>,
    /// Whether the token came with the run: the property may only refer to it, in a vault, and is never rewritten.
    pub(super) is_mounted: bool,
    /// The token that any parent can derive.
    pub(super) derived: Option<Token>,
    pub(super) suspect: Suspect,
    pub(super) changed: bool,
    pub(super) waits: u32,
    /// The trigger that this process created.
    created: Option<String>,
    /// The same, until it has been listed.
    unlisted: Option<String>,
    observations_without_it: u32,
    /// The reply to a creation was lost: observations that are still made before another one.
    pub(super) lost_create: u32,
    /// A run that triggers needs the token itself; a set-up from outside can leave one that it does not know.
    is_in_run: bool,
    options: SetupOptions,
    pipeline_id: String,
}

impl LocalState {
    pub(super) fn new(options: SetupOptions, is_in_run: bool, pipeline_id: &str) -> Self {
        Self {
            token: None,
            is_mounted: false,
            derived: None,
            suspect: Suspect::default(),
            changed: false,
            waits: 0,
            created: None,
            unlisted: None,
            observations_without_it: 0,
            lost_create: 0,
            is_in_run,
            options,
            pipeline_id: pipeline_id.to_owned(),
        }
    }

    /// A step was accepted; `id` is what the reply names.
    pub(super) fn record(&mut self, step: &Step, id: Option<&str>) {
        self.changed = true;
        match step {
            Step::CreateProperty | Step::ReplaceToken => self.suspect.property = false,
            Step::CreateTrigger => {
                self.suspect.trigger = false;
                self.created = id.map(str::to_owned);
                self.unlisted.clone_from(&self.created);
            }
            Step::GiveToken(_) => self.suspect.trigger = false,
            _ => {}
        }
    }

    /// A service may list a trigger some time after it has created it, or never; to create another one would not help.
    /// `tries` is how often it is waited for.
    pub(super) fn listing(&mut self, pipeline: &Pipeline, tries: u32) -> Listing {
        let Some(id) = &self.unlisted else { return Listing::Complete };
        if pipeline.triggers.iter().any(|trigger| trigger.id == *id) {
            self.unlisted = None;
            return Listing::Complete;
        }
        self.observations_without_it += 1;
        if self.observations_without_it > tries { Listing::Lacks(id.clone()) } else { Listing::Late(self.observations_without_it) }
    }

    /// Whether a shown value is this token. Where nothing can be compared, it is believed until there is reason to
    /// doubt it: another one was just made.
    fn holds(&self, shown: &str, key: &str, is_suspect: bool) -> bool {
        match &self.token {
            None => !self.is_in_run && !self.options.rotates() && !shown.is_empty(),
            Some(token) if shown.starts_with(MASK) => self.is_hash_of(shown, key, token),
            Some(_) => !is_suspect,
        }
    }

    fn is_hash_of(&self, shown: &str, key: &str, token: &Token) -> bool {
        shown == token.masked(&[&self.pipeline_id, key])
    }

    /// A token that the property shows to this process: as text, or as the one that any parent can derive.
    fn shown_by(&self, property: &Property) -> Option<Token> {
        let shown = property.value.as_str().unwrap_or_default();
        if property.r#type == "text" && !shown.is_empty() {
            return Some(Token::new(shown.to_owned()));
        }
        self.derived.clone().filter(|derived| self.is_hash_of(shown, &property.name, derived))
    }

    /// Whether the token of this run stays, although the property shows another one: the property was changed after this
    /// run began, or it refers to a vault.
    fn token_stays(&self, property: &Property, trigger: Option<&Trigger>) -> bool {
        let is_taken = !self.changed && trigger.is_some_and(|trigger| self.agrees_with_trigger(trigger));
        is_taken || (self.is_mounted && self.shown_by(property).is_none())
    }

    fn agrees_with_property(&self, property: &Property) -> bool {
        let shown = property.value.as_str().unwrap_or_default();
        match &self.token {
            Some(token) if property.r#type == "text" && !shown.is_empty() => shown == token.expose_secret(),
            _ => self.holds(shown, &property.name, self.suspect.property),
        }
    }

    fn agrees_with_trigger(&self, trigger: &Trigger) -> bool {
        trigger
            .secret
            .as_ref()
            .is_some_and(|secret| self.holds(secret.value.as_deref().unwrap_or_default(), &trigger.id, self.suspect.trigger))
    }
}

/// Whether the list shows the trigger that this process created.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Complete,
    /// Not yet: the number of the wait.
    Late(u32),
    /// It leaves this one out.
    Lacks(String),
}

/// One change.
pub(super) enum Step {
    CreateProperty,
    ReplaceToken,
    /// The property holds this one, and this process can tell.
    AdoptToken(Token),
    CreateTrigger,
    GiveToken(String),
    Enable(String),
    /// Two parents that find no trigger both create one; the one of the least id stays.
    DeleteDuplicate(String),
    /// For the other one to step aside.
    Wait,
    /// Once more: a trigger may have been created, and be listed late.
    Look,
}

/// Observations for which the least of several new triggers waits for the others to go.
const MAX_WAITS: u32 = 5;

impl Pipeline {
    /// From the bodies of both lists; entries that are not triggers of that name, with an id of the service, are left out.
    pub(super) fn read(properties: &Value, triggers: &Value, name: &str) -> Self {
        let mut triggers: Vec<Trigger> = entries(&triggers["triggers"]);
        triggers.retain(|trigger| trigger.name == name && is_id(&trigger.id));
        triggers.sort_by(|left, right| left.id.cmp(&right.id));
        Self { properties: entries(&properties["properties"]), triggers }
    }

    /// Takes in a trigger that the list leaves out.
    pub(super) fn add(&mut self, trigger: &Value) {
        self.triggers.extend(Trigger::deserialize(trigger));
        self.triggers.sort_by(|left, right| left.id.cmp(&right.id));
    }

    fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Of several triggers an enabled one that has the token is taken, else the enabled one of least id: every
    /// parent takes the same.
    pub(super) fn chosen(&self, local: &LocalState) -> Option<&Trigger> {
        let generic = || self.triggers.iter().filter(|trigger| trigger.r#type == "generic");
        let any_enabled = generic().any(Trigger::is_enabled);
        let candidates = || generic().filter(|trigger| !any_enabled || trigger.is_enabled());
        candidates().find(|trigger| local.agrees_with_trigger(trigger)).or_else(|| candidates().next())
    }

    /// What a user should know of a pipeline that is set up.
    pub(super) fn remarks(&self, local: &LocalState, manifest: &Manifest) -> Vec<String> {
        let mut remarks = Vec::new();
        let generic = self.triggers.iter().filter(|trigger| trigger.r#type == "generic").count();
        if let Some(trigger) = self.chosen(local).filter(|_| generic > 1) {
            remarks.push(format!(
                "the pipeline has several triggers `{}`; {} is used. Delete the others on the pipeline's Triggers page.",
                trigger.name, trigger.id
            ));
        }
        let token = self.property(&manifest.property.name);
        if token.is_some_and(|property| property.r#type != "secure") {
            remarks.push(format!(
                "the property {} is of type text, so everybody who sees the pipeline can read the token. Make it secure.",
                manifest.property.name
            ));
        }
        if token.is_some_and(|property| !local.is_mounted && !local.agrees_with_property(property)) {
            remarks.push(format!(
                "the property {} was changed after this run began; the trigger still takes the token of this run.",
                manifest.property.name
            ));
        }
        if local.token.as_ref().is_some_and(Token::is_short) {
            remarks.push(
                "the token of the webhook has fewer than 32 characters; anyone who guesses it can start stages. `--rotate` makes a new one."
                    .to_owned(),
            );
        }
        if local.token.is_none() {
            remarks.push(
                "trigger and property both hold a token; whether it is the same cannot be seen from here. `--rotate` gives both a new one."
                    .to_owned(),
            );
        }
        for wanted in manifest.properties.iter().filter(|wanted| self.property(&wanted.name).is_none()) {
            remarks.push(format!(
                "the pipeline has no property {}, which an async stage reads. Add it on the pipeline's Environment properties page.",
                wanted.name
            ));
        }
        remarks
    }
}

fn entries<T: for<'a> Deserialize<'a>>(list: &Value) -> Vec<T> {
    list.as_array().into_iter().flatten().filter_map(|entry| T::deserialize(entry).ok()).collect()
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The one thing that comes next; nothing where all is as it should be.
pub(super) fn next_step(pipeline: &Pipeline, local: &LocalState, manifest: &Manifest) -> Result<Option<Step>, Failure> {
    if let Some(created) = local.created.as_ref().filter(|created| meets_others(pipeline, created)) {
        let is_least = pipeline.triggers.first().is_some_and(|first| first.id == *created);
        return Ok(Some(if is_least && local.waits < MAX_WAITS { Step::Wait } else { Step::DeleteDuplicate(created.clone()) }));
    }
    let property = pipeline.property(&manifest.property.name);
    let trigger = pipeline.chosen(local);
    refuse_what_users_decided(pipeline, property, trigger, local, manifest)?;
    let Some(property) = property else { return Ok(Some(Step::CreateProperty)) };
    if !local.agrees_with_property(property) && !local.token_stays(property, trigger) {
        return adopt_or_replace(property, local).map(Some);
    }
    let Some(trigger) = trigger.filter(|trigger| local.agrees_with_trigger(trigger)) else {
        return match trigger {
            _ if local.token.is_none() => adopt_or_replace(property, local),
            None if local.lost_create > 0 => Ok(Step::Look),
            None => Ok(Step::CreateTrigger),
            Some(trigger) => Ok(Step::GiveToken(trigger.id.clone())),
        }
        .map(Some);
    };
    Ok((!trigger.is_enabled()).then(|| Step::Enable(trigger.id.clone())))
}

fn adopt_or_replace(property: &Property, local: &LocalState) -> Result<Step, Failure> {
    match local.shown_by(property) {
        Some(token) if !local.options.rotates() => Ok(Step::AdoptToken(token)),
        _ if property.value.as_str().is_some_and(|shown| shown.starts_with("{vault::")) => {
            let what = format!("the property {} refers to a vault, and its value is not known here", property.name);
            Err(Failure::new(FailureKind::Decision, what)
                .reason("The reference is never replaced by a token.")
                .help("Run the pipeline again; if this stays, look whether the toolchain reaches the vault."))
        }
        _ => Ok(Step::ReplaceToken),
    }
}

fn meets_others(pipeline: &Pipeline, created: &str) -> bool {
    pipeline.triggers.len() > 1 && pipeline.triggers.iter().any(|trigger| trigger.id == created)
}

/// Some states are a decision of the user: they are reported, not changed.
fn refuse_what_users_decided(
    pipeline: &Pipeline,
    property: Option<&Property>,
    trigger: Option<&Trigger>,
    local: &LocalState,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let refusal = |what: String| Failure::new(FailureKind::Decision, what);
    let name = &manifest.trigger.name;
    match (trigger, pipeline.triggers.first()) {
        (None, Some(other)) => {
            return Err(refusal(format!("the trigger `{name}` is of type {}", other.r#type))
                .reason("Async stages are started by a generic webhook trigger of that name.")
                .help("Rename or delete that trigger, and run this again."));
        }
        (Some(trigger), _) if !trigger.is_enabled() && !local.options.enable => {
            return Err(refusal(format!("the trigger `{name}` ({}) is disabled", trigger.id))
                .reason("Somebody switched async stages off for this pipeline.")
                .help("Enable it on the pipeline's Triggers page, or add --enable."));
        }
        _ => {}
    }
    let other_secret = trigger
        .and_then(|trigger| trigger.secret.as_ref())
        .map(|secret| (secret.r#type.as_deref().unwrap_or("-"), secret.source.as_deref().unwrap_or("-")));
    if let Some((kind, source)) = other_secret.filter(|kind| *kind != ("token_matches", "header")) {
        return Err(refusal(format!("the trigger `{name}` has a secret of another kind: {kind} in {source}"))
            .reason("Async stages are started with a token in a header: token_matches in header.")
            .help("Change the secret of the trigger on the pipeline's Triggers page, or rename that trigger."));
    }
    if let Some(property) = property.filter(|property| !["secure", "text"].contains(&property.r#type.as_str())) {
        return Err(refusal(format!("the property {} is of type {}", property.name, property.r#type))
            .reason("It must hold the token of the webhook.")
            .help("Make it a secure property, or delete it and run this again."));
    }
    Ok(())
}

/// The request of a step; nothing where the step changes nothing on the pipeline. `token` is its text, or a mask.
pub(super) fn request(step: &Step, pipeline: &Pipeline, manifest: &Manifest, token: &str) -> Option<ApiRequest> {
    let property = &manifest.property;
    let trigger = &manifest.trigger;
    let patch = |id: &String, body: Value, what: &str| ApiRequest {
        method: "PATCH",
        path: format!("/triggers/{id}"),
        body: Some(body),
        what: what.to_owned(),
    };
    Some(match step {
        Step::CreateProperty => ApiRequest {
            method: "POST",
            path: "/properties".to_owned(),
            body: Some(json!({ "name": property.name, "type": property.r#type, "value": token })),
            what: format!("create the property {}", property.name),
        },
        Step::ReplaceToken => ApiRequest {
            method: "PUT",
            path: format!("/properties/{}", property.name),
            body: Some(replaced(pipeline.property(&property.name)?, token)),
            what: format!("replace the value of the property {}", property.name),
        },
        Step::CreateTrigger => {
            let mut body = json!(trigger);
            body["secret"]["value"] = token.into();
            ApiRequest {
                method: "POST",
                path: "/triggers".to_owned(),
                body: Some(body),
                what: format!("create the trigger `{}`", trigger.name),
            }
        }
        Step::GiveToken(id) => {
            let known = pipeline.triggers.iter().find(|trigger| trigger.id == *id).and_then(|trigger| trigger.secret.as_ref());
            let field = |known: Option<&String>, wanted: &str| known.map_or(wanted.to_owned(), String::clone);
            let secret = json!({
                "type": field(known.and_then(|secret| secret.r#type.as_ref()), &trigger.secret.r#type),
                "source": field(known.and_then(|secret| secret.source.as_ref()), &trigger.secret.source),
                "key_name": field(known.and_then(|secret| secret.key_name.as_ref()), &trigger.secret.key_name),
                "value": token,
            });
            patch(id, json!({ "secret": secret }), "give the trigger the token")
        }
        Step::Enable(id) => patch(id, json!({ "enabled": true }), "enable the trigger"),
        Step::DeleteDuplicate(id) => ApiRequest {
            method: "DELETE",
            path: format!("/triggers/{id}"),
            body: None,
            what: format!("delete the second trigger `{}` ({id}), which was created just now", trigger.name),
        },
        Step::AdoptToken(_) | Step::Wait | Step::Look => return None,
    })
}

/// The property with another value; everything else stays as the user has it.
fn replaced(property: &Property, token: &str) -> Value {
    let mut body = json!({ "name": property.name, "type": property.r#type, "value": token });
    for (key, value) in [("locked", &property.locked), ("path", &property.path)] {
        if !value.is_null() {
            body[key] = value.clone();
        }
    }
    body
}

/// The pipeline as it would be after a step that was not sent.
pub(super) fn after(step: &Step, mut pipeline: Pipeline, local: &LocalState, manifest: &Manifest) -> Pipeline {
    let hash = |key: &str| local.token.as_ref().map_or(String::new(), |token| token.masked(&[&local.pipeline_id, key]));
    let secret = |id: &str, known: Option<Secret>| Secret {
        r#type: known.as_ref().and_then(|secret| secret.r#type.clone()).or_else(|| Some(manifest.trigger.secret.r#type.clone())),
        source: known.as_ref().and_then(|secret| secret.source.clone()).or_else(|| Some(manifest.trigger.secret.source.clone())),
        key_name: known.and_then(|secret| secret.key_name).or_else(|| Some(manifest.trigger.secret.key_name.clone())),
        value: Some(hash(id)),
    };
    let name = &manifest.property.name;
    match step {
        Step::CreateProperty => pipeline.properties.push(Property {
            name: name.clone(),
            r#type: manifest.property.r#type.clone(),
            value: hash(name).into(),
            locked: Value::Null,
            path: Value::Null,
        }),
        Step::ReplaceToken => {
            for property in pipeline.properties.iter_mut().filter(|property| property.name == *name) {
                property.value = hash(name).into();
            }
        }
        Step::CreateTrigger => pipeline.triggers.push(Trigger {
            id: String::new(),
            name: manifest.trigger.name.clone(),
            r#type: manifest.trigger.r#type.clone(),
            enabled: Some(true),
            secret: Some(secret("", None)),
            webhook_url: None,
        }),
        Step::GiveToken(id) | Step::Enable(id) => {
            for trigger in pipeline.triggers.iter_mut().filter(|trigger| trigger.id == *id) {
                match step {
                    Step::Enable(_) => trigger.enabled = Some(true),
                    _ => trigger.secret = Some(secret(id, trigger.secret.take())),
                }
            }
        }
        Step::AdoptToken(_) | Step::DeleteDuplicate(_) | Step::Wait | Step::Look => {}
    }
    pipeline
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests;
