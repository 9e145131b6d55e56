import { basename } from "node:path";
import type {
  PaperEvent,
  PaperStep,
  MachineReport as Report,
} from "../inspector/page/machine/workbench-wire.ts";

interface Asked {
  input?: unknown;
  events: readonly PaperEvent[];
  title?: string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2) ?? "undefined";

/**
 * A sequence on paper as a vitest file: what the last event led to, and what it asked for.
 *
 * For one of our machines it is in the house's form and belongs into `test/machines/`; for another it needs xstate and the machine's file alone, beside which it
 * belongs.
 */
export function testFile(
  report: Report,
  asked: Asked,
  steps: readonly PaperStep[],
): { file: string; text: string } {
  const name = basename(report.file).replace(/\.[cm]?[jt]s$/, "");
  const title = JSON.stringify(asked.title ?? "does what was tried on paper");
  const text =
    report.kind === "service"
      ? ours(report, asked, steps, title)
      : foreign(report, asked, steps, title);
  return { file: `${name}.paper.test.ts`, text };
}

/** Of the project that the machines are in. */
const SUPPORT = "../support";

const head = (clause: string, file: string): string =>
  [
    ["{ expect, it }", "vitest"],
    [clause, file],
  ]
    .map(([what, from]) => `import ${what} from ${JSON.stringify(from)};`)
    .join("\n");

const last = (steps: readonly PaperStep[]): PaperStep | undefined => steps.at(-1);

/** `machines.service.machine` → what is imported, and how the machine is then written. */
function imported(name: string): { clause: string; machine: string } {
  const [first = "default", ...rest] = name.split(".");
  const local = first === "default" ? "machine" : first;
  return {
    clause: first === "default" ? local : `{ ${local} }`,
    machine: [local, ...rest].join("."),
  };
}

function ours(
  report: Report,
  { events }: Asked,
  steps: readonly PaperStep[],
  title: string,
): string {
  const [birth, ...rest] = events;
  const { type: _, ...input } = birth ?? { type: "" };
  const { clause, machine } = imported(report.export);
  return `${head(clause, `../../machines/${basename(report.file)}`)}
import { given } from ${JSON.stringify(`${SUPPORT}/given.ts`)};

it(${title}, () => {
  const { state, effects, taken } = given(${machine}, ${json(input)} as never).when(
${rest.map((event) => `    ${json(event).replaceAll("\n", "\n    ")} as never,`).join("\n")}
  );

  expect(taken).toBe(${last(steps)?.taken ?? true});
  expect(state).toBe(${JSON.stringify(last(steps)?.to ?? "")});
  expect(effects).toEqual(${json(last(steps)?.effects ?? []).replaceAll("\n", "\n  ")});
});
`;
}

function foreign(
  report: Report,
  { input, events }: Asked,
  steps: readonly PaperStep[],
  title: string,
): string {
  const { clause, machine } = imported(report.export);
  return `${head(clause, `./${basename(report.file)}`)}
import { initialTransition, transition } from "xstate";

it(${title}, () => {
  const events = ${json(events).replaceAll("\n", "\n  ")};
  let [snapshot, actions] = initialTransition(${machine}, ${json(input ?? {})} as never);
  for (const event of events) [snapshot, actions] = transition(${machine}, snapshot, event as never);

  expect(snapshot.value).toEqual(${json(valueOf(last(steps)))});
  expect(actions.map(({ type }) => type)).toEqual(${json((last(steps)?.effects ?? []).map(({ type }) => type))});
});
`;
}

/** `a.b, c.d` → what XState calls that: `{ a: "b", c: "d" }`. */
function valueOf(step: PaperStep | undefined): unknown {
  const paths = (step?.to ?? "").split(", ").map((path) => path.split("."));
  const nested = (all: readonly string[][]): unknown => {
    const [only] = all;
    if (all.length === 1 && only?.length === 1) return only[0];
    const keys = [...new Set(all.map(([key = ""]) => key))];
    return Object.fromEntries(
      keys.map((key) => [
        key,
        nested(all.filter(([first]) => first === key).map(([, ...rest]) => rest)),
      ]),
    );
  };
  return nested(paths);
}
