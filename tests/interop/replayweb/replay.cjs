// Shows a page of a WACZ file in ReplayWeb.page, in Chromium, and prints what stands in it.
//
// node replay.cjs FILE.wacz URL TIMESTAMP CHROMIUM CLAUSE
//
// Loopback alone: the browser can resolve no name but localhost. Prints one JSON object: the address and the text of
// the replayed frame, the pages the player lists, and what it noted when it checked the package's signature.
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");
const { chromium } = require("playwright-core");

const [file, url, timestamp, browserPath, clause] = process.argv.slice(2);
const player = path.join(__dirname, "package");
const page = `<!doctype html><meta charset=utf-8><title>judge</title><script src="/ui.js"></script>
<replay-web-page source="/x.wacz" url="${url}" ts="${timestamp}" replayBase="/replay/" embed="replayonly"
 style="display:block;height:600px"></replay-web-page>`;

function serve(request, response) {
  const asked = new URL(request.url, "http://localhost").pathname;
  const named = { "/ui.js": path.join(player, "ui.js"), "/replay/sw.js": path.join(player, "sw.js"), "/x.wacz": file };
  if (asked === "/") {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
    response.end(page);
    return;
  }
  if (!named[asked]) {
    response.writeHead(404);
    response.end();
    return;
  }
  const data = fs.readFileSync(named[asked]);
  const type = asked.endsWith(".js") ? "text/javascript; charset=utf-8" : "application/octet-stream";
  const headers = { "Content-Type": type, "Accept-Ranges": "bytes" };
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range || "");
  let part = data;
  if (range) {
    const first = range[1] ? Number(range[1]) : Math.max(0, data.length - Number(range[2]));
    const last = range[1] && range[2] ? Math.min(Number(range[2]), data.length - 1) : data.length - 1;
    part = data.subarray(first, last + 1);
    headers["Content-Range"] = `bytes ${first}-${last}/${data.length}`;
  }
  headers["Content-Length"] = part.length;
  response.writeHead(range ? 206 : 200, headers);
  response.end(request.method === "HEAD" ? undefined : part);
}

async function replayed(tab) {
  for (;;) {
    for (const frame of tab.frames()) {
      if (frame.url().includes("/replay/w/")) {
        const text = await frame.evaluate(() => (document.body ? document.body.innerText : "")).catch(() => "");
        if (text.includes(clause)) {
          const title = await frame.evaluate(() => document.title);
          return { frame: frame.url(), text, title };
        }
      }
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

// In the page: what the player keeps about its checks, by name; true where something was compared and held.
function noted(name) {
  const asked = (request) => new Promise((done) => (request.onsuccess = () => done(request.result)));
  return asked(indexedDB.open(name))
    .then((db) => asked(db.transaction("verification").objectStore("verification").getAll()))
    .then((all) => Object.fromEntries(all.map((each) => [each.id, each.matched])));
}

async function main() {
  const server = http.createServer(serve);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"],
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://localhost:${server.address().port}/`);
    const found = await Promise.race([
      replayed(tab),
      new Promise((done) => setTimeout(() => done({ frames: tab.frames().map((frame) => frame.url()) }), 30000)),
    ]);
    if (found.frame) {
      const id = /\/w\/([^/]+)\//.exec(found.frame)[1];
      const inner = tab.frames().find((frame) => frame.url().includes("/replay/?"));
      found.pages = await inner.evaluate(
        async (name) => (await (await fetch(`/replay/w/api/c/${name}?all=1`)).json()).pages,
        id,
      );
      found.noted = await inner.evaluate(noted, `db:${id}`);
    }
    process.stdout.write(JSON.stringify(found));
  } finally {
    await browser.close();
    server.close();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
