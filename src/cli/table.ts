import { printable } from "../base/printable.ts";
import { paint } from "./output.ts";

/** Colours a cell that already has its width. */
export type Paint = (text: string, column: number, row: number) => string;

/** Columns under dim headings, two spaces apart. A last column that is empty everywhere is left out. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  painted: Paint = (text) => text,
): string {
  const count = rows.some((row) => row.at(-1) !== "") ? header.length : header.length - 1;
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...[header, ...rows].map((row) => printable(row[column] ?? "").length)),
  );
  const line = (
    cells: readonly string[],
    colour: (text: string, column: number) => string,
  ): string =>
    widths
      .map((width, column) => {
        const cell = printable(cells[column] ?? "");
        return colour(column === count - 1 ? cell : cell.padEnd(width), column);
      })
      .join("  ")
      .trimEnd();
  return [
    line(header, (text) => paint("dim", text)),
    ...rows.map((row, index) => line(row, (text, column) => painted(text, column, index))),
  ].join("\n");
}
