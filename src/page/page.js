// Fetches what changes while runs go on: states, the timeline, the rest of open logs.
"use strict";

const PAUSE = 700;
const MARKS = { running: "\u25b8", succeeded: "\u2713", failed: "\u00d7", "timed-out": "\u00d7", cancelled: "\u00d7", interrupted: "\u00d7" };
const SVG = "http://www.w3.org/2000/svg";

const runPage = document.querySelector("main.run");
const sleep = (time) => new Promise((done) => setTimeout(done, time));

async function fetched(path) {
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply;
}

function setState(element, state) {
  element.textContent = state;
  element.className = `state ${state}`;
}

function newRow(run) {
  const row = document.createElement("tr");
  row.dataset.run = run.id;
  if (run.parent) row.className = "child";
  const [id, what, state, took] = [0, 1, 2, 3].map(() => row.insertCell());
  const link = document.createElement("a");
  link.href = `/runs/${run.id}`;
  link.textContent = run.id.slice(0, 8);
  id.append(link);
  what.textContent = run.what;
  state.append(document.createElement("span"));
  took.className = "took";
  return row;
}

// A row for each run, in this order; rows that are there stay.
function showRows(table, runs) {
  const body = table.tBodies[0];
  let before = null;
  for (const run of runs) {
    let row = body.querySelector(`tr[data-run="${run.id}"]`);
    if (!row) {
      row = newRow(run);
      body.insertBefore(row, before ? before.nextSibling : body.firstChild);
    }
    setState(row.cells[2].firstElementChild, run.state);
    row.cells[3].textContent = run.time || "";
    before = row;
  }
}

// A run, and what it and its async runs have triggered.
function familyOf(id, runs) {
  const ids = new Set([id]);
  for (let size = 0; size < ids.size; ) {
    size = ids.size;
    for (const run of runs) if (ids.has(run.parent)) ids.add(run.id);
  }
  return runs.filter((run) => ids.has(run.id));
}

// The pipelines that a part of the picture shows; none where its title names none.
function pipelinesOf(node) {
  const title = node.parentElement.previousElementSibling?.textContent || "";
  return /^([A-Z, ]|and)+ pipelines?:/.test(title) ? title.split(" pipeline")[0].toLowerCase().split(/, | and /) : [];
}

function showNode(node, state) {
  for (const name of [...node.classList]) if (name.startsWith("live-")) node.classList.remove(name);
  if (state) node.classList.add(`live-${state}`);
  const title = node.querySelector("title");
  node.dataset.title ??= title.textContent;
  title.textContent = node.dataset.title + (state ? `\n${state}` : "");
  let mark = node.querySelector(".mark");
  if (!mark) {
    const box = node.querySelector("rect");
    mark = document.createElementNS(SVG, "text");
    mark.setAttribute("class", "mark");
    mark.setAttribute("text-anchor", "middle");
    mark.setAttribute("x", Number(box.getAttribute("x")) + Number(box.getAttribute("width")) - 7);
    mark.setAttribute("y", Number(box.getAttribute("y")) + Number(box.getAttribute("height")) / 2 + 4);
    node.append(mark);
  }
  mark.textContent = MARKS[state] || "";
}

