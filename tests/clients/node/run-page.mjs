// The page of `run --page` in a real browser. Its address, with the key, is the argument; $CLIENTS has playwright-core. The async
// stage `owasp-zap` prints "first line", waits until the file $GATE exists, and prints "last line"; `broken-scan` fails.
// The variable `markup` and a line of the log of `setup` are HTML. $SCREENS is for pictures.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

const { chromium } = createRequire(`${process.env.CLIENTS}/package.json`)("playwright-core");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const address = process.argv[2];
const { origin } = new URL(address);
const MARKUP = "<img src=x onerror=alert(1)>";
// A busy machine is slow, and that is no fault.
const PATIENCE = 300_000;
const problems = [];
const requests = [];
let browser, context, page;

before(async () => {
  browser = await chromium.launch({ timeout: PATIENCE, executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: quiet });
  await open({});
});
after(() => browser.close());

async function open(options) {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  context.on("request", (request) => requests.push(request.url()));
  await page.goto(address);
}

const screenshot = (name) => process.env.SCREENS && page.screenshot({ path: `${process.env.SCREENS}/${name}.png`, fullPage: true });
const runs = () => page.evaluate(async () => (await (await fetch("/state.json")).json()).runs);
const show = (path) => page.goto(origin + path);
const newest = async (what) => (await runs()).find((run) => run.what === what);
const row = (what) => page.locator(".runs tbody tr", { hasText: what }).first();
const node = (id, state) => page.locator(`.pic .node[data-node="${id}"].live-${state}`).first();
const log = (stage) => page.locator(`details[data-stage="${stage}"]`);
const bar = (name, kind) => page.locator(`[data-timeline] g.${kind}`, { hasText: name });

