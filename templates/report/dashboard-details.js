// What is known of one cell's cases, or of one model type's, in a dialog.
"use strict";

const dialog = document.getElementById("details");

function badge(outcome) {
  return node("span", { class: "badge", "data-outcome": outcome }, outcome ?? "absent");
}

function copyButton(text) {
  return node("button", { type: "button", class: "copy", "data-copy": text }, "Copy");
}

function block(title, ...content) {
  return node("div", { class: "block" }, node("h4", {}, title), ...content);
}

// The history as it is kept: stretches of runs with one outcome, the newest on the right.
function stretches(index) {
  const changes = entry("history", index) ?? [];
  return changes.map(([from, outcome], at) => ({
    from,
    to: (changes[at + 1]?.[0] ?? points.length) - 1,
    outcome: outcome < 0 ? null : data.outcomes[outcome],
  }));
}

function describeStretch({ from, to, outcome }) {
  const point = points[from];
  const runs = to - from + 1;
  return `${outcome ?? "absent"} from ${formatDay(point?.started)} (${formatCommit(point?.commit)}), ${runs} run${runs === 1 ? "" : "s"}`;
}

function historyBlock(index) {
  const found = stretches(index);
  if (!found.length) return null;
  const strip = node("div", { class: "strip", role: "img", "aria-label": `history over ${points.length} runs: ${found.slice(-8).map(describeStretch).join("; ")}` });
  const before = found[0].from;
  if (before > 0) strip.append(node("span", { style: `flex-grow: ${before}`, "data-outcome": "none", title: "not yet there" }));
  for (const one of found) {
    strip.append(node("span", { style: `flex-grow: ${one.to - one.from + 1}`, "data-outcome": one.outcome ?? "none", title: describeStretch(one) }));
  }
  const list = node("ul", { class: "stretches" }, ...found.slice(-6).reverse().map((one) => node("li", {}, badge(one.outcome), ` ${describeStretch(one).replace(/^\S+ /, "")}`)));
  if (found.length > 6) list.append(node("li", { class: "quiet" }, `… and ${found.length - 6} earlier changes`));
  const ends = node("div", { class: "ends quiet" }, node("span", {}, formatDay(points[0]?.started)), node("span", {}, formatDay(points[points.length - 1]?.started)));
  return block("History", strip, ends, list);
}

function shiftText(word, quantity, shift) {
  const format = quantity === "duration" ? formatSeconds : formatBytes;
  const since = shift.started ? `, since ${formatDay(shift.started)} (${formatCommit(shift.commit)})` : "";
  return `${word}: ${format(shift.before ?? 0)} → ${format(shift.after ?? 0)}${since}`;
}

const WORDS = { failing: "newly broken", fixed: "fixed", unavailable: "newly unavailable", inapplicable: "newly not applicable" };

function remarks(index) {
  const note = notes[index] ?? {};
  const said = [];
  if (note.change) said.push(`${WORDS[note.change[0]]}: ${note.change[1] ? `was ${note.change[1]}` : "new in this run"}`);
  if (note.red) {
    const good = note.red.last_good ? `; last good run ${plain(note.red.last_good)}` : "";
    said.push(`red since ${formatDay(note.red.started)} (run ${plain(note.red.run)}, ${formatCommit(note.red.commit)}), ${note.red.runs} run${note.red.runs === 1 ? "" : "s"}${good}`);
  }
  if (note.flaky) said.push(`flaky: on the same fingerprint ${note.flaky.passed} passed and ${note.flaky.failed} failed; last in run ${plain(note.flaky.last_run)}`);
  if (note.slower) said.push(shiftText("slower", "duration", note.slower));
  if (note.heavier) said.push(shiftText("heavier", "memory", note.heavier));
  return said.length ? node("ul", { class: "remarks" }, ...said.map((text) => node("li", {}, text))) : null;
}

function facts(index) {
  const peak = columns.peak_kib[index];
  const pairs = [
    ["stage", entry("stage", index)],
    ["cause", entry("cause", index)],
    ["duration", formatSeconds(columns.duration_ms[index] / 1000)],
    ["peak memory", peak < 0 ? null : formatBytes(peak * 1024)],
    ["device", entry("device", index)],
    ["dtype", entry("dtype", index)],
    ["backend", entry("backend", index)],
    ["task", entry("task", index)],
    ["tier", entry("tier", index)],
    ["family", entry("family", index)],
    ["worker", entry("worker", index)],
  ];
  return node("dl", { class: "facts" }, ...pairs.filter(([, value]) => value).map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", {}, plain(value)))));
}

function caseContent(index) {
  const error = entry("error", index);
  const reason = entry("reason", index);
  const command = written("reproduce", index);
  const [type, message, traceback] = error ?? [];
  return [
    remarks(index),
    facts(index),
    reason && block("Reason", node("p", { class: "text" }, plain(reason))),
    error && block("Error", node("pre", { class: "message", tabindex: "0" }, plain(`${type}: ${message}`))),
    traceback && block("Traceback", node("pre", { tabindex: "0" }, plain(traceback))),
    error && traceback === null && node("p", { class: "quiet" }, "The rest is left out of this page, which has too many errors; the records have it."),
    command && block("Reproduce", node("p", { class: "command" }, node("code", {}, plain(command)), copyButton(plain(command)))),
    historyBlock(index),
  ];
}

// Its content is made when it is first opened: a model type can have hundreds of cases.
function caseSection(index, isOpen) {
  const name = [entry("architecture", index) ?? entry("model_type", index), entry("task", index), entry("dtype", index), entry("backend", index), entry("device", index)];
  const id = written("case", index);
  const section = node("details", { class: "one", "data-place": index },
    node("summary", {}, badge(outcomeOf(index)), node("span", { class: "name" }, name.filter(Boolean).map(plain).join(" · ")), node("code", {}, plain(id))));
  const fill = () => {
    if (section.open && section.children.length === 1) section.append(...caseContent(index).filter(Boolean));
  };
  section.addEventListener("toggle", fill);
  if (isOpen) {
    section.open = true;
    fill();
  }
  return section;
}

// `check` is -1 for all cases of the model type; `place` is the case that is to be open.
function showDetails(model, check, place = null) {
  const [from, to] = check < 0 ? [cellOf(model, 0), cellOf(model, checks.length)] : [cellOf(model, check), cellOf(model, check) + 1];
  const found = [...order.subarray(starts[from], starts[to])].sort((one, other) => columns.outcome[one] - columns.outcome[other]);
  document.getElementById("details-title").replaceChildren(plain(models[model]), node("span", { class: "quiet" }, ` ${check < 0 ? "all checks" : nameOfCheck(check)}`));
  const isOpen = (index) => (place === null ? found.length === 1 || (check >= 0 && data.red.includes(columns.outcome[index])) : index === place);
  const body = document.getElementById("details-body");
  body.replaceChildren(...(found.length ? found.map((index) => caseSection(index, isOpen(index))) : [node("p", { class: "empty" }, "There is no such case: the check is not made for this model type.")]));
  if (!dialog.open) dialog.showModal();
  body.scrollTop = 0;
  if (place !== null) body.querySelector(`[data-place="${Number(place)}"]`)?.scrollIntoView({ block: "nearest" });
}

function startDetails(closed) {
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  dialog.addEventListener("close", closed);
}
