"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [main, aside, tabs, search] = ["main", "aside", "nav", "input"].map((name) => document.querySelector(name));
const sections = [...document.querySelectorAll(".scene")];
// What is shown: a scene, and in it a stage, or a variable on its way from one stage to another.
let shown = { scene: 0, to: null, from: null, variable: null };
const views = sections.map(() => null);

// Elements without markup: texts are never read as HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function vector(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const scene = () => data.scenes[shown.scene];
const picture = () => sections[shown.scene].querySelector("svg");
const nodeOf = (id) => scene().nodes.find((node) => node.id === id);
const stageOf = (id) => nodeOf(id)?.stage ?? id;
const triggersTo = (id) => scene().edges.filter((edge) => edge.kind === "trigger" && edge.to === id);
const triggersFrom = (id) => scene().edges.filter((edge) => edge.kind === "trigger" && edge.from === id);

// ---- the address: #pipeline/stage/variable/from

function address() {
  const parts = [scene().key, shown.to, shown.variable, shown.from];
  while (parts.length > 1 && !parts[parts.length - 1]) parts.pop();
  return "#" + parts.map((part) => encodeURIComponent(part ?? "")).join("/");
}

function fromAddress() {
  const [key, to, variable, from] = location.hash.slice(1).split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return "";
    }
  });
  const named = data.scenes.findIndex((one) => one.key === key);
  // Without a name, the first pipeline that triggers something.
  const index = Math.max(0, named >= 0 ? named : data.scenes.findIndex((one) => one.edges.some((edge) => edge.kind === "trigger")));
  const known = data.scenes[index]?.nodes.some((node) => node.id === to);
  return known ? { scene: index, to, variable: variable || null, from: from || null } : { scene: index, to: null, from: null, variable: null };
}

function go(next) {
  shown = { scene: shown.scene, to: null, from: null, variable: null, ...next };
  if (location.hash !== address()) history.pushState(null, "", address());
  show();
}

// ---- findings

function belongs(finding) {
  const { pipelines } = scene();
  return pipelines.length === 0 || finding.pipelines.length === 0 || finding.pipelines.some((kind) => pipelines.includes(kind));
}

// The trigger that a finding is about: one of its places is the trigger's.
function edgeOf(finding) {
  const places = [finding.place, ...finding.related.map(([place]) => place)];
  return scene().edges.find((edge) => edge.site !== undefined && places.includes(edge.site) && (!finding.stage || [edge.to, edge.from].some((id) => stageOf(id) === finding.stage)));
}

function findingsOf(to, variable) {
  return data.findings.filter((finding) => belongs(finding) && finding.stage === stageOf(to) && (!variable || finding.variable === variable));
}

const worst = (findings) => ["error", "warning", "info"].find((level) => findings.some((finding) => finding.severity === level));

function badge(at, findings) {
  const level = worst(findings);
  const words = findings.map((finding) => `${finding.severity}[${finding.rule}] ${finding.title}`).join("\n");
  return vector(
    "g",
    { class: `badge ${level}`, transform: `translate(${at.x} ${at.y})` },
    vector("title", {}, words),
    vector("circle", { r: 7 }),
    vector("text", { "text-anchor": "middle", y: 3 }, String(findings.length)),
  );
}

function addBadges() {
  for (const group of picture().querySelectorAll(".node:not(.again)")) {
    const found = findingsOf(group.dataset.node, null).filter((finding) => !finding.variable);
    const box = group.querySelector("rect");
    if (found.length > 0) group.append(badge({ x: +box.getAttribute("x") + +box.getAttribute("width"), y: +box.getAttribute("y") }, found));
  }
  const byEdge = new Map();
  for (const finding of data.findings.filter(belongs)) {
    const edge = edgeOf(finding);
    if (edge) byEdge.set(`${edge.from} ${edge.to}`, [...(byEdge.get(`${edge.from} ${edge.to}`) ?? []), finding]);
  }
  for (const group of picture().querySelectorAll(".edge.trigger, .edge.again")) {
    const found = byEdge.get(`${group.dataset.from} ${group.dataset.to}`);
    const path = group.querySelector("path");
    if (found && !group.classList.contains("again")) group.append(badge(path.getPointAtLength(path.getTotalLength() - 16), found));
  }
}

// ---- the side

