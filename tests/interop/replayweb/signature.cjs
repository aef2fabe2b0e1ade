// Checks the anonymous signature of datapackage-digest.json (standard input) by WebCrypto, as replay software does.
"use strict";
const { subtle } = require("crypto").webcrypto;

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { hash, signature, publicKey } = JSON.parse(Buffer.concat(chunks)).signedData;
  const kind = { name: "ECDSA", namedCurve: "P-384" };
  const key = await subtle.importKey("spki", Buffer.from(publicKey, "base64"), kind, true, ["verify"]);
  const how = { name: "ECDSA", hash: "SHA-256" };
  const valid = await subtle.verify(how, key, Buffer.from(signature, "base64"), new TextEncoder().encode(hash));
  process.stdout.write(`${valid}\n`);
}

main();