// The newest pipeline with its async runs, in the part of the picture that shows it.
function showGraph(runs) {
  const newest = runs.find((run) => !run.parent && run.what.startsWith("pipeline "));
  const states = new Map();
  if (newest) {
    for (const stage of newest.stages) states.set(stage.id, stage.state);
    for (const run of familyOf(newest.id, runs)) if (run.parent) states.set(run.what, run.state);
  }
  for (const node of document.querySelectorAll(".pic .node[data-node]")) {
    const pipelines = pipelinesOf(node);
    const isShown = newest && (!pipelines.length || pipelines.includes(newest.what.slice("pipeline ".length)));
    const id = node.dataset.node;
    showNode(node, isShown ? states.get(id) || states.get(id.replace(/^async-stage\//, "")) : null);
  }
}

function showOverview(runs) {
  showRows(document.querySelector(".runs table"), runs);
  document.querySelector(".empty").hidden = runs.length > 0;
  showGraph(runs);
}

function newLog(stage, place, isOpen) {
  const details = document.createElement("details");
  details.open = isOpen;
  details.dataset.log = place;
  details.dataset.stage = stage.id;
  details.innerHTML = '<summary><span class="name"></span> <span></span> <span class="took"></span> <span class="reason"></span></summary><pre tabindex="0"></pre>';
  details.querySelector(".name").textContent = stage.id;
  details.addEventListener("toggle", () => follow(details));
  return details;
}

function showRun(run, family) {
  setState(document.querySelector("[data-run-state]"), run.state);
  document.querySelector("[data-run-time]").textContent = run.time || "";
  document.querySelector("form button").disabled = !run.ended;
  const reason = document.querySelector("[data-run-reason]");
  reason.textContent = run.reason || "";
  reason.hidden = !run.reason;
  const triggered = family.filter((known) => known.id !== run.id);
  document.querySelector(".runs").hidden = !triggered.length;
  showRows(document.querySelector(".runs table"), triggered);
  const section = document.querySelector(".stages");
  run.stages.forEach((stage, place) => {
    let details = section.querySelector(`[data-log="${place}"]`);
    if (!details) {
      details = newLog(stage, place, run.stages.length === 1);
      section.append(details);
    }
    const state = details.querySelector("summary span:nth-of-type(2)");
    // The log of a stage opens once, when the stage begins or fails.
    if (state.textContent !== stage.state && ["running", "failed"].includes(stage.state)) details.open = true;
    setState(state, stage.state);
    details.querySelector(".took").textContent = stage.time || "";
    details.querySelector(".reason").textContent = stage.reason || "";
    follow(details);
  });
}

async function showTimeline(id) {
  const text = await (await fetched(`/runs/${id}/timeline.svg`)).text();
  document.querySelector("[data-timeline]").innerHTML = text;
}

// Follows an open log to its end. Colours of a terminal are left out.
async function follow(details) {
  if (!details.open || details.dataset.follows) return;
  details.dataset.follows = "yes";
  const pre = details.querySelector("pre");
  let next = Number(pre.dataset.next || 0);
  let held = pre.dataset.held || "";
  let isDone = false;
  try {
    while (details.open && !isDone) {
      const piece = await (await fetched(`/runs/${runPage.dataset.run}/logs/${details.dataset.log}?from=${next}`)).json();
      const isAtEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
      const [, text, rest] = (held + piece.text).match(/^([^]*?)(\x1b(?:\[[0-9;]*)?)?$/);
      held = rest || "";
      if (text) pre.append(text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, ""));
      if (isAtEnd) pre.scrollTop = pre.scrollHeight;
      isDone = piece.ended && piece.next === next;
      next = piece.next;
      pre.dataset.next = next;
      pre.dataset.held = held;
      if (!isDone && !piece.text) await sleep(PAUSE);
    }
  } catch {
    // Tried again at the next look.
  }
  if (!isDone) delete details.dataset.follows;
}

let wasOpen = true;

async function look() {
  const { runs } = await (await fetched("/state.json")).json();
  if (!runPage) return showOverview(runs);
  const run = runs.find((known) => known.id === runPage.dataset.run);
  if (!run) return;
  const family = familyOf(run.id, runs);
  showRun(run, family);
  // Once more after the end: it may have come after the last picture.
  const isOpen = family.some((known) => !known.ended);
  if (isOpen || wasOpen) await showTimeline(run.id);
  wasOpen = isOpen;
}

async function watch() {
  const note = document.querySelector(".note");
  for (;;) {
    try {
      await look();
      note.hidden = true;
    } catch {
      // The engine has ended, or starts again.
      note.hidden = false;
    }
    await sleep(PAUSE);
  }
}

for (const details of document.querySelectorAll("details[data-log]")) details.addEventListener("toggle", () => follow(details));
watch();
