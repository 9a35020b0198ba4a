// The cases and the questions to them. Text from tests is only ever made into text nodes.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const GLYPHS = { "failed": "✕", "not-run": "○", "quarantined": "~", "known-failure": "!", "unavailable": "–", "not-applicable": "·", "assumed": "?", "reused": "↻", "passed": "✓" };
const NO_CASE = 255;
const NOT_SHOWN = 254;

const { columns, tables, notes, points } = data;
const count = columns.outcome.length;
const models = tables.model_type;
const checks = [...tables.check].sort();
const ranks = tables.check.map((name) => checks.indexOf(name));
if (columns.check.includes(-1)) checks.push(null); // the last column: the records that are of no check
const checkOf = (index) => ranks[columns.check[index]] ?? checks.length - 1;

// What a reader sees of a text: no escape sequences of terminals, no characters that hide or turn others around.
const ANSI = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]/g;
const HIDDEN = /[^\P{C}\n\t]/gu;
const plain = (text) => String(text).replace(ANSI, "").replace(HIDDEN, "");

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const entry = (field, index) => {
  const number = columns[field][index];
  return number < 0 ? null : tables[field][number];
};
const written = (field, index) => {
  const parts = entry(field, index);
  return parts && parts.map((part) => (typeof part === "number" ? entry(data.within[part], index) : part)).join("");
};
const outcomeOf = (index) => data.outcomes[columns.outcome[index]];

const places = new Map(); // by case ID, when the first is asked for
function placeOf(id) {
  if (!places.size) for (let index = 0; index < count; index++) places.set(written("case", index), index);
  return places.get(id);
}

// The cases of each cell lie together: those of cell n are order[starts[n]] … order[starts[n + 1] - 1].
const cellOf = (model, check) => model * checks.length + check;
const starts = new Uint32Array(models.length * checks.length + 1);
const order = new Uint32Array(count);
const cells = new Uint32Array(count);
for (let index = 0; index < count; index++) {
  cells[index] = cellOf(columns.model_type[index], checkOf(index));
  starts[cells[index] + 1]++;
}
for (let cell = 0; cell < starts.length - 1; cell++) starts[cell + 1] += starts[cell];
const filled = starts.slice();
for (let index = 0; index < count; index++) order[filled[cells[index]]++] = index;

const modelSeconds = new Float64Array(models.length);
for (let index = 0; index < count; index++) modelSeconds[columns.model_type[index]] += columns.duration_ms[index] / 1000;

const isNew = (index) => notes[index]?.change?.[0] === "failing";

// Which texts have the word in them, by field; a case has it where one of its texts has, or its ID.
const SEARCHED = ["model_type", "architecture", "check", "error", "reason", "cause"];
const lowered = {};
function lowerCase(field) {
  return (lowered[field] ??= tables[field].map((text) => (Array.isArray(text) ? text.filter(Boolean).join("\n") : text).toLowerCase()));
}
function marked(word) {
  const hits = SEARCHED.map((field) => [columns[field], lowerCase(field).map((text) => text.includes(word))]);
  return (index) => hits.some(([column, hit]) => hit[column[index]]) || (word.includes("/") && written("case", index).toLowerCase().includes(word));
}

// Return which cases meet all conditions; `outcomes` are codes, an empty set means all.
function matching(wanted) {
  const tests = wanted.query.toLowerCase().split(/\s+/).filter(Boolean).map(marked);
  for (const field of ["family", "task", "tier"]) {
    if (wanted[field] === "") continue;
    const number = tables[field].indexOf(wanted[field]);
    tests.unshift((index) => columns[field][index] === number);
  }
  if (wanted.outcomes.size) tests.unshift((index) => wanted.outcomes.has(columns.outcome[index]));
  if (wanted.regressions) tests.unshift(isNew);
  const found = new Uint8Array(count);
  for (let index = 0; index < count; index++) found[index] = tests.every((test) => test(index)) ? 1 : 0;
  return found;
}

// Return the worst outcome of each cell's matching cases, whether one of them is newly broken, and who is shown.
function gridOf(found) {
  const worst = new Uint8Array(models.length * checks.length).fill(NO_CASE);
  const fresh = new Uint8Array(worst.length);
  const shown = new Uint8Array(models.length);
  let total = 0;
  for (let index = 0; index < count; index++) {
    const cell = cells[index];
    if (found[index]) {
      total++;
      shown[columns.model_type[index]] = 1;
      worst[cell] = Math.min(worst[cell], columns.outcome[index]);
      if (isNew(index)) fresh[cell] = 1;
    } else if (worst[cell] === NO_CASE) {
      worst[cell] = NOT_SHOWN;
    }
  }
  return { worst, fresh, shown, total };
}

const formatSeconds = (seconds) => (seconds >= 3600 ? `${(seconds / 3600).toFixed(1)} h` : seconds >= 60 ? `${(seconds / 60).toFixed(1)} min` : `${Number(seconds.toFixed(seconds < 1 ? 3 : 1))} s`);
const formatBytes = (bytes) => (bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`);
const formatDay = (started) => plain(started ?? "").slice(0, 16).replace("T", " ");
const formatCommit = (commit) => (commit ? plain(commit).slice(0, 10) : "unknown commit");
