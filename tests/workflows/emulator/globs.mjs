// Patterns of files, as hashFiles and the artifact actions take them.

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";

/** Return the regular expression of a pattern with `*`, `?` and `**`. */
export function toRegExp(pattern) {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (found) => {
    if (found === "**/") return "(?:.*/)?";
    if (found === "**") return ".*";
    if (found === "*") return "[^/]*";
    return found === "?" ? "[^/]" : `\\${found}`;
  });
  return new RegExp(`^${source}$`, "s");
}

/** Return the folder below which all that a pattern means lies. */
export function rootOf(pattern, folder) {
  const whole = isAbsolute(pattern) ? pattern : join(folder, pattern);
  const parts = resolve(whole).split(sep);
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return wild < 0 ? resolve(whole) : parts.slice(0, wild).join(sep) || sep;
}

/** Return the regular files that a pattern means, sorted; a folder means all that is in it. */
export function filesOf(pattern, folder) {
  const root = rootOf(pattern, folder);
  const whole = resolve(isAbsolute(pattern) ? pattern : join(folder, pattern));
  const expression = toRegExp(whole);
  const below = new RegExp(`${expression.source.slice(0, -1)}/`, "s");
  return walk(root).filter((file) => file === whole || expression.test(file) || below.test(file));
}

/** Return what hashFiles gives: empty where nothing matches. */
export function hashFiles(folder, patterns) {
  const files = patterns
    .flatMap((pattern) => filesOf(pattern, folder))
    .filter((file) => !relative(folder, file).startsWith(".."));
  if (files.length === 0) return "";
  const all = createHash("sha256");
  for (const file of new Set(files)) all.update(createHash("sha256").update(readFileSync(file)).digest());
  return all.digest("hex");
}

function walk(path) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return [path];
  if (!found?.isDirectory()) return [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => walk(join(path, name)));
}
