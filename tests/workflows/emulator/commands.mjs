// How a step speaks to the runner: the files it appends to, and the commands in what it prints.

import { readFileSync } from "node:fs";
import { Refused } from "./unsupported.mjs";

const MOST_SUMMARY = 1024 * 1024;

/** Return the names and values of a file such as GITHUB_OUTPUT, by the runner's rules. Raises Refused. */
export function parsePairs(text) {
  const pairs = [];
  const lines = text.split(/\r?\n/);
  while (lines.length) {
    const line = lines.shift();
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      if (equals === 0) throw new Refused(`Invalid format '${line}'. Name must not be empty`);
      pairs.push([line.slice(0, equals), line.slice(equals + 1)]);
    } else if (heredoc >= 0) {
      const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
      if (!name || !delimiter) throw new Refused(`Invalid format '${line}'. Neither name nor delimiter may be empty`);
      const end = lines.indexOf(delimiter);
      if (end < 0) throw new Refused(`Invalid value. Matching delimiter not found '${delimiter}'`);
      pairs.push([name, lines.splice(0, end + 1).slice(0, -1).join("\n")]);
    } else {
      throw new Refused(`Invalid format '${line}'`);
    }
  }
  return pairs;
}

/** Return what a step wrote to its four files; what GitHub drops is dropped, with an error in `errors`. */
export function readFiles(paths) {
  const read = (path) => readFileSync(path, "utf8");
  const errors = [];
  const env = Object.fromEntries(
    parsePairs(read(paths.GITHUB_ENV)).filter(([name]) => {
      if (name === "NODE_OPTIONS") throw new Refused("Can't store NODE_OPTIONS using '$GITHUB_ENV'");
      return !/^(GITHUB_|RUNNER_)/.test(name);
    }),
  );
  let summary = read(paths.GITHUB_STEP_SUMMARY);
  if (Buffer.byteLength(summary) > MOST_SUMMARY) {
    errors.push(`$GITHUB_STEP_SUMMARY supports content up to a size of ${MOST_SUMMARY / 1024}k`);
    summary = "";
  }
  return {
    env,
    errors,
    summary,
    outputs: Object.fromEntries(parsePairs(read(paths.GITHUB_OUTPUT))),
    path: read(paths.GITHUB_PATH).split(/\r?\n/).filter(Boolean),
  };
}

const KNOWN = ["debug", "notice", "warning", "error", "group", "endgroup", "add-mask", "add-matcher", "remove-matcher"];
const KEPT = [...KNOWN, "set-output", "save-state", "set-env", "add-path", "echo", "stop-commands"];

/** The commands in a step's output, obeyed line by line as the runner does. */
export class Commands {
  constructor() {
    this.outputs = {};
    this.annotations = [];
    this.failed = false;
    this.stopped = null;
  }

  take(line) {
    const found = parseCommand(line);
    if (!found) return;
    if (this.stopped !== null) {
      if (found.name === this.stopped) this.stopped = null;
      return;
    }
    switch (found.name) {
      case "set-output": // deprecated for years, and still obeyed
        this.outputs[found.properties.name ?? ""] = found.value;
        break;
      case "set-env":
      case "add-path":
        this.annotations.push({ level: "error", message: `The \`${found.name}\` command is disabled`, properties: {} });
        this.failed = true;
        break;
      case "stop-commands":
        this.stopped = found.value;
        break;
      case "notice":
      case "warning":
      case "error":
        this.annotations.push({ level: found.name, message: found.value, properties: found.properties });
    }
  }
}

/** Return the command in a line, in either of its two forms; null if there is none that the runner knows. */
export function parseCommand(line) {
  const text = line.trimStart();
  if (text.startsWith("::")) {
    const end = text.indexOf("::", 2);
    if (end < 0) return null;
    return command(text.slice(2, end), text.slice(end + 2), ",", { "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": "," });
  }
  const start = line.indexOf("##[");
  const end = line.indexOf("]", start);
  if (start < 0 || end < 0) return null;
  return command(line.slice(start + 3, end), line.slice(end + 1), ";", { "%3B": ";", "%5D": "]" });
}

function command(head, value, separator, escapes) {
  const [name] = head.trim().split(" ");
  if (!name) return null;
  const unescape = (text) =>
    Object.entries({ ...escapes, "%25": "%" }).reduce((known, [from, to]) => known.replaceAll(from, to), text);
  const properties = Object.fromEntries(
    head
      .trim()
      .slice(name.length)
      .split(separator)
      .map((pair) => pair.trim().split("="))
      .filter(([key, ...rest]) => key && rest.length)
      .map(([key, ...rest]) => [key, unescape(rest.join("="))]),
  );
  const known = KEPT.includes(name.toLowerCase());
  return { name: known ? name.toLowerCase() : name, properties, value: unescape(value) };
}
