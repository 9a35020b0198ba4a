// Run a workflow: `node emulate.mjs scenario.json`, which says what there is; what came of it is written to its `result`.
//
// A scenario: repositories (name → git folder), repository, sha, workflow (path), event, payload, inputs, vars, secrets,
// fork, path (PATH), environment, work (folder), result (file), jobs (how many at once), and what goes wrong: cancel
// ([{job, before}]: texts that the job's name has and that the step's title begins with), supersede (one such: there the
// whole run is cancelled); keep (jobs of an earlier attempt), attempt, earlier (run ID → folder of artifacts), caches (folder),
// site (whether Pages is set up).

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Artifacts } from "./artifacts.mjs";
import { ceilingOf } from "./permissions.mjs";
import { onlyKeys, Refused, Unsupported } from "./unsupported.mjs";
import { inputsOf, load, makeFolder, runWorkflow, triggered } from "./workflow.mjs";

const SCENARIO = [
  ...["repositories", "repository", "sha", "ref", "workflow", "event", "payload", "inputs", "vars", "secrets", "fork"],
  ...["path", "environment", "work", "result", "jobs", "cancel", "supersede", "keep", "attempt", "earlier", "run_id"],
  ...["head_ref", "base_ref", "caches", "site"],
];

class Run {
  constructor(scenario) {
    onlyKeys(scenario, SCENARIO, "the scenario");
    Object.assign(this, { repositories: scenario.repositories, repository: scenario.repository, path: scenario.path });
    this.environment = scenario.environment ?? {};
    this.earlier = scenario.earlier ?? {};
    this.keep = scenario.keep ?? {};
    this.work = scenario.work;
    this.pages = join(this.work, "pages");
    this.artifacts = new Artifacts(join(this.work, "artifacts"));
    this.attempt = scenario.attempt ?? 1;
    this.faults = scenario.cancel ?? [];
    this.newer = scenario.supersede ?? null;
    this.cancelled = false;
    this.caches = scenario.caches ?? join(this.work, "caches");
    this.site = scenario.site ?? true;
    this.jobs = [];
    this.free = scenario.jobs ?? 2;
    this.waiting = [];
    this.folders = 0;
    this.github = {
      event_name: scenario.event,
      event: scenario.payload ?? {},
      repository: scenario.repository,
      repository_owner: scenario.repository.split("/")[0],
      sha: scenario.sha,
      ref: scenario.ref ?? "refs/heads/main",
      ref_name: (scenario.ref ?? "refs/heads/main").replace(/^refs\/(heads|tags|pull)\//, ""),
      head_ref: scenario.head_ref ?? "",
      base_ref: scenario.base_ref ?? "",
      workflow: scenario.workflow,
      run_id: scenario.run_id ?? "1000",
      run_number: "7",
      run_attempt: String(this.attempt),
      actor: "somebody",
      server_url: this.environment.GITHUB_SERVER_URL ?? "https://github.com",
      api_url: this.environment.GITHUB_API_URL ?? "https://api.github.com",
    };
  }

  tell(job) {
    this.jobs.push(job);
  }

  token(permissions) {
    return `ghs_${Buffer.from(JSON.stringify(permissions)).toString("base64url")}`;
  }

  folder() {
    this.folders += 1;
    return makeFolder(join(this.work, `attempt-${this.attempt}`), this.folders);
  }

  /** Wait for a machine; returns what gives it back. */
  async machine() {
    if (this.free === 0) await new Promise((ready) => this.waiting.push(ready));
    else this.free -= 1;
    return () => {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    };
  }

  cancels(name) {
    const own = this.faults.filter((fault) => name.includes(fault.job));
    return own.length ? (title) => own.some((fault) => title.startsWith(fault.before)) : null;
  }

  /** Whether the whole run is cancelled: from that step on, for what begins then. */
  superseded(name, title) {
    if (this.newer && name.includes(this.newer.job) && title.startsWith(this.newer.before)) this.cancelled = true;
    return this.cancelled;
  }

  /** Return the folder of an action of ours; null for one that is emulated. `$/` is the repository of the file that uses it. */
  locate(uses, root, composite) {
    if (uses.startsWith("$/")) {
      const owner = composite ? Object.values(this.repositories).find((folder) => composite.startsWith(`${folder}/`)) : root;
      return join(owner, uses.slice(2));
    }
    if (uses.startsWith("./")) throw new Unsupported(`${uses}: the workflows say $/`);
    if (uses.startsWith("docker:")) throw new Unsupported(uses);
    if (!uses.includes("@")) throw new Refused(`${uses} names no version`);
    const [owner, name, ...rest] = uses.split("@")[0].split("/");
    const folder = this.repositories[`${owner}/${name}`];
    return folder && rest.length ? join(folder, ...rest) : null;
  }

  /** Return the repository's folder and the path in it of a called workflow. */
  workflowOf(uses, root) {
    if (uses.startsWith("$/") || uses.startsWith("./")) return { root, path: uses.slice(2) };
    const [whole, version] = uses.split("@");
    if (!version) throw new Refused(`${uses} names no version`);
    const [owner, name, ...rest] = whole.split("/");
    const folder = this.repositories[`${owner}/${name}`];
    if (!folder) throw new Refused(`${uses}: workflow was not found`);
    return { root: folder, path: rest.join("/") };
  }
}

async function emulate(scenario) {
  const run = new Run(scenario);
  const root = run.repositories[run.repository];
  const workflow = load(join(root, scenario.workflow));
  if (!triggered(workflow, scenario.event, run.github)) return { result: "not triggered", jobs: [], artifacts: [] };
  const declared = workflow.on?.[scenario.event]?.inputs ?? {};
  const inputs = inputsOf(declared, scenario.inputs ?? {}, scenario.workflow);
  const fork = scenario.fork ?? false;
  // The pull request of a fork sees neither secrets nor variables.
  const [vars, secrets] = fork ? [{}, {}] : [scenario.vars ?? {}, scenario.secrets ?? {}];
  const call = { root, path: scenario.workflow, inputs, vars, secrets, fork, github: run.github, prefix: "" };
  const { result } = await runWorkflow(run, { ...call, ceiling: ceilingOf(fork), cacheMode: "write", anew: false });
  return { result, jobs: run.jobs, artifacts: run.artifacts.names };
}

const scenario = JSON.parse(readFileSync(process.argv[2], "utf8"));
mkdirSync(scenario.work, { recursive: true });
let told;
try {
  told = await emulate(scenario);
} catch (error) {
  if (error instanceof Refused) told = { result: "startup failure", error: error.message, jobs: [], artifacts: [] };
  else if (error instanceof Unsupported) told = { result: "unsupported", error: error.message, jobs: [], artifacts: [] };
  else throw error;
}
writeFileSync(scenario.result, JSON.stringify(told, null, 1));
