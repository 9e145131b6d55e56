import { printable } from "../base/printable.ts";
import { paint } from "./output.ts";
import { cutTo, padTo, textWidth } from "./width.ts";

/** Colours a cell that already has its width. */
type Paint = (text: string, column: number, row: number) => string;

/** Where a table has to fit in. */
export interface Fit {
  /** Columns of the terminal. */
  width: number;
  /** For each column of the table the fewest that it may be cut to; one without stays as wide as it is. */
  least: readonly (number | undefined)[];
  /** Columns of the table that are left out where even that is too wide, in this order. */
  spare?: readonly number[];
}

const GAP = "  ";

/** Columns under dim headings, two spaces apart. A last column that is empty everywhere is left out. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  painted: Paint = (text) => text,
  fit: Fit = { width: Infinity, least: [] },
): string {
  const count = rows.some((row) => row.at(-1) !== "") ? header.length : header.length - 1;
  const cells = [header, ...rows].map((row) =>
    Array.from({ length: count }, (_, column) => printable(row[column] ?? "")),
  );
  const natural = Array.from({ length: count }, (_, column) =>
    Math.max(...cells.map((row) => textWidth(row[column] ?? ""))),
  );
  const kept = keptColumns(natural, fit);
  const widths = fitted(natural, kept, fit);
  const line = (row: readonly string[], colour: (text: string, column: number) => string): string =>
    oneRow(row, kept, widths, colour, fit.width);
  const [head = [], ...body] = cells;
  return [
    line(head, (text) => paint("dim", text)),
    ...body.map((row, index) => line(row, (text, column) => painted(text, column, index))),
  ].join("\n");
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Columns of the terminal that so many columns of a table take. */
const lineWidth = (widths: readonly number[]): number =>
  sum(widths) + GAP.length * Math.max(0, widths.length - 1);

/** All columns, without those that are spare where the others would not fit. */
function keptColumns(natural: readonly number[], { width, least, spare = [] }: Fit): number[] {
  let kept = natural.map((_, column) => column);
  const narrowest = () =>
    lineWidth(kept.map((column) => Math.min(natural[column] ?? 0, least[column] ?? Infinity)));
  for (const column of spare) {
    if (narrowest() <= width) break;
    kept = kept.filter((one) => one !== column);
  }
  return kept;
}

/** Widths of columns: the widest that may be cut gives way, until all fit or none may be cut further. */
function fitted(
  natural: readonly number[],
  kept: readonly number[],
  { width, least }: Fit,
): readonly number[] {
  const widths = [...natural];
  for (;;) {
    if (lineWidth(kept.map((column) => widths[column] ?? 0)) <= width) return widths;
    const widest = kept
      .filter((column) => (widths[column] ?? 0) > (least[column] ?? Infinity))
      .toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) return widths;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** One line: cells are cut and padded first and coloured then; what still is too long ends at the edge. */
function oneRow(
  row: readonly string[],
  kept: readonly number[],
  widths: readonly number[],
  colour: (text: string, column: number) => string,
  edge: number,
): string {
  const last = kept.findLast((column) => row[column] !== "");
  const parts: string[] = [];
  let left = edge;
  for (const column of kept) {
    const width = Math.min(widths[column] ?? 0, left);
    if (width <= 0) break;
    const cell = cutTo(row[column] ?? "", width);
    parts.push(colour(column === last ? cell : padTo(cell, width), column));
    if (column === last) break;
    left -= width + GAP.length;
  }
  return parts.join(GAP).trimEnd();
}
