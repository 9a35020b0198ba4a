// The page: what is asked for stands in the address's hash, so that a view can be passed on.
"use strict";

const field = (id) => document.getElementById(id);
const SELECTS = ["family", "task", "tier"];
const THEMES = ["system", "light", "dark"];
const state = { query: "", family: "", task: "", tier: "", outcomes: new Set(), regressions: false, sort: "name", theme: "system", model: null, check: null };

// ---- the hash

function readHash() {
  const said = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  state.query = said.get("q") ?? "";
  for (const name of SELECTS) state[name] = tables[name].includes(said.get(name)) ? said.get(name) : "";
  state.outcomes = new Set((said.get("outcome") ?? "").split(",").map((name) => data.outcomes.indexOf(name)).filter((code) => code >= 0));
  state.regressions = said.get("only") === "regressions";
  state.sort = Object.hasOwn(ORDERS, said.get("sort")) ? said.get("sort") : "name";
  state.theme = THEMES.includes(said.get("theme")) ? said.get("theme") : "system";
  const place = said.has("case") ? placeOf(said.get("case")) : undefined;
  state.place = place ?? null;
  const model = place === undefined ? models.indexOf(said.get("model")) : columns.model_type[place];
  state.model = model < 0 ? null : model;
  state.check = place === undefined ? (said.has("check") ? checks.indexOf(said.get("check") || null) : -1) : checkOf(place);
}

function writeHash() {
  const said = new URLSearchParams();
  const put = (name, value) => value && said.set(name, value);
  put("q", state.query);
  for (const name of SELECTS) put(name, state[name]);
  put("outcome", [...state.outcomes].sort().map((code) => data.outcomes[code]).join(","));
  put("only", state.regressions && "regressions");
  put("sort", state.sort === "name" ? "" : state.sort);
  put("theme", state.theme === "system" ? "" : state.theme);
  if (state.place !== null && state.model !== null) {
    said.set("case", written("case", state.place));
  } else if (state.model !== null) {
    said.set("model", models[state.model]);
    if (state.check >= 0) said.set("check", checks[state.check] ?? "");
  }
  history.replaceState(null, "", `#${said}`);
}

// ---- what is shown

function showCases() {
  const total = showGrid(matching(state), state.sort);
  const number = (value) => value.toLocaleString("en");
  field("status").textContent = `${number(total)} of ${number(count)} cases, in ${number(rows.length)} of ${number(models.length)} model types`;
}

function showControls() {
  field("search").value = state.query;
  for (const name of SELECTS) field(name).value = state[name];
  field("sort").value = state.sort;
  field("regressions").setAttribute("aria-pressed", String(state.regressions));
  for (const button of field("outcomes").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(state.outcomes.has(Number(button.value))));
  }
}

function showTheme() {
  document.documentElement.dataset.theme = state.theme;
  field("theme").textContent = `Theme: ${state.theme}`;
  field("theme").setAttribute("aria-label", `Theme: ${state.theme === "system" ? "as the system" : state.theme}`);
  redrawCharts();
}

function changed() {
  showControls();
  showCases();
  writeHash();
}

function open(model, check, place = null) {
  Object.assign(state, { model, check, place });
  writeHash();
  showDetails(model, check, place);
}

const openPlace = (place) => open(columns.model_type[place], checkOf(place), place);

// ---- the controls

function fillControls() {
  for (const name of SELECTS) {
    const texts = [...tables[name]].sort();
    field(name).append(node("option", { value: "" }, "all"), ...texts.map((text) => node("option", { value: text }, plain(text))));
    field(name).disabled = !texts.length;
    field(name).addEventListener("change", () => { state[name] = field(name).value; changed(); });
  }
  const counts = new Array(data.outcomes.length).fill(0);
  for (const code of columns.outcome) counts[code]++;
  data.outcomes.forEach((name, code) => {
    if (!counts[code]) return;
    const button = node("button", { type: "button", value: code, "aria-pressed": "false" }, node("span", { class: "cell", "data-outcome": name, "aria-hidden": "true" }, GLYPHS[name]), name, node("span", { class: "count" }, counts[code].toLocaleString("en")));
    button.addEventListener("click", () => {
      if (!state.outcomes.delete(code)) state.outcomes.add(code);
      changed();
    });
    field("outcomes").append(button);
  });
}

function startControls() {
  let waiting = 0;
  field("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.query = field("search").value.trim(); showCases(); writeHash(); }, 120);
  });
  field("filters").addEventListener("submit", (event) => event.preventDefault());
  field("sort").addEventListener("change", () => { state.sort = field("sort").value; changed(); });
  field("regressions").addEventListener("click", () => { state.regressions = !state.regressions; changed(); });
  field("clear").addEventListener("click", () => {
    Object.assign(state, { query: "", family: "", task: "", tier: "", outcomes: new Set(), regressions: false });
    changed();
    field("search").focus();
  });
  field("theme").addEventListener("click", () => {
    state.theme = THEMES[(THEMES.indexOf(state.theme) + 1) % THEMES.length];
    showTheme();
    writeHash();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redrawCharts());
  document.addEventListener("click", onLink);
}

async function onLink(event) {
  const link = event.target.closest("a[data-case]");
  if (link) {
    const place = placeOf(link.dataset.case);
    event.preventDefault();
    if (place !== undefined) openPlace(place);
  }
  if (event.target.closest("a.struck")) field("grid").scrollIntoView(); // which cases it shows, the hash says
  const anchor = event.target.closest("nav a, a.skip");
  if (anchor) {
    event.preventDefault(); // the hash has the view
    const target = document.querySelector(anchor.getAttribute("href"));
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  }
  const button = event.target.closest("button.copy");
  if (button) {
    await copy(button);
  }
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function follow() {
  showControls();
  showTheme();
  showCases();
  if (state.model !== null) showDetails(state.model, state.check, state.place);
}

for (const mark of document.querySelectorAll(".bars .cell")) mark.textContent = GLYPHS[mark.dataset.outcome];
fillControls();
startControls();
startDetails(() => {
  Object.assign(state, { model: null, check: null, place: null });
  writeHash();
});
readHash();
document.documentElement.dataset.theme = state.theme;
built.then(() => {
  startGrid(open);
  follow();
  startCharts(openPlace);
  performance.mark("hfci-grid");
  document.documentElement.dataset.ready = "";
});
addEventListener("hashchange", () => {
  readHash();
  if (state.model === null && dialog.open) dialog.close();
  follow();
});
