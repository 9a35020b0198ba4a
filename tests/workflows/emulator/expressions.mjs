// Expressions, by GitHub's own evaluator; which contexts a place may use is the table of GitHub's documentation
// ("Contexts reference", context availability).

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { Unsupported } from "./unsupported.mjs";

const JOB = ["github", "needs", "vars", "inputs"];
const OF_MATRIX = [...JOB, "strategy", "matrix"];
const STEP = [...OF_MATRIX, "job", "runner", "env", "steps"];
const STATUS = ["always", "cancelled", "failure", "success"];

export const PLACES = {
  workflow: { contexts: ["github", "inputs", "vars"], functions: [] },
  "workflow.env": { contexts: ["github", "inputs", "vars", "secrets"], functions: [] },
  "workflow.outputs": { contexts: ["github", "inputs", "vars", "jobs"], functions: [] },
  "job.if": { contexts: JOB, functions: STATUS },
  "job.strategy": { contexts: JOB, functions: [] },
  job: { contexts: OF_MATRIX, functions: [] },
  "job.env": { contexts: [...OF_MATRIX, "secrets"], functions: [] },
  "job.secrets": { contexts: [...OF_MATRIX, "secrets"], functions: [] },
  "job.outputs": { contexts: [...STEP, "secrets"], functions: [] },
  "job.environment": { contexts: STEP, functions: [] },
  "step.if": { contexts: STEP, functions: [...STATUS, "hashfiles"] },
  step: { contexts: [...STEP, "secrets"], functions: ["hashfiles"] },
  // A composite action sees neither secrets nor vars nor needs: they are its inputs, if anything.
  "composite.inputs": { contexts: ["github", "strategy", "matrix", "job", "runner"], functions: ["hashfiles"] },
  "composite.if": {
    contexts: ["github", "inputs", "strategy", "matrix", "job", "runner", "env", "steps"],
    functions: [...STATUS, "hashfiles"],
  },
  composite: {
    contexts: ["github", "inputs", "strategy", "matrix", "job", "runner", "env", "steps"],
    functions: ["hashfiles"],
  },
};

/** Return the evaluator's data for plain JavaScript values. */
export function toData(value) {
  if (value === null || value === undefined) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(toData));
  return new data.Dictionary(...Object.entries(value).map(([key, item]) => ({ key, value: toData(item) })));
}

/** Return plain JavaScript values for the evaluator's data. */
export function fromData(value) {
  switch (value.kind) {
    case data.Kind.Null:
      return null;
    case data.Kind.Array:
      return value.values().map(fromData);
    case data.Kind.Dictionary:
      return Object.fromEntries(value.pairs().map(({ key, value: item }) => [key, fromData(item)]));
    case data.Kind.String:
      return value.coerceString();
    default:
      return value.value;
  }
}

/** One place's scope: what its expressions see. `functions` are JavaScript functions of plain values, by name. */
export class Scope {
  constructor(place, contexts, functions = {}) {
    if (!(place in PLACES)) throw new Unsupported(`no such place of expressions: ${place}`);
    this.place = place;
    this.names = PLACES[place].contexts;
    this.contexts = toData(Object.fromEntries(this.names.map((name) => [name, contexts[name] ?? {}])));
    this.functions = PLACES[place].functions.map((name) => ({
      name,
      minArgs: name === "hashfiles" ? 1 : 0,
      maxArgs: name === "hashfiles" ? 255 : 0,
      call: (...parameters) => {
        if (!(name in functions)) throw new Unsupported(`${name}() is not there in ${place}`);
        return toData(functions[name](...parameters.map((parameter) => parameter.coerceString())));
      },
    }));
  }

  /** Return the plain value of one expression, without its `${{ }}`. */
  evaluate(expression) {
    const tokens = this.#lex(expression);
    try {
      const parsed = new Parser(tokens, this.names, this.functions).parse();
      if (parsed === undefined) throw new Error("it is empty");
      const known = new Map(this.functions.map((each) => [each.name, each]));
      return fromData(new Evaluator(parsed, this.contexts, known).evaluate());
    } catch (error) {
      if (error instanceof Unsupported) throw error;
      throw new Unsupported(`${this.place}: \${{ ${expression} }}: ${error.message}`, { cause: error });
    }
  }

  /** Return a template's text with its expressions replaced; a template that is one expression keeps its type. */
  fill(template) {
    if (typeof template !== "string") return template;
    const parts = split(template);
    if (parts.length === 1) return "text" in parts[0] ? parts[0].text : this.evaluate(parts[0].expression);
    return parts.map((part) => ("text" in part ? part.text : asText(this.evaluate(part.expression)))).join("");
  }

  /** Like `fill`, always a text. */
  text(template) {
    return asText(this.fill(template));
  }

  /** Fill every text in a structure of mappings and lists. */
  deep(value) {
    if (Array.isArray(value)) return value.map((item) => this.deep(item));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.deep(item)]));
    }
    return this.fill(value);
  }

  /** Return whether an `if` holds: without a status function it is one of `success() && (…)`. */
  holds(condition) {
    if (condition === undefined || condition === null || condition === "") return this.#truth("success()");
    if (typeof condition === "boolean") return condition && this.#truth("success()");
    const parts = split(String(condition));
    const whole = parts.length === 1 && "expression" in parts[0];
    if (!whole && parts.some((part) => "expression" in part)) {
      // GitHub makes a text of it, which is always true.
      throw new Unsupported(`${this.place}: an if that is partly text is always true: ${condition}`);
    }
    const expression = whole ? parts[0].expression : String(condition);
    const names = this.#lex(expression).map((token) => token.lexeme.toLowerCase());
    const asks = names.some((name, index) => STATUS.includes(name) && names[index + 1] === "(");
    return this.#truth(asks ? expression : `success() && (${expression})`);
  }

  #truth(expression) {
    return this.evaluate(`!!(${expression})`);
  }

  #lex(expression) {
    try {
      return new Lexer(expression).lex().tokens;
    } catch (error) {
      throw new Unsupported(`${this.place}: \${{ ${expression} }}: ${error.message}`, { cause: error });
    }
  }
}

/** Return the text and the expressions of a template, in their order. */
export function split(template) {
  const parts = [];
  let rest = template;
  while (true) {
    const start = rest.indexOf("${{");
    if (start < 0) break;
    if (start > 0) parts.push({ text: rest.slice(0, start) });
    let end = start + 3;
    for (let quoted = false; quoted || !rest.startsWith("}}", end); end += 1) {
      if (end >= rest.length) throw new Unsupported(`an expression without its end: ${rest.slice(start)}`);
      if (rest[end] === "'") quoted = !quoted;
    }
    parts.push({ expression: rest.slice(start + 3, end).trim() });
    rest = rest.slice(end + 2);
  }
  if (rest || parts.length === 0) parts.push({ text: rest });
  return parts;
}

/** Return how GitHub writes a value into a text. */
export function asText(value) {
  return value === null || value === undefined ? "" : toData(value).coerceString();
}
