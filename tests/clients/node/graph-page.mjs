// The page of `graph --format html` in a real browser: $PAGE, $CLIENTS with playwright-core, $SCREENS for pictures.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, beforeEach, test } from "node:test";

const { chromium } = createRequire(`${process.env.CLIENTS}/package.json`)("playwright-core");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const address = `file://${process.env.PAGE}`;
let browser, context, page;
const problems = [];
const requests = [];

before(async () => {
  // A busy machine is slow, and that is no fault.
  browser = await chromium.launch({ timeout: 300_000, executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: quiet });
});
after(() => browser.close());

async function open(hash = "", options = {}) {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(300_000);
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(address + hash);
}

beforeEach(() => open());

const side = () => page.locator("aside").innerText();
const hash = () => page.evaluate(() => location.hash);
const shownScene = () => page.locator(".scene:not([hidden])");
const transform = () => shownScene().evaluate((scene) => scene.style.transform);
const screenshot = (name) => page.screenshot({ path: `${process.env.SCREENS}/${name}.png` });

test("it opens with the first pipeline that triggers something, and its findings", async () => {
  assert.match(await side(), /^CI pipeline\n[^]*Findings \(1\)[^]*error\[unexported-variable\]/);
  assert.equal(await page.locator('[role="tab"][aria-selected="true"]').innerText(), "CI pipeline");
});

test("a variable shows where it is set, exported, triggered and read, with the code", async () => {
  await shownScene().locator('.chip[data-variable="app-url"]').click();
  const text = await side();
  assert.match(text, /read, and not exported/);
  assert.match(text, /help: add `export_env "app-url"` before the trigger/);
  for (const [title, place] of [["Set", "scripts/deploy/deploy-app:10:9"], ["Triggered", "scripts/zap/trigger-async-zap:13:1"], ["Read", "scripts/zap/run:5:20"]])
    assert.match(text, new RegExp(`\n${title}\n+[^\n]*${place}\n`), title);
  assert.match(text, /\nExported\n+nowhere before the trigger\n/);
  assert.match(text, /set_env app-url "https:\/\/\$\{HOST\}"/);
  assert.deepEqual(await page.locator("aside figure mark").first().allInnerTexts(), ["app-url"]);
  assert.equal(await hash(), "#ci/owasp-zap/app-url/dynamic-scan");
  await screenshot("variable-light");
  await shownScene().locator('.chip[data-variable="opt-in-dynamic-ui-scan"]').click();
  assert.match(await side(), /exported and read[^]*\nExported\n+[^\n]*scripts\/zap\/trigger-async-zap:\d+/);
});

test("a stage shows its triggers and what they carry; a click beside it goes back", async () => {
  await shownScene().locator('.node[data-node="owasp-zap"]').click();
  assert.match(await side(), /async stage[^]*Triggered by dynamic-scan \(under a condition\)[^]*target-application-server-url/);
  await page.locator("aside a", { hasText: "dynamic-scan" }).first().click();
  assert.match(await side(), /^dynamic-scan\n+stage[^]*Triggers owasp-zap/);
  await page.locator("main").click({ position: { x: 400, y: 640 } });
  assert.match(await side(), /^CI pipeline/);
});

test("findings are marked on the edge, and lead to what they are about", async () => {
  assert.equal(await shownScene().locator(".edge .badge.error text").innerHTML(), "1");
  await page.locator("aside .finding").click();
  assert.equal(await hash(), "#ci/owasp-zap/app-url/dynamic-scan");
});

test("an address leads to its place, and back goes back", async () => {
  await open("#ci/owasp-zap/app-url/dynamic-scan");
  assert.match(await side(), /^app-url\n/);
  await open("#cc/owasp-zap");
  assert.match(await side(), /^owasp-zap\n/);
  await page.keyboard.press("Escape");
  await page.goBack();
  assert.match(await side(), /^owasp-zap\n/);
  await open("#none/%ff/x");
  assert.match(await side(), /pipeline\n/);
});

