// The steps of one job on its own emulated machine: a workspace, an environment, files to speak to the runner.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "yaml";
import { runAction } from "./actions.mjs";
import { Commands, readFiles } from "./commands.mjs";
import { asText, Scope } from "./expressions.mjs";
import { hashFiles } from "./globs.mjs";
import { onlyKeys, Refused, Unsupported } from "./unsupported.mjs";

const STEP = ["id", "name", "if", "uses", "run", "with", "env", "shell", "working-directory", "continue-on-error", "timeout-minutes"];
const SHELLS = {
  "": ["bash", "-e", "{0}"],
  bash: ["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"],
};
const FILES = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"];

/** One job on one machine. `run` is the workflow run, `contexts` what its expressions see beside steps and env. */
export class Job {
  constructor(run, { name, root, contexts, env, defaults, permissions, secrets, folder, cancel, minutes, cacheMode }) {
    Object.assign(this, { run, name, root, contexts, defaults, permissions, secrets, cancel, cacheMode });
    this.afterwards = [];
    this.workspace = join(folder, "workspace");
    this.temp = join(folder, "temp");
    this.home = join(folder, "home");
    for (const each of [this.workspace, this.temp, this.home]) mkdirSync(each, { recursive: true });
    this.state = { failed: false, cancelled: false };
    this.lines = [];
    this.records = [];
    this.path = run.path;
    this.deadline = Date.now() + minutes * 60_000;
    this.base = {
      ...run.environment,
      HOME: this.home,
      CI: "true",
      RUNNER_OS: "Linux",
      RUNNER_TEMP: this.temp,
      ...Object.fromEntries(
        Object.entries(contexts.github)
          .filter(([key, value]) => typeof value === "string" && key !== "token")
          .map(([key, value]) => [`GITHUB_${key.toUpperCase()}`, value]),
      ),
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: this.workspace,
      GITHUB_JOB: contexts.github.job,
    };
    this.written = { ...env };
  }

  /** The environment of a process of this job, without what a step adds. */
  get env() {
    return { ...this.written, ...this.base, PATH: this.path };
  }

  /** Return a path that a step may write to: below the workspace or the temporary folder. */
  inside(path) {
    const whole = resolve(this.workspace, path);
    const safe = [this.workspace, this.temp].some((place) => whole === place || whole.startsWith(place + sep));
    if (!safe) throw new Refused(`${path} lies outside of the workspace`);
    return whole;
  }

  log(line) {
    const secrets = [this.contexts.github.token, ...Object.values(this.secrets)].filter(Boolean);
    this.lines.push(secrets.reduce((text, secret) => text.replaceAll(secret, "***"), line));
  }

  /** Run the steps, and return how the job ended. */
  async execute(steps) {
    this.ids = {};
    await this.#sequence(steps, { ids: this.ids, env: {}, inputs: this.contexts.inputs, composite: null });
    if (!this.state.failed && !this.state.cancelled) for (const post of this.afterwards.reverse()) post();
    return this.state.cancelled ? "cancelled" : this.state.failed ? "failure" : "success";
  }

  scope(place, extra = {}) {
    const runner = { os: "Linux", arch: "X64", name: "emulated", temp: this.temp, debug: "" };
    const job = { status: this.state.cancelled ? "cancelled" : this.state.failed ? "failure" : "success" };
    return new Scope(
      place,
      { ...this.contexts, secrets: this.secrets, runner, job, env: this.written, ...extra },
      {
        always: () => true,
        cancelled: () => this.state.cancelled,
        failure: () => this.state.failed && !this.state.cancelled,
        success: () => !this.state.failed && !this.state.cancelled,
        hashfiles: (...patterns) => hashFiles(this.workspace, patterns),
      },
    );
  }

