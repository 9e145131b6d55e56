import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A page of `docs/`. */
export const page = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), "utf8");

/** The part of a page below a heading, up to the next of its level or above. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const lines = text.split("\n");
  const begin = lines.indexOf(heading);
  if (begin < 0) throw new Error(`there is no ${heading}`);
  const ends = (line: string): boolean => new RegExp(`^#{1,${level}} `).test(line);
  const length = lines.slice(begin + 1).findIndex(ends);
  return lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length).join("\n");
}

/** Names in code type under headings of the third level, in order. */
export const headings = (text: string): string[] =>
  [...text.matchAll(/^### `([^`]+)`$/gm)].map(([, name = ""]) => name);

/** The cells of a table's rows, without those of its head. */
export const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** Names in code type in the first column of a table. */
export const names = (text: string): string[] =>
  rowsOf(text).map(([first = ""]) => first.replaceAll("`", ""));
