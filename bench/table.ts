import { isReached, type Result } from "./result.ts";

/** Three figures that count. */
const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

function aimOf(result: Result): string {
  const { aim, unit } = result;
  if (!aim) return "";
  const limit = aim.of === "ratio" ? `×${aim.limit}` : `${aim.limit} ${unit}`;
  const sign = aim.is === "at least" ? "≥" : "≤";
  return `${sign} ${limit} ${isReached(result) ? "reached" : "MISSED"}`;
}

const HEADER = ["", "value", "unit", "ratio", "aim", "floor", "note"];

const cells = (result: Result): string[] => [
  result.name,
  figure(result.value),
  result.unit,
  result.ratio === undefined ? "" : `×${figure(result.ratio)}`,
  aimOf(result),
  result.floor ? `${figure(result.floor.value)} ${result.unit} ${result.floor.name}` : "",
  result.note ?? "",
];

/** The figures for people. */
export function table(results: readonly Result[]): string {
  const rows = [HEADER, ...results.map(cells)];
  const widths = HEADER.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${rows.map(line).join("\n")}\n`;
}
