// Reads {items, locale, styles: {name: xml}} from standard input and writes {name: {itemId: text}} to standard output:
// what each style prints of each item, as a note or an in-text citation, and as a bibliography entry where it has one.
"use strict";

const CSL = require("citeproc");
const {items, locale, styles} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const byId = new Map(items.map((item) => [item.id, item]));
const system = {
  retrieveLocale: () => locale,
  retrieveItem: (id) => byId.get(id),
};

function render(engine, id) {
  engine.updateItems([id]);
  const cluster = {citationItems: [{id}], properties: {noteIndex: 1}};
  const citation = engine.previewCitationCluster(cluster, [], [], "text");
  const bibliography = engine.makeBibliography(); // false where the style has none, as Bluebook
  return {citation, bibliography: bibliography ? bibliography[1].join("").trim() : null};
}

const found = {};
for (const [name, style] of Object.entries(styles)) {
  const engine = new CSL.Engine(system, style, "en-US"); // slow to make, so one for all items of a style
  engine.setOutputFormat("text");
  found[name] = Object.fromEntries(items.map((item) => [item.id, render(engine, item.id)]));
}
process.stdout.write(JSON.stringify(found));
