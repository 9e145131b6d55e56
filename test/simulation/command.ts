import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MUTATIONS } from "./mutations.ts";
import { failureInWords, rowInWords } from "./report.ts";
import { type Outcome, simulate } from "./run.ts";
import { shrink } from "./shrink.ts";

export interface Options {
  steps: number;
  /** Shows the whole log. */
  log: boolean;
  /** How long a shorter history is looked for; 0: not at all. */
  shrinkSeconds: number;
}

/** A seed that once found something, and what. */
interface Kept {
  seed: number;
  steps: number;
  found: string;
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

async function tellFailure(outcome: Outcome, { steps, shrinkSeconds }: Options): Promise<void> {
  const { seed, decisions, broken } = outcome;
  say(`seed ${seed} fails after ${outcome.steps} steps: ${broken?.message}`);
  if (shrinkSeconds === 0) return;
  const until = performance.now() + 1_000 * shrinkSeconds;
  const fails = async (history: Outcome["decisions"]) =>
    (await simulate({ seed, history })).broken?.promise === broken?.promise;
  const history = await shrink(decisions, fails, () => performance.now() > until);
  say(failureInWords(await simulate({ seed, history }), steps));
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
    for (const [what, count] of [...counts].toSorted()) say(`${String(count).padStart(8)} ${what}`);
  return true;
}

/** Every seed that ever failed. */
export async function runKept(options: Options): Promise<boolean> {
  const file = new URL("seeds.json", import.meta.url);
  let isFine = true;
  for (const { seed, steps } of JSON.parse(readFileSync(file, "utf8")) as Kept[])
    isFine = (await runOne(seed, { ...options, steps })) && isFine;
  return isFine;
}

const MUTATION_SECONDS = 60;

/** Each mistake in a process of its own, until it is found. @returns whether all were */
export function runMutations(only: string | undefined): boolean {
  const chosen = MUTATIONS.filter(({ name }) => only === undefined || name === only);
  const missed = chosen.filter(({ name }) => !isFound(name));
  if (missed.length > 0) say(`not found: ${missed.map(({ name }) => name).join(", ")}`);
  return missed.length === 0;
}

function isFound(name: string): boolean {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const rest = ["--mutation", name, "--seed", "1", "--seconds", `${MUTATION_SECONDS}`];
  const { stdout, stderr } = spawnSync(process.execPath, [main, ...rest, "--shrink-seconds", "0"], {
    encoding: "utf8",
  });
  const found = /^found after (\d+) steps in (\d+) runs: (.*)$/m.exec(stdout);
  say(found ? `${name}: ${found[1]} steps, ${found[2]} runs, by ${found[3]}` : `${name}: NOT FOUND\n${stdout}${stderr}`);
  return found !== null;
}
