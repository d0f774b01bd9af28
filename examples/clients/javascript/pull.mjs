// A care office's program: keeps a folder like what the patients' consents permit, and nothing else. Node.js 20, no packages.
//
// An access token for a signed assertion (SMART Backend Services), the panel (every Patient that may be read), what is new of
// each ($everything with _since), and what is no longer there: a patient who has left the panel is taken away from the folder.

import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const { values: asked } = parseArgs({
  options: {
    base: { type: "string", default: "http://127.0.0.1:8080/fhir" },
    client: { type: "string", default: "agency-a-program" },
    kid: { type: "string", default: "agency-a-1" },
    key: { type: "string", default: join(here, "../../data/keys/agency-a.pem") },
    out: { type: "string", default: "pulled" },
    whole: { type: "boolean", default: false }, // fetch everything again, and take away what is not there
  },
});

const key = createPrivateKey(readFileSync(asked.key));
const coded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

let tokenEndpoint, token, until = 0;

/** The headers with a token, which is asked for when there is none or it ends within 30 seconds. */
async function headers() {
  if (Date.now() > until - 30_000) {
    tokenEndpoint ??= (await (await fetch(`${asked.base}/.well-known/smart-configuration`)).json()).token_endpoint;
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: asked.client, sub: asked.client, aud: tokenEndpoint, exp: now + 240, iat: now, jti: randomUUID() };
    const text = `${coded({ alg: "ES384", kid: asked.kid, typ: "JWT" })}.${coded(claims)}`;
    const signature = sign("sha384", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
    const answer = await fetch(tokenEndpoint, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        scope: "system/*.rs",
        purpose_of_use: "COC",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: `${text}.${signature}`,
      }),
    });
    if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
    const told = await answer.json();
    token = told.access_token;
    until = Date.now() + told.expires_in * 1000;
  }
  return { Authorization: `Bearer ${token}`, Accept: "application/fhir+json" };
}

/** One answer; waits when the gateway says so (429, 503), asks for another token once when this one has ended. */
async function get(url) {
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const answer = await fetch(url, { headers: await headers() });
    if (answer.status === 429 || answer.status === 503) await pause(Number(answer.headers.get("retry-after") ?? 1));
    else if (answer.status === 401 && attempt === 0) until = 0;
    else return answer;
  }
  throw new Error("the gateway says again and again to come later");
}

/** The resources of a search or an operation, over all its pages; null where there is no such thing (any more). */
async function resources(path, parameters) {
  const found = [];
  for (let url = `${asked.base}/${path}?${new URLSearchParams(parameters)}`; url; ) {
    const answer = await get(url);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const bundle = await answer.json();
    for (const entry of bundle.entry ?? []) found.push(entry.resource);
    url = (bundle.link ?? []).find((link) => link.relation === "next")?.url;
  }
  return found;
}

/** Beside it first, so that nobody reads half of it; whether it is anything new. */
function written(path, value) {
  const text = JSON.stringify(value);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return false;
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
  return true;
}

mkdirSync(asked.out, { recursive: true });
const file = join(asked.out, "since.json");
const since = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const panel = new Set(((await resources("Patient", { _count: "100", _elements: "id" })) ?? []).map((one) => one.id));
let fresh = 0;
for (const patient of [...panel].sort()) {
  const folder = join(asked.out, patient);
  const known = existsSync(folder) && !asked.whole ? since[patient] : undefined;
  const found = await resources(`Patient/${patient}/$everything`, { _count: "200", ...(known && { _since: known }) });
  if (found === null) {
    panel.delete(patient); // withdrawn since the panel was asked for
    continue;
  }
  mkdirSync(folder, { recursive: true });
  const names = new Set();
  for (const resource of found) {
    const name = `${resource.resourceType}-${resource.id}.json`;
    names.add(name);
    if (written(join(folder, name), resource)) fresh += 1;
    const updated = resource.meta?.lastUpdated;
    if (updated && !(new Date(since[patient]) >= new Date(updated))) since[patient] = updated;
  }
  if (known === undefined) {
    // All of it was fetched: what is not among it may not be read any more.
    for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name));
  }
}
const gone = Object.keys(since).filter((patient) => !panel.has(patient));
for (const patient of gone) {
  rmSync(join(asked.out, patient), { recursive: true, force: true });
  delete since[patient];
}
written(file, since);
console.log(`patients ${panel.size}, new or changed resources ${fresh}, no longer on the panel ${gone.length}`);
