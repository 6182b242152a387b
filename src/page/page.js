// Fetches what changes while runs go on: states, the timeline, the rest of open logs.
"use strict";

const PAUSE = 700;
const ENDED = ["succeeded", "failed", "timed-out", "cancelled", "interrupted"];

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

function cell(row, content, name) {
  const td = row.insertCell();
  if (name) td.className = name;
  td.append(content);
  return td;
}

function addRow(table, run) {
  const row = document.createElement("tr");
  row.dataset.run = run.id;
  if (run.parent) row.className = "child";
  const link = document.createElement("a");
  link.href = `/runs/${run.id}`;
  link.textContent = run.id.slice(0, 8);
  cell(row, link);
  cell(row, run.what);
  cell(row, document.createElement("span"));
  cell(row, "", "time");
  table.tBodies[0].prepend(row);
  return row;
}

// The state of each stage in the newest pipeline, and of each async stage in its newest run.
function newestStates(runs) {
  const states = new Map();
  const pipeline = runs.find((run) => !run.parent && run.what.startsWith("pipeline "));
  for (const stage of pipeline ? pipeline.stages : []) states.set(stage.id, stage.state);
  for (const run of [...runs].reverse()) {
    if (run.parent && pipeline && run.parent === pipeline.id) states.set(run.what, run.state);
  }
  return states;
}

function showGraph(runs) {
  const states = newestStates(runs);
  for (const node of document.querySelectorAll(".pic [data-node]")) {
    const id = node.dataset.node;
    const state = states.get(id) || states.get(id.replace(/^async-stage\//, ""));
    node.classList.forEach((name) => name.startsWith("live-") && node.classList.remove(name));
    if (state) node.classList.add(`live-${state}`);
  }
}

function showOverview(runs) {
  const table = document.getElementById("runs");
  for (const run of [...runs].reverse()) {
    const row = table.querySelector(`tr[data-run="${run.id}"]`) || addRow(table, run);
    setState(row.cells[2].firstElementChild, run.state);
    row.cells[3].textContent = run.time || "";
  }
  document.querySelector(".empty").hidden = runs.length > 0;
  showGraph(runs);
}

function showRun(run) {
  setState(document.querySelector("[data-run-state]"), run.state);
  document.querySelector("[data-run-time]").textContent = run.time || "";
  document.querySelector("form button").disabled = !run.ended;
  const section = document.querySelector(".stages");
  run.stages.forEach((stage, place) => {
    let details = section.querySelector(`[data-log="${place}"]`);
    if (!details) {
      details = document.createElement("details");
      details.open = run.stages.length === 1;
      details.dataset.log = place;
      details.dataset.stage = stage.id;
      details.innerHTML = '<summary><span class="state"></span> <span class="name"></span> <span class="time"></span><span class="reason"></span></summary><pre tabindex="0"></pre>';
      details.querySelector(".name").textContent = stage.id;
      section.append(details);
      details.addEventListener("toggle", () => follow(details));
    }
    setState(details.querySelector(".state"), stage.state);
    details.querySelector(".time").textContent = stage.time || "";
    details.querySelector(".reason").textContent = stage.reason || "";
  });
}

async function showTimeline(id) {
  const text = await (await fetched(`/runs/${id}/timeline.svg`)).text();
  document.querySelector("[data-timeline]").innerHTML = text;
}

// Follows an open log to its end.
async function follow(details) {
  if (!details.open || details.dataset.follows) return;
  details.dataset.follows = "yes";
  const pre = details.querySelector("pre");
  let next = Number(pre.dataset.next || 0);
  try {
    for (;;) {
      const piece = await (await fetched(`/runs/${runPage.dataset.run}/logs/${details.dataset.log}?from=${next}`)).json();
      const isAtEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
      if (piece.text) pre.append(piece.text);
      if (isAtEnd) pre.scrollTop = pre.scrollHeight;
      const isDone = piece.ended && piece.next === next;
      next = piece.next;
      pre.dataset.next = next;
      if (isDone || !details.open) break;
      if (!piece.text) await sleep(PAUSE);
    }
  } finally {
    delete details.dataset.follows;
  }
}

async function watch() {
  for (;;) {
    try {
      const { runs } = await (await fetched("/state.json")).json();
      if (runPage) {
        const run = runs.find((known) => known.id === runPage.dataset.run);
        if (run) {
          showRun(run);
          const family = runs.filter((known) => known.id === run.id || known.parent === run.id);
          const isOpen = family.some((known) => !ENDED.includes(known.state));
          if (isOpen || runPage.dataset.open) await showTimeline(run.id);
          runPage.dataset.open = isOpen ? "yes" : "";
        }
      } else {
        showOverview(runs);
      }
      document.body.classList.remove("lost");
    } catch {
      // The engine has ended, or starts again.
      document.body.classList.add("lost");
    }
    await sleep(PAUSE);
  }
}

for (const details of document.querySelectorAll("details[data-log]")) {
  details.addEventListener("toggle", () => follow(details));
  follow(details);
}
watch();
