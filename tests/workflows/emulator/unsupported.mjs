// What the emulator does not know is an error of the emulator, never a default.

export class Unsupported extends Error {}

// What GitHub would refuse: the run, the job or the step fails with this message.
export class Refused extends Error {}

/** Throw Unsupported unless every key of `mapping` is one of `known`. */
export function onlyKeys(mapping, known, where) {
  if (mapping === null || typeof mapping !== "object" || Array.isArray(mapping)) {
    throw new Unsupported(`${where}: expected a mapping, found ${JSON.stringify(mapping)}`);
  }
  for (const key of Object.keys(mapping)) {
    if (!known.includes(key)) throw new Unsupported(`${where}: the emulator does not know ${JSON.stringify(key)}`);
  }
  return mapping;
}
