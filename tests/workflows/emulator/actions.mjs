// The actions that are emulated: these and no other. Each takes the inputs that are listed here and no other.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Artifacts, collect } from "./artifacts.mjs";
import { restore } from "./caches.mjs";
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
  "actions/cache": { inputs: { path: null, key: null, "restore-keys": "" }, run: restore },
  "actions/upload-artifact": {
    inputs: {
      name: "artifact",
      path: null,
      "if-no-files-found": "warn",
      overwrite: "false",
      "include-hidden-files": "false",
      "retention-days": "",
      "compression-level": "6",
      archive: "true",
    },
    run: upload,
  },
  "actions/download-artifact": {
    inputs: { name: "", pattern: "", path: "", "merge-multiple": "false", "run-id": "", "github-token": "" },
    run: download,
  },
  "actions/upload-pages-artifact": { inputs: { path: "_site/", name: "github-pages", "retention-days": "1" }, run: uploadPages },
  "actions/deploy-pages": { inputs: { artifact_name: "github-pages" }, run: deployPages },
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
  if (/^[0-9a-f]{40}$/.test(inputs.ref)) {
    git("fetch", "--quiet", "--depth=1", "origin", inputs.ref);
    git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  } else if (inputs.ref) {
    git("fetch", "--quiet", "--depth=1", "origin", `+refs/heads/${inputs.ref}:refs/remotes/origin/${inputs.ref}`);
    git("checkout", "--quiet", "-B", inputs.ref, `refs/remotes/origin/${inputs.ref}`);
  } else {
    // All of it is every branch with its history, and the commit; otherwise the commit alone.
    const depth = inputs["fetch-depth"] === "0" ? [] : [`--depth=${inputs["fetch-depth"]}`];
    if (!depth.length) git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*");
    git("fetch", "--quiet", ...depth, "origin", job.run.github.sha);
    git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  }
  return { ref: inputs.ref, commit: /^[0-9a-f]{40}$/.test(inputs.ref) ? inputs.ref : job.run.github.sha };
}

function upload(inputs, job) {
  const { root, files } = collect(inputs.path, job.workspace, { hidden: inputs["include-hidden-files"] === "true" });
  if (files.length === 0) {
    const message = `No files were found with the provided path: ${inputs.path}. No artifacts will be uploaded.`;
    if (inputs["if-no-files-found"] === "error") throw new Refused(message);
    job.log(`Warning: ${message}`);
    return;
  }
  const overwrite = inputs.overwrite === "true";
  if (inputs.archive === "true") return void job.run.artifacts.upload(job.name, inputs.name, root, files, overwrite);
  if (files.length > 1) throw new Refused(`When 'archive' is set to false, only a single file can be uploaded. Found ${files.length} files`);
  // It bears the file's name, whatever name is asked for; what `overwrite` removes is what the input names.
  if (overwrite) job.run.artifacts.remove(inputs.name);
  job.run.artifacts.upload(job.name, basename(files[0]), dirname(files[0]), files, false);
}

function download(inputs, job) {
  let artifacts = job.run.artifacts;
  // Without a token the run is always this one, whatever run-id says.
  if (inputs["run-id"] && inputs["github-token"]) {
    need(job, "actions", "read");
    const folder = job.run.earlier[inputs["run-id"]];
    if (!folder) throw new Refused(`Not Found: run ${inputs["run-id"]}`);
    artifacts = new Artifacts(folder);
  }
  const { name, pattern } = inputs;
  const merge = inputs["merge-multiple"] === "true";
  const folder = job.inside(inputs.path);
  const done = artifacts.download({ name, pattern, merge }, folder);
  job.log(`Total of ${done.length} artifact(s) downloaded: ${done.join(", ")}`);
  return { "download-path": folder };
}

function uploadPages(inputs, job) {
  const root = job.inside(inputs.path);
  const files = filesOf(root, job.workspace).filter((file) => !/\/\.[^/]/.test(file.slice(root.length)));
  job.run.artifacts.upload(job.name, inputs.name, root, files, false);
}

function deployPages(inputs, job) {
  need(job, "pages", "write");
  need(job, "id-token", "write");
  const name = inputs.artifact_name;
  if (!job.run.artifacts.names.includes(name)) throw new Refused(`No artifacts named "${name}" were found for this workflow run.`);
  if (!job.run.site) throw new Refused("Failed to create deployment (status: 404). Ensure GitHub Pages has been enabled.");
  cpSync(join(job.run.artifacts.folder, name), job.run.pages, { recursive: true });
  return { page_url: "https://pages.example/" };
}