function frame(number, words) {
  const place = data.places[number];
  const lines = place.lines.map((text, at) => {
    const line = place.first + at;
    const letters = [...text];
    const begin = line === place.line ? place.column - 1 : line > place.line && line <= place.end_line ? 0 : letters.length;
    const end = line === place.end_line ? place.end_column - 1 : line >= place.line && line < place.end_line ? letters.length : begin;
    const [before, inside, after] = [letters.slice(0, begin), letters.slice(begin, Math.max(begin, end)), letters.slice(Math.max(begin, end))].map((part) => part.join(""));
    return [element("span", { class: "number" }, String(line)), before, inside ? element("mark", {}, inside) : null, after, "\n"];
  });
  const caption = `${place.file}:${place.line}:${place.column}`;
  return element("figure", {}, element("figcaption", {}, words ? `${words}: ${caption}` : caption), element("pre", {}, lines));
}

const frames = (title, places) => (places.length === 0 ? [] : [element("h3", {}, title), ...places.map((place) => frame(place))]);
const union = (lists) => [...new Set(lists.flat())];
const link = (text, next) => element("a", { href: "#", onclick: (event) => (event.preventDefault(), go(next)) }, text);

function findingItem(finding) {
  const open = () => {
    const edge = edgeOf(finding);
    const node = scene().nodes.find((one) => one.stage === finding.stage);
    if (edge) go({ to: edge.to, from: edge.from, variable: edge.variables.some((variable) => variable.name === finding.variable) ? finding.variable : null });
    else if (node) go({ to: node.id });
  };
  return element(
    "div",
    { class: `finding ${finding.severity}`, tabindex: 0, role: "button", onclick: open, onkeydown: (event) => event.key === "Enter" && open() },
    element("div", { class: "rule" }, `${finding.severity}[${finding.rule}]`),
    element("div", {}, finding.title),
  );
}

function findingWhole(finding) {
  return element(
    "div",
    { class: `finding ${finding.severity}` },
    element("div", { class: "rule" }, `${finding.severity}[${finding.rule}] `, element("a", { href: finding.url, target: "_blank", rel: "noreferrer" }, "about this rule")),
    element("p", {}, element("strong", {}, finding.title)),
    frame(finding.place, finding.label),
    finding.related.map(([place, message]) => frame(place, message)),
    finding.help ? element("p", {}, `help: ${finding.help}`) : null,
  );
}

function overview() {
  const findings = data.findings.filter(belongs);
  const triggers = scene().edges.filter((edge) => edge.kind === "trigger").length;
  const stages = scene().nodes.length;
  return [
    element("h2", {}, scene().title),
    element("p", {}, `${stages} stage${stages === 1 ? "" : "s"}, ${triggers} trigger${triggers === 1 ? "" : "s"}. Select a stage or a variable to see where it is set, exported, triggered and read.`),
    element("h3", {}, findings.length === 0 ? "No findings" : `Findings (${findings.length})`),
    findings.map(findingItem),
  ];
}

function aboutVariable() {
  const edges = triggersTo(shown.to).filter((edge) => !shown.from || edge.from === shown.from);
  const variables = edges.flatMap((edge) => edge.variables.filter((variable) => variable.name === shown.variable));
  const unread = scene().unread.find(([name]) => name === shown.variable);
  const exported = union([...variables.map((variable) => variable.exported), variables.length === 0 && unread ? unread[1] : []]);
  const fate =
    variables.length === 0
      ? "exported, and not read there"
      : exported.length === 0
        ? "read, and not exported"
        : variables.every((variable) => variable.surely)
          ? "exported and read"
          : "read, and exported on only some paths";
  return [
    element("h2", {}, shown.variable),
    element("p", {}, "to async stage ", link(stageOf(shown.to), { to: shown.to }), `: ${fate}`),
    findingsOf(shown.to, shown.variable).map(findingWhole),
    frames("Set", union(variables.map((variable) => variable.set))),
    exported.length === 0 ? [element("h3", {}, "Exported"), element("p", { class: "none" }, "nowhere before the trigger")] : frames("Exported", exported),
    frames("Triggered", union(edges.map((edge) => edge.site ?? []))),
    frames("Read", union(variables.map((variable) => variable.read))),
  ];
}

function aboutNode() {
  const node = nodeOf(shown.to);
  const kind = { stage: "stage", async: "async stage", missing: "not in this configuration" }[node.kind];
  const incoming = triggersTo(node.id).filter((edge) => !shown.from || edge.from === shown.from);
  const names = (edge) => [...edge.variables.map((variable) => variable.name), ...edge.unread.map((number) => scene().unread[number][0])];
  return [
    element("h2", {}, node.stage),
    element("p", {}, kind),
    findingsOf(node.id, null).map(findingWhole),
    node.kind === "missing" ? null : frames("Declared", [node.place]),
    incoming.flatMap((edge) => [
      element("h3", {}, "Triggered by ", link(stageOf(edge.from), { to: edge.from }), edge.certain ? "" : " (under a condition)"),
      frame(edge.site),
      element("ul", {}, names(edge).map((name) => element("li", {}, link(name, { to: edge.to, from: edge.from, variable: name })))),
    ]),
    triggersFrom(node.id).flatMap((edge) => [element("h3", {}, "Triggers ", link(stageOf(edge.to), { to: edge.to, from: node.id })), frame(edge.site)]),
  ];
}