// Until a stage or a run has a state.
async function until(isReached) {
  for (const end = Date.now() + PATIENCE; !(await isReached()); ) {
    assert.ok(Date.now() < end, `never reached: ${isReached}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function followed(stage, text) {
  await until(async () => (await log(stage).locator("pre").textContent()).includes(text));
}

// The texts of the page that are hard to read.
function faint() {
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((part) => (part /= 255) && (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => (Math.max(light(one), light(other)) + 0.05) / (Math.min(light(one), light(other)) + 0.05);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (parts(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  let looked = 0;
  for (const element of document.querySelectorAll("body *:not(script, style, title)")) {
    const text = [...element.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.data.trim()).join("");
    if (!text || !element.checkVisibility()) continue;
    looked += 1;
    const style = getComputedStyle(element);
    const box = element.closest(".node, .chip")?.querySelector("rect");
    const isDrawn = element instanceof SVGElement;
    const fill = box && getComputedStyle(box).fill;
    const number = contrast(isDrawn ? style.fill : style.color, fill && fill !== "none" ? fill : ground(element));
    if (number < 4.5) found.push(`${text.slice(0, 40)}: ${number.toFixed(2)}`);
  }
  return { looked, found };
}

test("without the key the page is refused", async () => {
  const other = await browser.newContext();
  const reply = await (await other.newPage()).goto(`${origin}/`, { timeout: PATIENCE });
  assert.equal(reply.status(), 401);
  assert.equal((await other.request.get(`${origin}/state.json`, { timeout: PATIENCE })).status(), 401);
  assert.equal((await other.request.get(`${origin}/?key=wrong`, { timeout: PATIENCE })).status(), 401);
  await other.close();
});

test("the key is not kept in the address", () => assert.equal(page.url(), `${origin}/`));

test("the overview lists the runs, each async run under what has triggered it", async () => {
  await row("owasp-zap").waitFor();
  await row("broken-scan").waitFor();
  await until(async () => (await row("broken-scan").innerText()).includes("failed"));
  const names = await page.locator(".runs tbody tr td:nth-child(2)").allInnerTexts();
  assert.deepEqual([names[0], ...names.slice(1).sort()], ["pipeline ci", "broken-scan", "owasp-zap"]);
});

test("the graph shows live states, in the pipeline that runs only", async () => {
  await node("owasp-zap", "running").waitFor();
  await node("broken-scan", "failed").waitFor();
  await node("setup", "succeeded").waitFor();
  const shown = await page.evaluate(() => {
    const titleOf = (node) => node.parentElement.previousElementSibling.textContent.split(" pipeline")[0];
    return [...document.querySelectorAll(".pic .node[class*=live-]")].map(titleOf);
  });
  assert.deepEqual([...new Set(shown)], ["CI"]);
  const strokes = await page.evaluate(() =>
    ["running", "failed", "succeeded"].map((state) => getComputedStyle(document.querySelector(`.node.live-${state} rect`)).stroke));
  assert.equal(new Set(strokes).size, 3, String(strokes));
  await screenshot("run-overview");
});

test("findings are listed", async () => {
  assert.match(await page.locator(".findings").innerText(), /error\[unexported-variable\] `app-name`/);
});

test("the page of a run follows its log, its timeline and its state", async () => {
  const pipeline = await newest("pipeline ci");
  await show(`/runs/${pipeline.id}`);
  await bar("owasp-zap", "async.running").waitFor();
  await row("owasp-zap").locator("a").click();
  await followed("owasp-zap", "first line");
  assert.ok(!(await log("owasp-zap").locator("pre").textContent()).includes("last line"));
  assert.ok(await page.getByRole("button", { name: "Run again" }).isDisabled());
  const width = () => page.locator("[data-timeline] svg rect").first().evaluate((bar) => bar.nextElementSibling.textContent);
  const earlier = await width();
  await until(async () => (await width()) !== earlier);
  await screenshot("run-following");
  writeFileSync(process.env.GATE, "");
  await followed("owasp-zap", "last line");
  await page.locator("[data-run-state].succeeded").waitFor();
  await bar("owasp-zap", "stage.ok").waitFor();
  const lines = Array.from({ length: 200 }, (_, at) => `line ${at + 1}\n`).join("");
  const text = await log("owasp-zap").locator("pre").textContent();
  assert.ok(text.endsWith(`first line\n${lines}last line\n`), text);
});

test("what crossed is listed, HTML as text", async () => {
  const crossed = page.locator(".crossed");
  assert.match(await crossed.innerText(), /Variables\s+app-url\s+https:\/\/web\.example\.com\s+markup\s+<img src=x onerror=alert\(1\)>/);
  assert.match(await crossed.innerText(), /Repositories\s+app-repo\s[^]*commit: [0-9a-f]{40}/);
  assert.equal(await page.locator("main img").count(), 0);
});

test("a log shows HTML as text, and no colours of a terminal", async () => {
  await show(`/runs/${(await newest("pipeline ci")).id}`);
  await page.locator("[data-run-state].succeeded").waitFor();
  await log("setup").locator("summary").click();
  await followed("setup", "the end");
  assert.equal(await log("setup").locator("pre").textContent(), `${MARKUP}\nred and the end\n`);
  assert.equal(await page.locator("main img").count(), 0);
});

test("a failed async run says why, with its log open", async () => {
  await row("broken-scan").locator("a").click();
  await followed("broken-scan", "<b>broken</b>");
  assert.match(await log("broken-scan").locator("summary").innerText(), /failed[^]*exit code 3/);
  await bar("broken-scan", "stage.bad").waitFor();
});

test("a run is repeated, and its page shown", async () => {
  const earlier = await newest("pipeline ci");
  await show(`/runs/${earlier.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/runs/") && !url.pathname.endsWith(earlier.id));
  assert.match(await page.locator("dl").first().innerText(), new RegExp(`Repeats\\s+${earlier.id.slice(0, 8)}`));
  await page.locator("[data-run-state].succeeded").waitFor();
  await until(async () => (await runs()).every((run) => run.ended));
  const id = page.url().split("/").pop();
  assert.equal((await newest("pipeline ci")).id, id);
  await show("/");
  assert.equal(await page.locator(".runs tbody tr").count(), 6);
});

test("both colour schemes are readable, and nothing is wider than a narrow screen", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await open({ colorScheme });
    await node("owasp-zap", "succeeded").waitFor();
    const paths = ["/", "pipeline ci", "owasp-zap", "broken-scan"];
    for (const path of paths) {
      if (path !== "/") await show(`/runs/${(await newest(path)).id}`);
      const { looked, found } = await page.evaluate(faint);
      assert.deepEqual(found, [], `${colorScheme}, ${path}`);
      assert.ok(looked > 10, `${path}: ${looked} texts`);
      await page.setViewportSize({ width: 600, height: 900 });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 600, path);
      await screenshot(`run-${path.replace(/\W+/g, "")}-${colorScheme}`);
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  }
});

test("nothing was fetched from elsewhere, and nothing went wrong", () => {
  assert.deepEqual(problems, []);
  assert.deepEqual(requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith("data:")), []);
});
