import { parseArgs } from "node:util";
import { makeMistake } from "./mutate.ts";
import { BUGS } from "./bugs.ts";
import { MUTATIONS } from "./mutations.ts";

/*
 * npm run sim -- --seed N --steps M   one run; where it fails, its shortest history is looked for
 * npm run sim -- --seconds S          fresh seeds for so long, from --seed on or from one that nobody had before
 * npm run sim -- --kept               all seeds that ever found something
 * npm run sim -- --mutations [--only NAME]  each mistake until it is found
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "1000" },
    seconds: { type: "string" },
    kept: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
    "shrink-seconds": { type: "string", default: "60" },
    mutations: { type: "boolean", default: false },
    only: { type: "string" },
    mutation: { type: "string" },
  },
});

const mistake = [...MUTATIONS, ...BUGS].find(({ name }) => name === values.mutation);
if (values.mutation !== undefined && !mistake)
  throw new Error(`no mutation is called "${values.mutation}"`);
if (mistake) makeMistake(mistake);

// Loaded only now, so that a mistake is in it.
const { runKept, runOne, runFresh, runMutations } = await import("./command.ts");
const steps = Number(values.steps);
const seed = values.seed === undefined ? undefined : Number(values.seed);
const { log, json } = values;
const options = { steps, log, json, shrinkSeconds: Number(values["shrink-seconds"]) };
const isFine = values.mutations
  ? runMutations(values.only)
  : values.kept
    ? await runKept()
    : values.seconds !== undefined
      ? await runFresh(seed, Number(values.seconds), options)
      : await runOne(seed ?? 1, options);
process.exitCode = isFine ? 0 : 1;
