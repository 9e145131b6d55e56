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
const OPTIONS = {
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
} as const;

function given() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(why: string): never {
  process.stderr.write(`sim: ${why}. docs/simulation.md says what it takes\n`);
  process.exit(2);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(number) || number < 0)
    refuse(`--${name} takes a whole number, not "${text}"`);
  return number;
}

const values = given();
const mistakes = [...MUTATIONS, ...BUGS];
for (const name of [values.mutation, values.only])
  if (name !== undefined && !mistakes.some((one) => one.name === name))
    refuse(`no mutation is called "${name}"`);
const mistake = mistakes.find(({ name }) => name === values.mutation);
if (mistake) makeMistake(mistake);

// Loaded only now, so that a mistake is in it.
const { runKept, runOne, runFresh, runMutations } = await import("./command.ts");
const { log, json, only } = values;
const seed = values.seed === undefined ? undefined : numberOf("seed", values.seed);
const steps = numberOf("steps", values.steps);
const shrinkSeconds = numberOf("shrink-seconds", values["shrink-seconds"]);
const options = { steps, log, json, shrinkSeconds };

const run = (): boolean | Promise<boolean> => {
  if (values.mutations) return runMutations(only);
  if (values.kept) return runKept();
  if (values.seconds === undefined) return runOne(seed ?? 1, options);
  return runFresh(seed, numberOf("seconds", values.seconds), options);
};
process.exitCode = (await run()) ? 0 : 1;
