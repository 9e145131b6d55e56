import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BUGS } from "./bugs.ts";
import type { Decision } from "./decisions.ts";
import { type Mutation, MUTATIONS } from "./mutations.ts";
import { failureInWords, rowInWords } from "./report.ts";
import { type Outcome, simulate } from "./run.ts";
import { shrink } from "./shrink.ts";

export interface Options {
  steps: number;
  /** Shows the whole log. */
  log: boolean;
  /** Shows the shortest history as `seeds.json` keeps it. */
  json: boolean;
  /** How long a shorter history is looked for; 0: not at all. */
  shrinkSeconds: number;
}

/** What once found something: the seed, the shortest history, and the mistake. A history stays what it is when other steps are made up from the seed. */
interface Kept {
  found: string;
  seed: number;
  history: readonly Decision[];
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** One run. @returns whether it kept every promise */
export async function runOne(seed: number, options: Options): Promise<boolean> {
  const since = performance.now();
  const outcome = await simulate({ seed, steps: options.steps });
  if (options.log) for (const row of outcome.rows) say(rowInWords(row));
  const speed = Math.round((outcome.steps / (performance.now() - since)) * 1_000);
  const { steps, boots, rows, hash, broken } = outcome;
  const counts = `${steps} steps, ${boots} boots, ${rows.length} rows, ${speed} steps/s`;
  if (!broken) say(`seed ${seed}: ${counts}, log ${hash.slice(0, 16)}`);
  else await tellFailure(outcome, options);
  return !broken;
}

async function tellFailure(
  outcome: Outcome,
  { steps, json, shrinkSeconds }: Options,
): Promise<void> {
  const { seed, decisions, broken } = outcome;
  say(`seed ${seed} fails after ${outcome.steps} steps: ${broken?.message}`);
  if (shrinkSeconds === 0) return;
  const until = performance.now() + 1_000 * shrinkSeconds;
  const fails = async (history: Outcome["decisions"]) =>
    (await simulate({ seed, history })).broken?.promise === broken?.promise;
  const history = await shrink(decisions, fails, () => performance.now() > until);
  if (json) say(JSON.stringify({ seed, history }));
  else say(failureInWords(await simulate({ seed, history }), steps));
}

/** Seeds that nobody had before, one after the other, until the time is over or one fails. */
export async function runFresh(
  first: number | undefined,
  seconds: number,
  options: Options,
): Promise<boolean> {
  const since = performance.now();
  let seed = first ?? Date.now() % 1_000_000_000;
  let steps = 0;
  let runs = 0;
  const counts = new Map<string, number>();
  while (performance.now() - since < 1_000 * seconds) {
    const outcome = await simulate({ seed, steps: options.steps });
    steps += outcome.steps;
    runs += 1;
    for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (outcome.broken) {
      say(`found after ${steps} steps in ${runs} runs: ${outcome.broken.promise}`);
      await tellFailure(outcome, options);
      return false;
    }
    seed += 1;
  }
  const speed = Math.round((steps / (performance.now() - since)) * 1_000);
  say(`${runs} fresh seeds, ${steps} steps, ${speed} steps/s: every promise was kept`);
  if (options.log)
    for (const [what, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      say(`${String(count).padStart(8)} ${what}`);
  return true;
}

/** Every history that ever found something, none of which may find anything any more. */
export async function runKept(): Promise<boolean> {
  const file = new URL("seeds.json", import.meta.url);
  let isFine = true;
  for (const { found, seed, history } of JSON.parse(readFileSync(file, "utf8")) as Kept[]) {
    const { broken } = await simulate({ seed, history });
    say(`${broken ? "BROKEN" : "kept"}: ${found}${broken ? `: ${broken.message}` : ""}`);
    isFine &&= !broken;
  }
  return isFine;
}

const MUTATION_SECONDS = 120;

/** Each mistake in a process of its own: by fresh seeds, or where it was once in the code by the history that found it. @returns whether all were found */
export function runMutations(only: string | undefined): boolean {
  const isChosen = ({ name }: Mutation): boolean => only === undefined || name === only;
  const missed = [
    ...MUTATIONS.filter(isChosen).filter(({ name }) => !isFound(name)),
    ...BUGS.filter(isChosen).filter(({ name }) => !isFoundAgain(name)),
  ];
  if (missed.length > 0) say(`not found: ${missed.map(({ name }) => name).join(", ")}`);
  return missed.length === 0;
}

/** A simulator with a mistake in the code. @returns what it says */
function mistaken(name: string, ...args: readonly string[]): string {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [main, "--mutation", name, ...args], {
    encoding: "utf8",
  });
  return stdout + stderr;
}

function isFound(name: string): boolean {
  const args = ["--seed", "1", "--seconds", `${MUTATION_SECONDS}`, "--shrink-seconds", "0"];
  const told = mistaken(name, ...args);
  const found = /^found after (\d+) steps in (\d+) runs: (.*)$/m.exec(told);
  say(
    found
      ? `${name}: ${found[1]} steps, ${found[2]} runs, by ${found[3]}`
      : `NOT FOUND: ${name}\n${told}`,
  );
  return found !== null;
}

function isFoundAgain(name: string): boolean {
  const told = mistaken(name, "--kept");
  const found = told.split("\n").find((line) => line.startsWith(`BROKEN: ${name}: `));
  say(found ? `${name}: by its history` : `NOT FOUND: ${name}\n${told}`);
  return found !== undefined;
}