function help() {
  const keys = [["/", "search"], ["Tab, Enter", "go from part to part, open one"], ["Esc", "back to the overview"], ["+ -", "zoom"], ["0", "fit"], ["arrows", "move"], ["1 to 9", "the pipelines"], ["?", "this list"]];
  return [element("h2", {}, "Keys"), element("ul", {}, keys.map(([key, words]) => element("li", {}, element("code", {}, key), `: ${words}`)))];
}

// ---- the picture

function show() {
  sections.forEach((section, index) => (section.hidden = index !== shown.scene));
  [...tabs.children].forEach((tab, index) => tab.setAttribute("aria-selected", String(index === shown.scene)));
  if (data.scenes.length === 0) return aside.replaceChildren(element("p", {}, "This configuration has no stages."));
  if (!views[shown.scene]) {
    fit();
    addBadges();
  }
  place();
  for (const group of picture().querySelectorAll("[data-node], [data-to]")) {
    const { node, to, from, variable } = group.dataset;
    const isPart = shown.to !== null && (node === undefined ? to === shown.to && (!shown.from || from === shown.from) : node === shown.to);
    const isChip = group.classList.contains("chip");
    const isSelected = isPart && (shown.variable === null ? !isChip : isChip && variable === shown.variable);
    group.classList.toggle("selected", isSelected);
    const isNear = isPart || (shown.to !== null && (from === shown.to || triggersTo(shown.to).some((edge) => edge.from === node) || triggersFrom(shown.to).some((edge) => edge.to === node)));
    group.classList.toggle("faint", shown.to !== null && !isNear);
  }
  aside.replaceChildren(...(shown.variable !== null ? aboutVariable() : shown.to !== null ? aboutNode() : overview()).flat(Infinity).filter(Boolean));
  aside.scrollTop = 0;
}

function place() {
  const { x, y, scale } = views[shown.scene];
  sections[shown.scene].style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

function fit() {
  const { width, height } = picture().viewBox.baseVal;
  const wide = (main.clientWidth - 16) / width;
  // Readable comes before whole: a long picture is shown from its top.
  const scale = Math.min(1.4, Math.max(Math.min(wide, (main.clientHeight - 16) / height), Math.min(wide, 0.75)));
  views[shown.scene] = { x: Math.max(8, (main.clientWidth - width * scale) / 2), y: 8, scale };
}

function zoom(factor, x = main.clientWidth / 2, y = main.clientHeight / 2) {
  const view = views[shown.scene];
  const scale = Math.min(6, Math.max(0.05, view.scale * factor));
  views[shown.scene] = { scale, x: x - ((x - view.x) * scale) / view.scale, y: y - ((y - view.y) * scale) / view.scale };
  place();
}

function move(x, y) {
  views[shown.scene].x += x;
  views[shown.scene].y += y;
  place();
}

// Into the middle, where it is out of sight.
function reveal() {
  const group = picture().querySelector(".selected");
  if (!group) return;
  const [box, room] = [group.getBoundingClientRect(), main.getBoundingClientRect()];
  if (box.left < room.left || box.right > room.right || box.top < room.top || box.bottom > room.bottom)
    move(room.left + room.width / 2 - (box.left + box.right) / 2, room.top + room.height / 2 - (box.top + box.bottom) / 2);
}

main.addEventListener("wheel", (event) => {
  event.preventDefault();
  const room = main.getBoundingClientRect();
  if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 200), event.clientX - room.left, event.clientY - room.top);
  else move(-event.deltaX, -event.deltaY);
}, { passive: false });

let drag = null;
main.addEventListener("pointerdown", (event) => (drag = { x: event.clientX, y: event.clientY, moved: false }));
window.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(x, y) < 4) return;
  drag = { x: event.clientX, y: event.clientY, moved: true };
  move(x, y);
});
window.addEventListener("pointerup", () => setTimeout(() => (drag = null)));
main.addEventListener("click", (event) => {
  if (drag?.moved) return;
  const group = event.target.closest(".node, .chip, .edge.trigger, .edge.again");
  if (group) select(group);
  else if (shown.to !== null) go({});
});

