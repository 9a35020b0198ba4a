// A workflow: its jobs in the order of their needs, each with its matrix, or another workflow in its place.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { accessOf } from "./caches.mjs";
import { Scope } from "./expressions.mjs";
import { toRegExp } from "./globs.mjs";
import { expand } from "./matrix.mjs";
import { grant } from "./permissions.mjs";
import { Job } from "./steps.mjs";
import { onlyKeys, Refused, Unsupported } from "./unsupported.mjs";

const WORKFLOW = ["name", "on", "permissions", "env", "defaults", "concurrency", "cache-mode", "jobs"];
const SHARED = ["name", "needs", "if", "permissions", "strategy", "concurrency", "cache-mode"];
const WORKING = [...SHARED, "runs-on", "container", "environment", "outputs", "env", "defaults", "steps", "timeout-minutes", "continue-on-error"];
const CALLING = [...SHARED, "uses", "with", "secrets"];

const MOST_OUTPUTS = 1024 * 1024;

/** Return a parsed workflow; a key twice in a mapping, or a key that is not known, is an error. */
export function load(path) {
  const document = parseDocument(readFileSync(path, "utf8"), { uniqueKeys: true });
  if (document.errors.length) throw new Refused(`${path}: ${document.errors[0].message}`);
  const workflow = onlyKeys(document.toJS(), WORKFLOW, path);
  for (const [id, job] of Object.entries(workflow.jobs)) {
    onlyKeys(job, "uses" in job ? CALLING : WORKING, `${path}: ${id}`);
  }
  return workflow;
}

