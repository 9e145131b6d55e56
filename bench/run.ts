import { messageOf } from "../src/base/errors.ts";
import { type Options, type Result, Unavailable } from "./result.ts";
import { table } from "./table.ts";

/*
 * `npm run bench [-- [--quick] SUBJECT…]`: measures all subjects, or those named, one after another. Progress goes to stderr, the figures to
 * stdout: a table on a terminal, JSON when piped. Read the ratios; the absolute figures are this machine's.
 */

interface Subject {
  run(options: Options): Promise<Result[]>;
}

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  kill: () => import("./kill.ts"),
  appends: () => import("./appends.ts"),
  dispatch: () => import("./dispatch.ts"),
  logs: () => import("./logs.ts"),
  list: () => import("./list.ts"),
  followers: () => import("./followers.ts"),
  idle: () => import("./idle.ts"),
  boot: () => import("./boot.ts"),
  past: () => import("./past.ts"),
  state: () => import("./state.ts"),
  beside: () => import("./beside.ts"),
  inspector: () => import("./inspector.ts"),
  release: () => import("./release.ts"),
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function measure(name: string, options: Options): Promise<Result[]> {
  say(`${name}…`);
  const began = performance.now();
  try {
    const results = await (await SUBJECTS[name]?.())?.run(options);
    say(`${name}: ${Math.round((performance.now() - began) / 1_000)} s`);
    return results ?? [];
  } catch (error) {
    if (!(error instanceof Unavailable)) process.exitCode = 1;
    say(`${name} was not measured: ${messageOf(error)}`);
    return [];
  }
}

async function run(words: readonly string[]): Promise<void> {
  const quick = words.includes("--quick");
  const named = words.filter((word) => word !== "--quick");
  const unknown = named.filter((name) => !Object.hasOwn(SUBJECTS, name));
  if (unknown.length > 0) {
    say(`there is no subject ${unknown.join(", ")}: known are ${Object.keys(SUBJECTS).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const results: Result[] = [];
  for (const name of named.length > 0 ? named : Object.keys(SUBJECTS))
    results.push(...(await measure(name, { quick })));
  process.stdout.write(
    process.stdout.isTTY ? table(results) : `${JSON.stringify(results, null, 2)}\n`,
  );
}

await run(process.argv.slice(2));
process.exit(); // a subject that failed may have left a thread
