// The grid: a row a model type, a column a check. One cell is the current one; the focus stays on the grid itself.
"use strict";

const NARROW = matchMedia("(max-width: 640px)");
const CELL = 26; // pixels
const upright = checks.length > 8; // few checks have room for their names
const WIDTH = upright ? 30 : NARROW.matches ? 92 : 118; // pixels, of one check
const FIRST = NARROW.matches ? 128 : 230; // of the column that stays
document.documentElement.style.setProperty("--check", `${WIDTH}px`);
document.documentElement.style.setProperty("--first", `${FIRST}px`);

let grid = gridOf(new Uint8Array(count).fill(1));
let rows = [];
const collator = new Intl.Collator("en");
let current = { row: 0, column: 0 };
let currentElement = null;
let settled = Promise.resolve(); // when the table has the rows

const nameOfCheck = (check) => plain(checks[check] ?? "no check");

function describeCell(model, check) {
  const cell = cellOf(model, check);
  const worst = grid.worst[cell];
  const size = starts[cell + 1] - starts[cell];
  const state = worst === NO_CASE ? "no case" : worst === NOT_SHOWN ? "filtered out" : data.outcomes[worst];
  return `${plain(models[model])}, ${nameOfCheck(check)}: ${state}${size > 1 ? `, ${size} cases` : ""}${grid.fresh[cell] ? ", newly broken" : ""}`;
}

// All checks of a row are one column to the table library: 40 columns of its own would not scroll smoothly.
function formatRow(model) {
  const strip = node("div", { class: "checks", role: "none" });
  for (let check = 0; check < checks.length; check++) {
    const at = cellOf(model, check);
    const worst = grid.worst[at];
    const cell = document.createElement("span");
    cell.dataset.outcome = worst === NO_CASE ? "none" : worst === NOT_SHOWN ? "hidden" : data.outcomes[worst];
    if (grid.fresh[at]) cell.dataset.fresh = "";
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-label", describeCell(model, check));
    cell.textContent = GLYPHS[data.outcomes[worst]] ?? "";
    strip.append(cell);
  }
  return strip;
}

// Names are long words: they may break after each underscore.
function breakable(text) {
  const made = node("span", { role: "columnheader", title: text });
  for (const part of text.split(/(?<=_)/)) made.append(part, node("wbr"));
  return made;
}

const table = new Tabulator("#table", {
  data: [],
  index: "id",
  layout: "fitDataStretch",
  maxHeight: "max(320px, 78vh)",
  rowHeight: CELL,
  renderVerticalBuffer: 10 * CELL,
  autoResize: false, // it scrolls back to the top whenever the table's own size changes, as by a filter
  placeholder: "No case matches.",
  columnDefaults: { headerSort: false, resizable: false },
  columns: [
    {
      title: "model type", field: "model", frozen: true, width: FIRST, cssClass: "model",
      titleFormatter: () => node("span", {}, "model type"),
      formatter: (cell) => {
        const name = plain(models[cell.getRow().getData().id]);
        cell.getElement().title = name;
        return node("span", {}, name);
      },
    },
    {
      title: "checks", field: "checks", width: checks.length * WIDTH, cssClass: "strip-of-checks",
      titleFormatter: () => node("div", { class: upright ? "checks upright" : "checks", role: "none" }, ...checks.map((name, check) => breakable(nameOfCheck(check)))),
      formatter: (cell) => {
        cell.getElement().setAttribute("role", "none"); // the cells are those inside
        return formatRow(cell.getRow().getData().id);
      },
    },
    {
      title: "time", field: "time", width: 84, hozAlign: "right", cssClass: "time",
      titleFormatter: () => node("span", {}, "time"),
      formatter: (cell) => document.createTextNode(formatSeconds(modelSeconds[cell.getRow().getData().id])),
    },
    {
      title: "family", field: "family", width: 170, cssClass: "family",
      titleFormatter: () => node("span", {}, "family"),
      formatter: (cell) => node("span", {}, plain(familyOf(cell.getRow().getData().id))),
    },
  ],
  rowFormatter: (row) => {
    const model = row.getData().id;
    row.getElement().setAttribute("aria-rowindex", String(rows.indexOf(model) + 2));
    if (currentElement && model === rows[current.row]) mark(row.getElement()); // made anew, as after a resize
  },
});
const built = new Promise((resolve) => table.on("tableBuilt", resolve));
const lastColumn = checks.length; // the first is the model type's own

