// What a job's token may do.

import { onlyKeys, Refused, Unsupported } from "./unsupported.mjs";

const NAMES = ["actions", "attestations", "checks", "contents", "id-token", "issues", "pages", "pull-requests", "statuses"];
const ORDER = ["none", "read", "write"];

/** What a repository gives where a workflow says nothing: the restricted default. */
export const DEFAULT = { contents: "read" };

/** What there is to give: all, or, for the pull request of a fork, what may be read. */
export function ceilingOf(fork) {
  const most = fork ? "read" : "write";
  return Object.fromEntries(NAMES.map((name) => [name, name === "id-token" && fork ? "none" : most]));
}

/**
 * Return the permissions that are asked for, within `ceiling`. Beyond it: a fork's are cut, and a called workflow that wants
 * more than its caller has is Refused.
 */
export function grant(asked, ceiling, where, { cut }) {
  const wanted = asked === undefined ? DEFAULT : asked;
  if (typeof wanted === "string") throw new Unsupported(`${where}: permissions: ${wanted}`);
  onlyKeys(wanted ?? {}, NAMES, `${where}: permissions`);
  const granted = {};
  for (const [name, access] of Object.entries(wanted ?? {})) {
    if (!ORDER.includes(access)) throw new Refused(`${where}: ${name}: ${access}`);
    const most = ceiling[name] ?? "none";
    const beyond = ORDER.indexOf(access) > ORDER.indexOf(most);
    if (beyond && !cut) throw new Refused(`${where} requests '${name}: ${access}', but is only allowed '${name}: ${most}'`);
    granted[name] = beyond ? most : access;
  }
  return granted;
}