test("the keyboard is enough", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("app-url");
  await page.keyboard.press("Enter");
  assert.match(await side(), /^app-url\n/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.match(await side(), /^CI pipeline/);
  await page.keyboard.press("1");
  assert.match(await side(), /^PR pipeline/);
  await page.keyboard.press("2");
  await shownScene().locator('.chip[data-variable="app-url"]').focus();
  await page.keyboard.press("Enter");
  assert.match(await side(), /^app-url\n/);
  const before = await transform();
  await page.keyboard.press("+");
  assert.notEqual(await transform(), before);
  await page.keyboard.press("0");
  assert.equal(await transform(), before);
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await transform(), before);
  await page.keyboard.press("?");
  assert.match(await side(), /^Keys\n/);
});

test("what nothing is called is said", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("no-such");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".note").innerText(), "Nothing is called no-such");
});

test("it is moved with the mouse, and zoomed at the pointer", async () => {
  const before = await transform();
  await page.mouse.move(300, 600);
  await page.mouse.down();
  await page.mouse.move(360, 640, { steps: 4 });
  await page.mouse.up();
  assert.notEqual(await transform(), before);
  const scale = async () => Number((await transform()).match(/scale\((.*)\)/)[1]);
  const small = await scale();
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  assert.ok((await scale()) > small);
});

test("SVG, PNG and Mermaid are copied", async () => {
  const copied = async (name, type) => {
    await page.getByRole("button", { name }).click();
    await page.locator(".note", { hasText: "copied" }).waitFor();
    return page.evaluate(async (type) => {
      const [item] = await navigator.clipboard.read();
      const blob = await item.getType(type);
      return type === "image/png" ? [...new Uint8Array((await blob.arrayBuffer()).slice(0, 4))] : blob.text();
    }, type);
  };
  assert.match(await copied("Copy SVG", "text/plain"), /^<svg [^]*owasp-zap[^]*<\/svg>/);
  await open();
  assert.deepEqual(await copied("Copy PNG", "image/png"), [0x89, 0x50, 0x4e, 0x47]);
  await open();
  assert.match(await copied("Copy Mermaid", "text/plain"), /flowchart LR\n[^]*:::async/);
});

test("it has two colour schemes, both readable", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await open("#ci/owasp-zap/app-url/dynamic-scan", { colorScheme });
    const contrasts = await page.evaluate(() => {
      const light = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).map((part) => (part /= 255) && (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const contrast = (one, other) => (Math.max(light(one), light(other)) + 0.05) / (Math.min(light(one), light(other)) + 0.05);
      return [...document.querySelectorAll(".scene:not([hidden]) :is([data-node], .chip[data-from])")].map((group) =>
        contrast(getComputedStyle(group.querySelector("text")).fill, getComputedStyle(group.querySelector("rect")).fill));
    });
    assert.ok(contrasts.length > 8 && Math.min(...contrasts) >= 4.4, `${colorScheme}: ${contrasts}`);
    await screenshot(`page-${colorScheme}`);
  }
});

test("texts fit into their boxes, and no two boxes overlap", async () => {
  const faults = await page.evaluate(() => {
    const faults = [];
    for (const scene of document.querySelectorAll(".scene")) {
      scene.hidden = false;
      const groups = [...scene.querySelectorAll(".node, .chip")].filter((group) => !group.closest(".legend"));
      const boxes = groups.map((group) => ({ name: group.textContent, box: group.querySelector("rect").getBBox(), text: group.querySelector("text").getBBox() }));
      for (const [at, one] of boxes.entries()) {
        if (one.text.width > one.box.width) faults.push(`${one.name} is too long`);
        for (const other of boxes.slice(at + 1))
          if (one.box.x < other.box.x + other.box.width && other.box.x < one.box.x + one.box.width && one.box.y < other.box.y + other.box.height && other.box.y < one.box.y + one.box.height)
            faults.push(`${one.name} and ${other.name}`);
      }
    }
    return faults;
  });
  assert.deepEqual(faults, []);
});

test("on a narrow screen the facts are below the picture", async () => {
  await open("#ci/owasp-zap", { viewport: { width: 480, height: 800 } });
  const [picture, facts] = [await page.locator("main").boundingBox(), await page.locator("aside").boundingBox()];
  assert.ok(facts.y >= picture.y + picture.height && facts.width > 400);
  await screenshot("page-narrow");
});

test("nothing was fetched, and nothing went wrong", () => {
  assert.deepEqual(problems, []);
  // The picture for the PNG is made from the page itself.
  assert.deepEqual(requests.filter((url) => !url.startsWith(address) && !url.startsWith("data:image/svg+xml")), []);
});
