// The cache of a repository, as actions/cache v5 uses it: restored at its step, saved when the job has succeeded.
// README.md says whose behaviour this is, and what is left out.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Refused } from "./unsupported.mjs";

const MOST_CHARACTERS = 512;
const MOST_KEYS = 10;
const MODES = { write: [true, true], read: [true, false], "write-only": [false, true], none: [false, false] };

/** Throw Refused where GitHub takes no such key. */
function checkKey(key) {
  if (key.length > MOST_CHARACTERS) throw new Refused(`Key Validation Error: ${key} cannot be larger than 512 characters.`);
  if (key.includes(",")) throw new Refused(`Key Validation Error: ${key} cannot contain commas.`);
}

/** Return what may be done in a cache mode: [restore, save]; Refused for one that is none. */
export function accessOf(mode) {
  if (!(mode in MODES)) throw new Refused(`cache-mode: ${mode}`);
  return MODES[mode];
}

/** Restore what is kept under the key, or, the newest first, under a key that begins with one of restore-keys. */
export function restore(inputs, job) {
  const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
  const [key, paths] = [inputs.key.trim(), lines(inputs.path)];
  const keys = [key, ...lines(inputs["restore-keys"])];
  if (keys.length > MOST_KEYS) throw new Refused("Key Validation Error: Keys are limited to a maximum of 10.");
  keys.forEach(checkKey);
  const [mayRestore, maySave] = accessOf(job.cacheMode);
  const version = createHash("sha256").update(paths.join("|")).digest("hex").slice(0, 16);
  // What a branch or a pull request keeps is its own; what the default branch keeps is everybody's.
  const scopes = [...new Set([job.contexts.github.ref, "refs/heads/main"])];
  const found = mayRestore ? find(job.run.caches, scopes, version, keys) : null;
  const places = paths.map((path) => (path.startsWith("~") ? join(job.home, path.slice(1)) : resolve(job.workspace, path)));
  if (found) {
    places.forEach((place, index) => {
      if (existsSync(join(found.folder, String(index)))) cpSync(join(found.folder, String(index)), place, { recursive: true });
    });
    job.log(`Cache restored from key: ${found.key}`);
  } else {
    job.log(`Cache not found for input keys: ${keys.join(", ")}`);
  }
  const hit = found?.key === key;
  if (maySave && !hit) job.afterwards.push(() => save(job, scopes[0], version, key, places));
  return { "cache-hit": found ? String(hit) : "" };
}

const nameOf = (text) => Buffer.from(text).toString("base64url");

function find(caches, scopes, version, keys) {
  for (const scope of scopes) {
    const folder = join(caches, nameOf(scope), version);
    if (!existsSync(folder)) continue;
    const known = readdirSync(folder).map((name) => join(folder, name));
    const named = known.map((one) => ({ folder: one, key: readFileSync(join(one, "key"), "utf8"), made: statSync(one).mtimeMs }));
    named.sort((one, other) => other.made - one.made);
    const exact = named.find((one) => one.key === keys[0]);
    if (exact) return exact;
    for (const key of keys) {
      const found = named.find((one) => one.key.startsWith(key));
      if (found) return found;
    }
  }
  return null;
}

/** Keep what is there now; a key that is kept already is not changed. */
function save(job, scope, version, key, places) {
  const name = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const folder = join(job.run.caches, nameOf(scope), version, name);
  const there = places.filter((place) => existsSync(place));
  if (existsSync(folder) || there.length === 0) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "key"), key);
  places.forEach((place, index) => {
    if (existsSync(place)) cpSync(place, join(folder, String(index)), { recursive: true });
  });
  job.log(`Cache saved with key: ${key}`);
}
