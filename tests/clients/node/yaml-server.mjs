// The real yaml-language-server: completion and hover in a file whose modeline names a schema of ours. $FOLDER has the
// files, $CLIENTS the server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

const server = spawn("node", [`${process.env.CLIENTS}/node_modules/yaml-language-server/bin/yaml-language-server`, "--stdio"]);
const waiting = new Map();
let buffer = Buffer.alloc(0);
let last = 0;

server.stdout.on("data", (piece) => {
  buffer = Buffer.concat([buffer, piece]);
  for (;;) {
    const head = buffer.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/Content-Length: (\d+)/.exec(buffer.subarray(0, head).toString())[1]);
    if (buffer.length < head + 4 + length) return;
    const message = JSON.parse(buffer.subarray(head + 4, head + 4 + length).toString());
    buffer = buffer.subarray(head + 4 + length);
    if (message.method && message.id !== undefined) send({ id: message.id, result: message.method === "workspace/configuration" ? message.params.items.map(() => null) : null });
    else if (message.method === "textDocument/publishDiagnostics") waiting.get(`diagnostics ${message.params.uri}`)?.(message.params.diagnostics);
    else waiting.get(message.id)?.(message.result);
  }
});

function send(message) {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function ask(method, params) {
  last += 1;
  const id = last;
  return new Promise((done) => {
    waiting.set(id, done);
    send({ id, method, params });
  });
}

const uri = (name) => `file://${process.env.FOLDER}/${name}`;

// Opens a text under a name, and gives what the server finds wrong with it.
function open(name, text) {
  return new Promise((done) => {
    waiting.set(`diagnostics ${uri(name)}`, done);
    send({ method: "textDocument/didOpen", params: { textDocument: { uri: uri(name), languageId: "yaml", version: 1, text } } });
  });
}

const at = (name, line, character) => ({ textDocument: { uri: uri(name) }, position: { line, character } });

async function labels(name, line, character) {
  const { items } = await ask("textDocument/completion", at(name, line, character));
  return items.map((item) => item.label);
}

before(async () => {
  await ask("initialize", { processId: process.pid, rootUri: uri(""), capabilities: { textDocument: { publishDiagnostics: {}, hover: { contentFormat: ["markdown"] }, completion: {} } } });
  send({ method: "initialized", params: {} });
});
after(() => server.kill());

const modeline = (schema) => `# yaml-language-server: $schema=${uri(schema)}\n`;

test("a stage of format 1 has its keys and what they mean", async () => {
  const text = `${modeline("config-v1.schema.json")}version: '1'\ndeploy:\n  script: echo\n  \n`;
  assert.deepEqual(await open("v1.yaml", text), []);
  const found = await labels("v1.yaml", 4, 2);
  for (const key of ["image", "abort_on_failure", "runAfter", "skip"]) assert.ok(found.includes(key), `${key}: ${found}`);
  const hover = await ask("textDocument/hover", at("v1.yaml", 3, 4));
  assert.match(hover.contents.value, /Script/);
  const stage = await ask("textDocument/hover", at("v1.yaml", 2, 3));
  assert.match(stage.contents.value, /Deploy/);
});

test("a step of format 2 has its keys, and a wrong value is found", async () => {
  const text = `${modeline("config-v2.schema.json")}version: '2'\ntasks:\n  code-build:\n    steps:\n      - name: build\n        image: x\n        \n    include: dind\n`;
  const problems = await open("v2.yaml", text);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  assert.equal(problems[0].range.start.line, 8);
  const found = await labels("v2.yaml", 7, 8);
  for (const key of ["script", "onError", "when"]) assert.ok(found.includes(key), `${key}: ${found}`);
});

test("the settings that init writes name their schema, and are sound", async () => {
  const text = readFileSync(`${process.env.FOLDER}/.sidestage.yaml`, "utf8");
  assert.match(text, /^# yaml-language-server: \$schema=https:\/\/sidestage.dev\/schemas\/settings.schema.json\n/);
  const local = text.replace("https://sidestage.dev/schemas", uri("").slice(0, -1));
  assert.deepEqual(await open("settings.yaml", `${local}out: deploy/async\n\n`), []);
  const found = await labels("settings.yaml", local.split("\n").length, 0);
  for (const key of ["rules", "properties", "git-hosts"]) assert.ok(found.includes(key), `${key}: ${found}`);
});
