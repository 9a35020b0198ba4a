// A matrix and what it expands to: the product, without `exclude`, with `include`.

import { Refused } from "./unsupported.mjs";

const MOST_JOBS = 256;

/** Return the combinations of a matrix, in GitHub's order; Refused where GitHub would not start the job. */
export function expand(matrix) {
  if (matrix === null || typeof matrix !== "object" || Array.isArray(matrix)) {
    throw new Refused(`a matrix is a mapping, not ${JSON.stringify(matrix)}`);
  }
  const { include = [], exclude = [], ...vectors } = matrix;
  for (const [name, values] of Object.entries({ ...vectors, include, exclude })) {
    if (!Array.isArray(values)) throw new Refused(`the matrix' ${name} is a list, not ${JSON.stringify(values)}`);
    if (values.length === 0 && name in matrix) throw new Refused(`the matrix' ${name} is empty`);
  }
  const names = Object.keys(vectors);
  let product = names.length ? [{}] : [];
  for (const name of names) {
    product = product.flatMap((known) => vectors[name].map((value) => ({ ...known, [name]: value })));
  }
  const kept = product.filter((one) => !exclude.some((row) => matches(one, row, Object.keys(row))));
  const found = kept.map((one) => ({ original: one, all: { ...one } }));
  for (const row of include) {
    const own = Object.keys(row).filter((name) => names.includes(name));
    const fits = found.filter(({ original }) => original && matches(original, row, own));
    for (const one of fits) Object.assign(one.all, row);
    if (fits.length === 0) found.push({ original: null, all: { ...row } });
  }
  if (found.length === 0) throw new Refused("the matrix has no combination");
  if (found.length > MOST_JOBS) throw new Refused(`the matrix has ${found.length} jobs, at most ${MOST_JOBS} may be`);
  return found.map(({ all }) => all);
}

function matches(one, row, names) {
  return names.every((name) => name in one && JSON.stringify(one[name]) === JSON.stringify(row[name]));
}
