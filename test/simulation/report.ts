import type { EventRow } from "../../src/journal/record.ts";
import { type Decision, inWords } from "./decisions.ts";
import type { Outcome } from "./run.ts";

/** Rows that are shown of a log. */
const SHOWN = 40;

const short = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text === "{}" ? "" : text.length > 140 ? `${text.slice(0, 139)}…` : text;
};

/** A row as one line. */
export const rowInWords = (row: EventRow): string =>
  [
    String(row.seq).padStart(5),
    String(row.at % 1_000_000_000).padStart(9),
    row.stream.padEnd(18),
    row.type.padEnd(24),
    `${row.fromState ?? "·"} → ${row.toState}`.padEnd(24),
    row.incarnation ?? "",
    row.actor === "runtime" ? "" : row.actor,
    short(row.data),
  ].join(" ");

/** Steps that only let the world go on are counted, not listed. */
export function stepsInWords(decisions: readonly Decision[]): string[] {
  const lines: string[] = [];
  let goes = 0;
  for (const decision of [...decisions, undefined]) {
    if (decision?.do === "go") {
      goes += 1;
      continue;
    }
    if (goes > 0) lines.push(goes === 1 ? "go" : `go ${goes} times`);
    goes = 0;
    if (decision) lines.push(inWords(decision));
  }
  return lines;
}

/** How a run failed: what to type to see it again, what was done, and the end of its log. */
export function failureInWords(outcome: Outcome, steps: number): string {
  const { seed, decisions, rows, broken } = outcome;
  return [
    broken?.message ?? "",
    "",
    `To repeat it: npm run sim -- --seed ${seed} --steps ${steps}`,
    "",
    `What was done (${decisions.length} steps):`,
    ...stepsInWords(decisions).map((line) => `  ${line}`),
    "",
    `The last rows of its log (${rows.length} in all):`,
    ...rows.slice(-SHOWN).map((row) => `  ${rowInWords(row)}`),
  ].join("\n");
}