function select({ dataset: { node, to, from, variable } }) {
  go(node === undefined ? { to, from, variable: variable ?? null } : { to: node });
}

// ---- search, tabs, keys

function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return;
  const indices = [shown.scene, ...data.scenes.keys()];
  for (const isHit of [(name) => name.toLowerCase() === wanted, (name) => name.toLowerCase().includes(wanted)]) {
    for (const index of indices) {
      const one = data.scenes[index];
      const node = one.nodes.find((node) => isHit(node.stage));
      if (node) return go({ scene: index, to: node.id }), reveal();
      for (const edge of one.edges) {
        const name = [...edge.variables.map((variable) => variable.name), ...edge.unread.map((number) => one.unread[number][0])].find(isHit);
        if (name) return go({ scene: index, to: edge.to, from: edge.from, variable: name }), reveal();
      }
    }
  }
  note(`Nothing is called ${text}`);
}

search.addEventListener("change", () => find(search.value));
const names = data.scenes.flatMap((one) => [...one.nodes.map((node) => node.stage), ...one.edges.flatMap((edge) => edge.variables.map((variable) => variable.name))]);
document.getElementById("names").append(...union([names]).slice(0, 2000).map((name) => element("option", { value: name })));
data.scenes.forEach((one, index) => tabs.append(element("button", { role: "tab", onclick: () => go({ scene: index }) }, one.title)));

for (const group of document.querySelectorAll(".scene .node, .scene .chip[data-variable]")) {
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.addEventListener("keydown", (event) => event.key === "Enter" && (event.stopPropagation(), select(group)));
}

window.addEventListener("keydown", (event) => {
  if (event.target === search) {
    if (event.key === "Escape") search.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || data.scenes.length === 0) return;
  const step = 60;
  const keys = {
    "/": () => search.focus(), Escape: () => go({}), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => (fit(), place()),
    ArrowLeft: () => move(step, 0), ArrowRight: () => move(-step, 0), ArrowUp: () => move(0, step), ArrowDown: () => move(0, -step),
    "?": () => aside.replaceChildren(...help()),
  };
  const tab = Number(event.key);
  const action = keys[event.key] ?? (tab >= 1 && tab <= data.scenes.length ? () => go({ scene: tab - 1 }) : null);
  if (!action) return;
  event.preventDefault();
  action();
});

// ---- copies

function note(text) {
  document.querySelector(".note")?.remove();
  const made = element("div", { class: "note", role: "status" }, text);
  document.body.append(made);
  setTimeout(() => made.remove(), 4000);
}

function plainPicture() {
  const copy = picture().cloneNode(true);
  copy.querySelectorAll(".badge").forEach((part) => part.remove());
  copy.querySelectorAll("[tabindex]").forEach((part) => ["tabindex", "role"].forEach((name) => part.removeAttribute(name)));
  copy.querySelectorAll(".selected, .faint").forEach((part) => part.classList.remove("selected", "faint"));
  return new XMLSerializer().serializeToString(copy);
}

async function pixels() {
  const { width, height } = picture().viewBox.baseVal;
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(plainPicture());
  await image.decode();
  // Browsers draw nothing on larger canvases.
  const scale = Math.min(2, 16000 / Math.max(width, height));
  const canvas = element("canvas", { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(document.body).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// To the clipboard; where the browser does not allow it, to a file.
async function copy(blob, name, what) {
  try {
    if (blob.type === "image/png") await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
    else await navigator.clipboard.writeText(await blob.text());
    note(`${what} copied`);
  } catch {
    const address = URL.createObjectURL(blob);
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
    note(`${what} saved as ${name}`);
  }
}

const tools = {
  fit: () => (fit(), place()),
  svg: () => copy(new Blob([plainPicture()], { type: "image/svg+xml" }), `${scene().key}.svg`, "SVG"),
  png: async () => copy(await pixels(), `${scene().key}.png`, "PNG"),
  mermaid: () => (scene().mermaid ? copy(new Blob([scene().mermaid], { type: "text/plain" }), `${scene().key}.mmd`, "Mermaid") : note("The graph is too large for Mermaid")),
  help: () => aside.replaceChildren(...help()),
};
for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => data.scenes.length > 0 && tools[button.dataset.do]());

const follow = () => {
  shown = fromAddress();
  show();
  reveal();
};
window.addEventListener("popstate", follow);
window.addEventListener("resize", () => data.scenes.length > 0 && (fit(), place()));
follow();
