// The charts, each made when it first comes into view.
"use strict";

const made = new Map();

// A colour of the page, as the theme has it.
function colour(name) {
  const probe = node("span", { style: `color: var(--${name})` });
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "series-7", "series-8"];

function lines(series, unit, options = {}) {
  return {
    type: "line",
    unit,
    data: {
      labels: points.map((point) => formatDay(point.started).slice(0, 10)),
      datasets: series.map(({ label, values }, index) => ({
        label, data: values, borderColor: colour(SERIES[index % SERIES.length]), backgroundColor: colour(SERIES[index % SERIES.length]),
        borderWidth: 1.75, pointRadius: points.length > 40 ? 0 : 2, pointHitRadius: 8, tension: 0,
      })),
    },
    options: {
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: series.length > 1, position: "bottom" },
        tooltip: {
          callbacks: {
            title: ([item]) => `${formatDay(points[item.dataIndex].started)} · ${formatCommit(points[item.dataIndex].commit)}`,
            label: (item) => `${item.dataset.label}: ${unit(item.parsed.y)}`,
          },
        },
      },
      scales: { x: { ticks: { maxTicksLimit: 7, maxRotation: 0, autoSkipPadding: 20 } }, y: { ticks: { callback: (value) => unit(value) }, ...options } },
    },
  };
}

function bars(labels, values, unit, open = null) {
  return {
    type: "bar",
    unit,
    data: { labels, datasets: [{ data: values, backgroundColor: colour("series-1"), maxBarThickness: 18 }] },
    options: {
      indexAxis: "y",
      onClick: (event, [bar]) => bar && open?.(bar.index),
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => unit(item.parsed.x) } } },
      scales: { x: { beginAtZero: true, ticks: { callback: (value) => unit(value), maxTicksLimit: NARROW.matches ? 4 : 6, maxRotation: 0 } }, y: { grid: { display: false }, ticks: { autoSkip: false } } },
    },
  };
}

// Seconds, minutes or hours: what the largest calls for. Returns how many seconds it has, and how it is written.
const clock = (most) => {
  const [size, name] = most >= 7200 ? [3600, "h"] : most >= 120 ? [60, "min"] : [1, "s"];
  return { size, write: (value) => `${Number(value.toFixed(2))} ${name}` };
};

const OVER_TIME = ["coverage", "success", "durations"];
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const whole = (number) => number.toLocaleString("en");
const percent = (number) => `${Number(number.toFixed(2))} %`;

// Each returns the configuration of a chart, or in a text why there is none.
const CHARTS = {
  coverage: () => {
    const rungs = Object.keys(points[points.length - 1].ladder);
    return lines(rungs.map((rung) => ({ label: plain(rung), values: points.map((point) => point.ladder[rung] ?? null) })), whole);
  },
  success: () => {
    const passed = data.outcomes.indexOf("passed");
    return lines([{ label: "passed", values: points.map((point) => (point.executed ? (100 * point.outcomes[passed]) / point.executed : null)) }], percent, { suggestedMax: 100 });
  },
  durations: () => {
    const { size, write } = clock(Math.max(...points.map((point) => point.duration_s)));
    return lines([{ label: "all cases", values: points.map((point) => point.duration_s / size) }], write, { beginAtZero: true });
  },
  slowest: (open) => {
    const slowest = [...order].sort((one, other) => columns.duration_ms[other] - columns.duration_ms[one]).slice(0, 15).filter((index) => columns.duration_ms[index]);
    if (!slowest.length) return "No case took any time.";
    const labels = slowest.map((index) => cut(plain([entry("model_type", index), entry("check", index)].filter(Boolean).join(" · ")), NARROW.matches ? 22 : 44));
    return bars(labels, slowest.map((index) => columns.duration_ms[index] / 1000), formatSeconds, (bar) => open(slowest[bar]));
  },
  balance: () => {
    if (!tables.worker.length) return "The records do not name workers.";
    const seconds = new Float64Array(tables.worker.length);
    for (let index = 0; index < count; index++) {
      if (columns.worker[index] >= 0) seconds[columns.worker[index]] += columns.duration_ms[index] / 1000;
    }
    const { size, write } = clock(Math.max(...seconds));
    const workers = [...tables.worker.keys()].sort((one, other) => tables.worker[one].localeCompare(tables.worker[other], "en", { numeric: true }));
    return bars(workers.map((worker) => cut(plain(tables.worker[worker]), 28)), workers.map((worker) => seconds[worker] / size), write);
  },
};

function drawChart(figure, open) {
  const name = figure.dataset.chart;
  const holder = figure.querySelector(".canvas");
  made.get(name)?.destroy();
  made.delete(name);
  const wanted = CHARTS[name](open);
  if (typeof wanted === "string") {
    holder.replaceChildren(node("p", { class: "empty" }, wanted));
    return;
  }
  const { labels, datasets } = wanted.data;
  const newest = datasets.map((set) => `${set.label} ${wanted.unit(set.data[set.data.length - 1] ?? 0)}`);
  const label = `${figure.querySelector("figcaption").textContent}. ${wanted.type === "line" ? `Newest: ${newest.join(", ")}` : labels.map((text, at) => `${text}: ${wanted.unit(datasets[0].data[at])}`).join("; ")}`;
  const canvas = node("canvas", { role: "img", "aria-label": label });
  holder.style.height = wanted.type === "bar" ? `${Math.max(120, 48 + 21 * labels.length)}px` : "";
  holder.replaceChildren(canvas);
  Object.assign(Chart.defaults, { color: colour("quiet"), borderColor: colour("line"), animation: false, maintainAspectRatio: false });
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.plugins.legend.labels.boxWidth = 12;
  Chart.defaults.plugins.legend.labels.boxHeight = 2;
  made.set(name, new Chart(canvas, wanted));
}

let redrawCharts = () => {};

function startCharts(open) {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      drawChart(target, open);
    }
  }, { rootMargin: "200px" });
  for (const figure of document.querySelectorAll("[data-chart]")) {
    if (points.length < 2 && OVER_TIME.includes(figure.dataset.chart)) figure.remove();
    else seen.observe(figure);
  }
  if (points.length < 2) {
    const said = node("p", { class: "empty" }, "No charts over time: they need two runs in the history (", node("code", {}, "hfci history add"), ").");
    document.querySelector(".charts").before(said);
    document.querySelector(".charts").classList.add("now");
  }
  redrawCharts = () => {
    for (const name of [...made.keys()]) drawChart(document.getElementById(`chart-${name}`), open);
  };
}