  async #sequence(steps, level) {
    for (const [index, step] of steps.entries()) {
      onlyKeys(step, STEP, `${this.name}: step ${index + 1}`);
      if ("run" in step === "uses" in step) throw new Unsupported(`${this.name}: a step either runs or uses`);
      await this.#step(step, level);
    }
  }

  async #step(step, level) {
    const place = level.composite ? "composite" : "step";
    const github = level.composite ? { ...this.contexts.github, action_path: level.composite } : this.contexts.github;
    const see = () => ({ steps: level.ids, inputs: level.inputs, github, env: { ...this.written, ...level.env } });
    const title = step.name ? this.scope(place, see()).text(step.name) : (step.run ?? step.uses).trim().split("\n")[0];
    const record = { title, outcome: "skipped", conclusion: "skipped", outputs: {}, summary: "", annotations: [], log: [] };
    this.records.push(record);
    const known = () => {
      if (step.id) level.ids[step.id] = { outcome: record.outcome, conclusion: record.conclusion, outputs: record.outputs };
    };
    if (this.run.superseded(this.name, title) || this.cancel?.(title)) this.state.cancelled = true;
    if (!this.scope(`${place}.if`, see()).holds(step.if)) return known();
    const first = this.lines.length;
    try {
      const scope = this.scope(place, see());
      const env = scope.deep(step.env ?? {});
      const filled = this.scope(place, { ...see(), env: { ...see().env, ...env } });
      const work = step.uses ? this.#use(step, filled, env, level, record) : this.#shell(step, filled, env, level, record, github);
      await work;
      record.outcome = "success";
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.log(`Error: ${error.message}`);
      record.outcome = "failure";
    }
    const tolerated = this.scope(place, see()).fill(step["continue-on-error"] ?? false);
    record.conclusion = record.outcome === "failure" && tolerated === true ? "success" : record.outcome;
    if (record.conclusion === "failure") this.state.failed = true;
    record.log = this.lines.slice(first);
    known();
  }

  async #use(step, scope, env, level, record) {
    const given = Object.fromEntries(Object.entries(step.with ?? {}).map(([key, value]) => [key, scope.text(value)]));
    const name = step.uses.split("@")[0];
    const own = this.run.locate(step.uses, this.root, level.composite);
    if (!own) {
      record.outputs = runAction(name, given, this);
      return;
    }
    const action = parse(readFileSync(join(own, "action.yml"), "utf8"));
    onlyKeys(action, ["name", "description", "author", "inputs", "outputs", "runs"], own);
    onlyKeys(action.runs, ["using", "steps"], own);
    if (action.runs.using !== "composite") throw new Unsupported(`${own}: only composite actions are emulated`);
    const declared = action.inputs ?? {};
    for (const key of Object.keys(given)) {
      if (!(key in declared)) throw new Unsupported(`${step.uses} has no input ${key}`);
    }
    const inputs = {};
    for (const [key, input] of Object.entries(declared)) {
      if (!(key in given) && input.required) throw new Refused(`Input required and not supplied: ${key}`);
      inputs[key] = given[key] ?? this.scope("composite.inputs").text(input.default ?? "");
    }
    for (const each of action.runs.steps) {
      if (each.run !== undefined && !each.shell) throw new Refused(`${own}: Required property is missing: shell`);
    }
    const inner = { ids: {}, env: { ...level.env, ...env }, inputs, composite: own };
    const before = this.state.failed;
    this.state.failed = false;
    await this.#sequence(action.runs.steps, inner);
    const failed = this.state.failed;
    this.state.failed = before;
    const see = this.scope("composite", { steps: inner.ids, inputs });
    record.outputs = Object.fromEntries(
      Object.entries(action.outputs ?? {}).map(([key, output]) => [key, see.text(output.value)]),
    );
    if (failed) throw new Refused(`${step.uses} failed`);
  }

  async #shell(step, scope, env, level, record, github) {
    const files = {};
    const number = this.records.length;
    for (const file of FILES) {
      files[file] = join(this.temp, `_runner_${number}_${file}`);
      writeFileSync(files[file], "");
    }
    const script = join(this.temp, `_runner_${number}.sh`);
    writeFileSync(script, `${scope.text(step.run)}\n`);
    const folder = this.inside(scope.text(step["working-directory"] ?? this.defaults["working-directory"] ?? ""));
    const [program, ...parameters] = shell(scope.text(step.shell ?? this.defaults.shell ?? ""), script);
    const extra = level.composite ? { GITHUB_ACTION_PATH: github.action_path } : {};
    const texts = Object.fromEntries(Object.entries({ ...level.env, ...env }).map(([key, value]) => [key, asText(value)]));
    const minutes = Number(scope.fill(step["timeout-minutes"] ?? 360));
    const process = { cwd: folder, env: { ...this.env, ...texts, ...extra, ...files }, detached: true };
    const commands = new Commands();
    const milliseconds = Math.min(minutes * 60_000, this.deadline - Date.now());
    const status = await this.#spawn(program, parameters, process, milliseconds, (line) => {
      this.log(line);
      commands.take(line);
    });
    if (Date.now() >= this.deadline) this.state.cancelled = true;
    const written = readFiles(files);
    record.outputs = { ...commands.outputs, ...written.outputs };
    record.summary = written.summary;
    record.annotations = [...commands.annotations, ...written.errors.map((message) => ({ level: "error", message, properties: {} }))];
    Object.assign(this.written, written.env);
    this.path = [...written.path.reverse(), this.path].join(":");
    if (status !== 0 || commands.failed) throw new Refused(`Process completed with exit code ${status}.`);
  }

  #spawn(program, parameters, options, milliseconds, take) {
    return new Promise((done, broken) => {
      const child = spawn(program, parameters, { ...options, stdio: ["ignore", "pipe", "pipe"] });
      const timer = setTimeout(() => {
        this.log("Error: The operation was canceled: it took too long");
        try {
          process.kill(-child.pid, "SIGKILL");
        } catch {
          // It has just ended by itself.
        }
      }, Math.max(0, milliseconds));
      for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", take);
      child.on("error", broken);
      child.on("close", (code) => {
        clearTimeout(timer);
        setImmediate(() => done(code ?? 137));
      });
    });
  }
}

function shell(text, script) {
  const words = SHELLS[text] ?? text.split(" ");
  if (words[0] !== "bash" || !words.includes("{0}")) throw new Unsupported(`the emulator has no shell ${text}`);
  return words.map((word) => word.replace("{0}", script));
}
