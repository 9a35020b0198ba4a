// The actions that are emulated: these and no other. Each takes the inputs that are listed here and no other.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { Artifacts, collect } from "./artifacts.mjs";
import { filesOf } from "./globs.mjs";
import { Refused, Unsupported } from "./unsupported.mjs";

/** Each: the inputs with their defaults, and what it does; it returns its outputs. */
export const ACTIONS = {
  "actions/checkout": {
    inputs: { repository: "", ref: "", path: "", "persist-credentials": "true", "fetch-depth": "1" },
    run: checkout,
  },
  // The interpreter is there already; what is asked for is only noted.
  "actions/setup-python": { inputs: { "python-version": "" }, run: () => ({ "python-version": "3.11" }) },
  // Nothing is ever found, nothing is kept.
  "actions/cache": {
    inputs: { path: null, key: null, "restore-keys": "" },
    run: () => ({ "cache-hit": "" }),
  },
  "actions/upload-artifact": {
    inputs: {
      name: "artifact",
      path: null,
      "if-no-files-found": "warn",
      overwrite: "false",
      "include-hidden-files": "false",
      "retention-days": "",
    },
    run: upload,
  },
  "actions/download-artifact": {
    inputs: { name: "", pattern: "", path: "", "merge-multiple": "false", "run-id": "", "github-token": "" },
    run: download,
  },
  "actions/upload-pages-artifact": { inputs: { path: "_site/", name: "github-pages" }, run: uploadPages },
  "actions/deploy-pages": { inputs: {}, run: deployPages },
};

/** Run the emulated action `name`. `job` is the job instance; `given` are its inputs as texts. */
export function runAction(name, given, job) {
  const action = ACTIONS[name];
  if (!action) throw new Unsupported(`the emulator has no action ${name}; it has ${Object.keys(ACTIONS).join(", ")}`);
  const inputs = { ...action.inputs };
  for (const [key, value] of Object.entries(given)) {
    if (!(key in inputs)) throw new Unsupported(`${name}: the emulator does not know the input ${key}`);
    inputs[key] = value;
  }
  for (const [key, value] of Object.entries(inputs)) {
    if (value === null) throw new Refused(`${name}: Input required and not supplied: ${key}`);
  }
  return action.run(inputs, job) ?? {};
}

function need(job, permission, access) {
  const granted = job.permissions[permission] ?? "none";
  if (granted !== access && granted !== "write") {
    throw new Refused(`Resource not accessible by integration: ${permission}: ${access} is needed, it is ${granted}`);
  }
}

function checkout(inputs, job) {
  need(job, "contents", "read");
  const repository = inputs.repository || job.run.repository;
  const source = job.run.repositories[repository];
  if (!source) throw new Refused(`Not Found: repository ${repository}`);
  const folder = job.inside(inputs.path);
  mkdirSync(folder, { recursive: true });
  const git = (...parts) => {
    const done = spawnSync("git", ["-C", folder, ...parts], { encoding: "utf8", env: job.env });
    if (done.status !== 0) throw new Refused(`git ${parts[0]}: ${done.stderr}`);
  };
  git("init", "--quiet", "--initial-branch=emulated");
  git("remote", "add", "origin", `file://${source}`);
  if (inputs.ref) {
    git("fetch", "--quiet", "--depth=1", "origin", `+refs/heads/${inputs.ref}:refs/remotes/origin/${inputs.ref}`);
    git("checkout", "--quiet", "-B", inputs.ref, `refs/remotes/origin/${inputs.ref}`);
  } else {
    git("fetch", "--quiet", "--depth=1", "origin", job.run.github.sha);
    git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  }
  return { ref: inputs.ref, commit: job.run.github.sha };
}

function upload(inputs, job) {
  const { root, files } = collect(inputs.path, job.workspace, { hidden: inputs["include-hidden-files"] === "true" });
  if (files.length === 0) {
    const message = `No files were found with the provided path: ${inputs.path}. No artifacts will be uploaded.`;
    if (inputs["if-no-files-found"] === "error") throw new Refused(message);
    job.log(`Warning: ${message}`);
    return;
  }
  job.run.artifacts.upload(job.name, inputs.name, root, files, inputs.overwrite === "true");
}

function download(inputs, job) {
  let artifacts = job.run.artifacts;
  if (inputs["run-id"]) {
    need(job, "actions", "read");
    if (!inputs["github-token"]) throw new Refused("another run's artifacts want a github-token");
    const folder = job.run.earlier[inputs["run-id"]];
    if (!folder) throw new Refused(`Not Found: run ${inputs["run-id"]}`);
    artifacts = new Artifacts(folder);
  }
  const { name, pattern } = inputs;
  const merge = inputs["merge-multiple"] === "true";
  const folder = job.inside(inputs.path);
  const done = artifacts.download({ name, pattern, merge }, folder);
  job.log(`Downloaded ${done.length} artifacts: ${done.join(", ")}`);
  return { "download-path": folder };
}

function uploadPages(inputs, job) {
  const root = job.inside(inputs.path);
  const files = filesOf(root, job.workspace);
  if (files.length === 0) throw new Refused(`nothing in ${relative(job.workspace, root)}`);
  job.run.artifacts.upload(job.name, inputs.name, root, files, false);
}

function deployPages(_inputs, job) {
  need(job, "pages", "write");
  need(job, "id-token", "write");
  if (!job.run.artifacts.names.includes("github-pages")) throw new Refused("there is no artifact github-pages");
  cpSync(join(job.run.artifacts.folder, "github-pages"), job.run.pages, { recursive: true });
  return { page_url: "https://pages.example/" };
}