/** Return whether the workflow's `on` has this event. */
export function triggered(workflow, event, github) {
  const on = workflow.on;
  if (typeof on === "string") return on === event;
  if (Array.isArray(on)) return on.includes(event);
  if (!(event in on)) return false;
  const filter = on[event];
  if (filter === null || event === "schedule") return true;
  if (event === "workflow_dispatch" || event === "workflow_call") return true;
  onlyKeys(filter, ["branches", "tags", "types", "workflows"], `on.${event}`);
  const branch = event === "pull_request" ? github.base_ref : github.ref.replace(/^refs\/(heads|tags)\//, "");
  const kind = github.ref.startsWith("refs/tags/") ? "tags" : "branches";
  if (!("branches" in filter) && !("tags" in filter)) return true;
  return (filter[kind] ?? []).some((pattern) => toRegExp(pattern).test(branch));
}

/** Return the values of a workflow's inputs, by their types; Refused for an unknown, missing or ill-typed one. */
export function inputsOf(declared, given, where) {
  for (const name of Object.keys(given)) {
    if (!(name in declared)) throw new Refused(`${where}: Invalid input, ${name} is not defined`);
  }
  const values = {};
  for (const [name, input] of Object.entries(declared)) {
    const { type = "string", required = false } = input;
    if (!(name in given) && required) throw new Refused(`${where}: Input ${name} is required`);
    const usual = { string: "", boolean: false, number: 0 }[type];
    if (usual === undefined) throw new Unsupported(`${where}: an input of type ${type}`);
    const value = given[name] ?? input.default ?? usual;
    if (typeof value !== type) throw new Refused(`${where}: ${name} is a ${type}, not ${JSON.stringify(value)}`);
    values[name] = value;
  }
  return values;
}

/** Run a workflow's jobs. `call` says where it is, what it was given and what it may do. Returns result and outputs. */
export async function runWorkflow(run, call) {
  const workflow = load(join(call.root, call.path));
  const { inputs, vars, secrets, github } = call;
  const seen = { github, inputs, vars, secrets };
  new Scope("workflow", seen).deep(workflow.concurrency ?? {});
  const env = new Scope("workflow.env", seen).deep(workflow.env ?? {});
  const done = {};
  const pending = Object.entries(workflow.jobs).map(([id, job]) => [id, job, [job.needs ?? []].flat()]);
  for (const [id, , needs] of pending) {
    const missing = needs.find((name) => !(name in workflow.jobs));
    if (missing) throw new Refused(`${call.path}: job ${id} needs ${missing}, which is not there`);
  }
  const promises = {};
  const start = (id, trail = []) => {
    if (trail.includes(id)) throw new Refused(`${call.path}: jobs need one another: ${[...trail, id].join(" → ")}`);
    const [, job, needs] = pending.find(([name]) => name === id);
    promises[id] ??= Promise.all(needs.map((name) => start(name, [...trail, id]))).then(async () => {
      done[id] = await runJob(run, { ...call, workflow, env }, id, job, needs, done);
    });
    return promises[id];
  };
  await Promise.all(pending.map(([id]) => start(id)));
  const results = Object.values(done).map((job) => job.result);
  const jobs = Object.fromEntries(Object.entries(done).map(([id, { result, outputs }]) => [id, { result, outputs }]));
  const declared = workflow.on?.workflow_call?.outputs ?? {};
  const scope = new Scope("workflow.outputs", { ...seen, jobs });
  return {
    result: worst(results),
    outputs: Object.fromEntries(Object.entries(declared).map(([name, output]) => [name, scope.text(output.value)])),
    ran: Object.values(done).some((job) => job.ran),
  };
}

function worst(results) {
  const order = ["failure", "cancelled", "success", "skipped"];
  return order.find((result) => results.includes(result)) ?? "skipped";
}

async function runJob(run, call, id, job, needs, done) {
  const { github, inputs, vars, secrets } = call;
  const results = Object.fromEntries(needs.map((name) => [name, { result: done[name].result, outputs: done[name].outputs }]));
  const above = new Set(needs.flatMap((name) => [name, ...done[name].above]));
  const ended = [...above].map((name) => done[name].result);
  const seen = { github: { ...github, job: id }, needs: results, inputs, vars };
  const status = {
    always: () => true,
    cancelled: () => run.cancelled,
    failure: () => ended.includes("failure") && !run.cancelled,
    success: () => ended.every((result) => result === "success") && !run.cancelled,
  };
  const base = { outputs: {}, above: [...above], ran: false };
  const label = job.name ?? id;
  if (!new Scope("job.if", seen, status).holds(job.if)) {
    const name = label.includes("${{") ? id : label;
    const result = run.cancelled ? "cancelled" : "skipped";
    run.tell({ name: call.prefix + name, id, result, steps: [], outputs: {} });
    return { ...base, result };
  }
  const anew = needs.some((name) => done[name].ran);
  try {
    const strategy = new Scope("job.strategy", seen).deep(job.strategy ?? {});
    onlyKeys(strategy, ["matrix", "fail-fast", "max-parallel"], `${id}: strategy`);
    const most = strategy["max-parallel"] ?? 256;
    if (!(Number(most) >= 1)) throw new Refused(`${id}: max-parallel is ${most}`);
    const combinations = strategy.matrix === undefined ? [{}] : expand(strategy.matrix);
    const stop = { now: false };
    const parts = await Promise.all(
      combinations.map(async (matrix, index) => {
        const contexts = { ...seen, matrix, strategy: { "job-index": index, "job-total": combinations.length } };
        const own = { call, id, job, contexts, name: call.prefix + instanceName(label, job, id, matrix, contexts), anew, stop };
        const part = await ("uses" in job ? callWorkflow(run, own) : runInstance(run, own));
        if (part.result === "failure" && strategy["fail-fast"] !== false) stop.now = true;
        return part;
      }),
    );
    const outputs = Object.assign({}, ...parts.map((part) => part.outputs));
    return { ...base, result: worst(parts.map((part) => part.result)), outputs, ran: parts.some((part) => part.ran) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    run.tell({ name: call.prefix + id, id, result: "failure", error: error.message, steps: [], outputs: {} });
    return { ...base, result: "failure", ran: true };
  }
}

function instanceName(label, job, id, matrix, contexts) {
  if (job.name) return new Scope("job", contexts).text(label);
  const values = Object.values(matrix).filter((value) => typeof value !== "object");
  return values.length ? `${id} (${values.join(", ")})` : id;
}

async function callWorkflow(run, { call, id, job, contexts, name, anew }) {
  const { root, path } = run.workflowOf(job.uses, call.root);
  const called = load(join(root, path));
  const declared = called.on?.workflow_call;
  if (declared === undefined) throw new Refused(`${job.uses} is not callable: it has no workflow_call`);
  const given = new Scope("job", contexts).deep(job.with ?? {});
  // GitHub hands on an absent variable as an empty text.
  for (const key of Object.keys(given)) given[key] ??= "";
  const inputs = inputsOf(declared?.inputs ?? {}, given, job.uses);
  const known = { ...contexts, secrets: call.secrets };
  const secrets = job.secrets === "inherit" ? call.secrets : new Scope("job.secrets", known).deep(job.secrets ?? {});
  const ceiling = grant(job.permissions ?? call.workflow.permissions, call.ceiling, name, { cut: true });
  for (const [key, each] of Object.entries(called.jobs)) {
    grant(each.permissions ?? called.permissions, ceiling, `${name} / ${key}`, { cut: call.fork });
  }
  const cacheMode = narrowed(call.cacheMode, job["cache-mode"] ?? call.workflow["cache-mode"]);
  const inner = { root, path, inputs, secrets, ceiling, cacheMode, fork: call.fork, vars: call.vars, github: call.github };
  const { result, outputs, ran } = await runWorkflow(run, { ...inner, prefix: `${name} / `, anew: call.anew || anew });
  return { result, outputs, ran, id };
}

async function runInstance(run, { call, id, job, contexts, name, anew, stop }) {
  const kept = run.keep[name];
  if (kept && !anew && !call.anew) {
    run.tell({ ...kept, kept: true });
    return { result: kept.result, outputs: kept.outputs, ran: false };
  }
  const permissions = grant(job.permissions ?? call.workflow.permissions, call.ceiling, name, { cut: call.fork });
  const token = run.token(permissions);
  const github = { ...contexts.github, token };
  const secrets = { ...call.secrets, GITHUB_TOKEN: token };
  const scope = new Scope("job", { ...contexts, github });
  const labels = scope.deep(job["runs-on"]);
  if (!labels || labels.length === 0) throw new Refused(`${name}: no runner is named`);
  // An empty image is no container: `ConvertToJobContainer` in the runner's sources.
  const container = scope.deep(job.container ?? "") || null;
  const concurrency = scope.deep(job.concurrency ?? null);
  const defaults = { ...call.workflow.defaults?.run, ...scope.deep(job.defaults?.run ?? {}) };
  const env = { ...call.env, ...new Scope("job.env", { ...contexts, github, secrets }).deep(job.env ?? {}) };
  const minutes = Number(scope.fill(job["timeout-minutes"] ?? 360));
  if (!(minutes > 0)) throw new Refused(`${name}: timeout-minutes is ${minutes}`);
  const cacheMode = narrowed(call.cacheMode, job["cache-mode"] ?? call.workflow["cache-mode"]);
  const release = await run.machine();
  try {
    const own = { name, root: call.root, contexts: { ...contexts, github }, env: texts(env), defaults, permissions, secrets, minutes, cacheMode };
    const machine = new Job(run, { ...own, folder: run.folder(), cancel: stop.now ? () => true : run.cancels(name) });
    let result = await machine.execute(job.steps);
    const { ids } = machine;
    const see = machine.scope("job.outputs", { steps: ids });
    const outputs = Object.fromEntries(
      Object.entries(job.outputs ?? {}).map(([key, value]) => [key, see.text(value)]).filter(([, value]) => value !== ""),
    );
    if (JSON.stringify(outputs).length > MOST_OUTPUTS) throw new Refused(`${name}: outputs of more than 1 MB`);
    const environment = machine.scope("job.environment", { steps: ids }).deep(job.environment ?? null);
    if (result === "failure" && scope.fill(job["continue-on-error"] ?? false) === true) result = "success";
    const told = { name, id, result, outputs, environment, permissions, "runs-on": labels, container, concurrency, steps: machine.records };
    run.tell(told);
    return { result, outputs, ran: true };
  } finally {
    release();
  }
}

/** Return the cache mode of a job: what it says, no more than what its caller has. */
function narrowed(most, asked) {
  if (asked === undefined) return most;
  const [[restores, saves], [wantsRestore, wantsSave]] = [accessOf(most), accessOf(asked)];
  const [restore, save] = [restores && wantsRestore, saves && wantsSave];
  return restore ? (save ? "write" : "read") : save ? "write-only" : "none";
}

function texts(env) {
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value === null ? "" : String(value)]));
}

/** Make the folder of one job. */
export function makeFolder(parent, number) {
  const folder = join(parent, String(number));
  mkdirSync(folder, { recursive: true });
  return folder;
}