function familyOf(model) {
  const found = new Set();
  for (let at = starts[cellOf(model, 0)]; at < starts[cellOf(model, checks.length)]; at++) {
    const family = entry("family", order[at]);
    if (family) found.add(family);
  }
  return [...found].join(", ");
}

const ORDERS = {
  name: () => 0,
  worst: (model) => {
    let worst = NO_CASE;
    for (let check = 0; check < checks.length; check++) worst = Math.min(worst, grid.worst[cellOf(model, check)]);
    return worst;
  },
  slowest: (model) => -modelSeconds[model],
};

function showGrid(found, sort) {
  grid = gridOf(found);
  rows = [...models.keys()].filter((model) => grid.shown[model]);
  const keys = new Map(rows.map((model) => [model, ORDERS[sort](model)]));
  rows.sort((one, other) => keys.get(one) - keys.get(other) || collator.compare(models[one], models[other]));
  current = { row: 0, column: Math.min(current.column, lastColumn) };
  currentElement = null;
  table.element.removeAttribute("aria-activedescendant");
  table.element.setAttribute("aria-rowcount", String(rows.length + 1));
  settled = table.setData(rows.map((id) => ({ id })));
  return grid.total;
}

// Make the current column's cell in this row the one that is seen and announced as current.
function mark(row) {
  const element = row.querySelectorAll("[role=gridcell]")[current.column];
  element.id = `cell-${rows[current.row]}-${current.column}`;
  currentElement?.classList.remove("current");
  currentElement = element;
  element.classList.add("current");
  table.element.setAttribute("aria-activedescendant", element.id);
  return element;
}

const holder = () => table.element.querySelector(".tabulator-tableholder");

// All rows are of one height. Those that come into view are made when the browser says that it has scrolled.
async function scrollToRow(row) {
  const { scrollTop, clientHeight } = holder();
  const top = Math.max(CELL * (row + 1) - clientHeight, Math.min(CELL * row, scrollTop));
  if (top === scrollTop) return;
  holder().scrollTop = top;
  await new Promise(requestAnimationFrame);
}

async function moveTo(row, column, scroll = true) {
  if (!rows.length) return;
  const wanted = { row: Math.max(0, Math.min(rows.length - 1, row)), column: Math.max(0, Math.min(lastColumn, column)) };
  current = wanted;
  await settled;
  if (current !== wanted) return;
  const model = rows[wanted.row];
  const component = table.getRow(model);
  if (scroll) await scrollToRow(wanted.row);
  if (current !== wanted) return;
  const element = mark(component.getElement());
  if (scroll) element.scrollIntoView({ block: "nearest", inline: wanted.column ? "nearest" : "start" });
}

const page = () => Math.max(1, Math.floor(holder().clientHeight / CELL) - 1);
const MOVES = {
  ArrowUp: () => [current.row - 1, current.column],
  ArrowDown: () => [current.row + 1, current.column],
  ArrowLeft: () => [current.row, current.column - 1],
  ArrowRight: () => [current.row, current.column + 1],
  PageUp: () => [current.row - page(), current.column],
  PageDown: () => [current.row + page(), current.column],
  Home: (event) => [event.ctrlKey ? 0 : current.row, 0],
  End: (event) => [event.ctrlKey ? rows.length - 1 : current.row, lastColumn],
};

const checkAt = (element) => (element.matches(".checks > [role=gridcell]") ? [...element.parentElement.children].indexOf(element) : null);

function startGrid(open) {
  const { element } = table;
  element.tabIndex = 0;
  element.setAttribute("aria-label", "Model types and checks");
  element.setAttribute("aria-colcount", String(checks.length + 3));
  holder().tabIndex = -1;
  element.addEventListener("focus", () => currentElement ?? moveTo(current.row, current.column));
  element.addEventListener("keydown", (event) => {
    if (event.key in MOVES && !event.altKey && !event.metaKey) {
      event.preventDefault();
      moveTo(...MOVES[event.key](event));
    } else if ((event.key === "Enter" || event.key === " ") && rows.length) {
      event.preventDefault();
      open(rows[current.row], current.column - 1);
    }
  });
  addEventListener("resize", () => table.redraw());
  table.on("cellClick", (event, cell) => {
    const model = cell.getRow().getData().id;
    const check = cell.getField() === "model" ? -1 : checkAt(event.target);
    if (check === null) return;
    element.focus({ preventScroll: true });
    moveTo(rows.indexOf(model), check + 1, false);
    open(model, check);
  });
  element.addEventListener("pointerover", ({ target }) => {
    if (checkAt(target) !== null) target.title = target.getAttribute("aria-label");
  });
}
