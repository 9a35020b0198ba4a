// The artifacts of one run: names are unique and what has one is not changed, as in upload-artifact v4 and later.
// README.md says whose behaviour this is, and what is left out.

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { filesOf, rootOf, toRegExp } from "./globs.mjs";
import { Refused } from "./unsupported.mjs";

const FORBIDDEN = /["<>|*?:\r\n\\/]/;
const FORBIDDEN_INSIDE = /["<>|*?:\r\n]/; // in the path of a file
const MOST = 500; // a job

/** Return `name`, Refused where GitHub takes no such name. */
export function validName(name) {
  if (!name || FORBIDDEN.test(name) || name === "." || name === "..") {
    throw new Refused(`The artifact name is not valid: ${JSON.stringify(name)}`);
  }
  return name;
}

export class Artifacts {
  constructor(folder) {
    this.folder = folder;
    this.uploads = new Map();
    mkdirSync(folder, { recursive: true });
  }

  get names() {
    return readdirSync(this.folder).sort();
  }

  /** Keep files under `name`; Refused where there is such an artifact already. Returns how many files it has. */
  upload(job, name, root, files, overwrite) {
    const place = join(this.folder, validName(name));
    if (existsSync(place)) {
      if (!overwrite) {
        throw new Refused(`Conflict: an artifact with this name already exists on the workflow run: ${name}`);
      }
      rmSync(place, { recursive: true });
    }
    const count = (this.uploads.get(job) ?? 0) + 1;
    if (count > MOST) throw new Refused(`a job makes at most ${MOST} artifacts`);
    this.uploads.set(job, count);
    for (const file of files) {
      const inside = relative(root, file);
      if (inside.startsWith("..") || isAbsolute(inside)) throw new Refused(`${file} lies outside of ${root}`);
      if (FORBIDDEN_INSIDE.test(inside)) throw new Refused(`The path for one of the files in artifact is not valid: ${inside}`);
      mkdirSync(dirname(join(place, inside)), { recursive: true });
      cpSync(file, join(place, inside));
    }
  }

  /** Delete the artifact of that name, if there is one. */
  remove(name) {
    if (this.names.includes(name)) rmSync(join(this.folder, name), { recursive: true });
  }

  /**
   * Write artifacts into `folder`: one by its name, or those of a pattern. Several of a pattern are each in a folder of its
   * own, unless they are merged; where the pattern matches one, that lies in `folder` itself (download-artifact v5 and later).
   */
  download({ name, pattern, merge }, folder) {
    if (name) {
      if (!this.names.includes(name)) throw new Refused(`Unable to download artifact(s): Artifact not found for name: ${name}`);
      copy(join(this.folder, name), folder);
      return [name];
    }
    const wanted = this.names.filter((known) => toRegExp(pattern || "*").test(known));
    const apart = wanted.length > 1 && !merge;
    for (const known of wanted) copy(join(this.folder, known), apart ? join(folder, known) : folder);
    return wanted;
  }
}

function copy(from, to) {
  mkdirSync(to, { recursive: true });
  cpSync(from, to, { recursive: true });
}

/** Return the files that the lines of `path` mean and the folder that they are kept relative to. */
export function collect(path, workspace, { hidden }) {
  const patterns = path.split("\n").map((line) => line.trim()).filter(Boolean);
  const wanted = patterns.filter((line) => !line.startsWith("!"));
  const left = new Set(patterns.filter((line) => line.startsWith("!")).flatMap((line) => filesOf(line.slice(1), workspace)));
  const roots = outermost(wanted.map((pattern) => rootOf(pattern, workspace)));
  const files = [...new Set(wanted.flatMap((pattern) => filesOf(pattern, workspace)))].filter((file) => !left.has(file));
  const single = files.length === 1 && roots.length === 1 && roots[0] === files[0];
  const root = single ? dirname(files[0]) : common(roots);
  return { root, files: hidden ? files : files.filter((file) => roots.some((from) => isSeen(file, from))) };
}

/** Return the folders that lie in no other of them: a search begins at these. */
function outermost(folders) {
  const all = [...new Set(folders)];
  return all.filter((folder) => !all.some((other) => folder.startsWith(other === sep ? sep : `${other}${sep}`)));
}

/** Whether a search from `root` comes to `file` without a hidden file or folder on its way, the root itself included. */
function isSeen(file, root) {
  const inside = relative(root, file);
  if (inside.startsWith("..") || isAbsolute(inside)) return false;
  return ![basename(root), ...inside.split(sep)].some((part) => part.startsWith("."));
}

function common(folders) {
  const [first, ...others] = folders.map((folder) => resolve(folder).split(sep));
  let length = first.length;
  for (const other of others) {
    while (first.slice(0, length).join(sep) !== other.slice(0, length).join(sep)) length -= 1;
  }
  return first.slice(0, length).join(sep) || sep;
}
