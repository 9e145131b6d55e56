import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { rowsOf, section } from "./markdown.ts";
import { titlesOf } from "./titles.ts";

/** What each table of a page has to name, by the heading above it. */
export type Tables = Readonly<Record<string, readonly string[]>>;

const TESTS = resolve(import.meta.dirname, "..");
/** Fewer would begin some title by chance. */
const LEAST_WORDS = 3;

/** Titles by source: a page names some files often. */
const known = new Map<string, readonly string[]>();

function knownTitles(source: string): readonly string[] {
  const titles = known.get(source) ?? titlesOf(source);
  known.set(source, titles);
  return titles;
}

/** A file of `test/`; undefined where there is none. */
export function testSource(file: string): string | undefined {
  const path = join(TESTS, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/**
 * All that is wrong with the tables of a page, a sentence each: a name that is missing, strange or there twice, a row that says nothing, and one that no test shows.
 *
 * A row's last cell is a file below `test/` and the beginning of one title in it: `e2e/exec.test.ts: answers in pieces`.
 */
export function wrongIn(text: string, tables: Tables, sourceOf = testSource): string[] {
  return Object.entries(tables).flatMap(([heading, wanted]) => {
    const part = section(text, heading);
    const rows = rowsOf(part);
    const names = rows.map(([name = ""]) => nameIn(name));
    const wrongRows = rows.flatMap((row) => wrongWith(row, sourceOf));
    return [...wrongNames(names, wanted), ...nameless(part, rows.length), ...wrongRows];
  });
}

const nameIn = (cell: string): string => cell.replaceAll("`", "");

/** Lines of a table that are neither its head, which has two, nor a row with a name in code type. */
function nameless(part: string, named: number): string[] {
  const lines = part.split("\n").filter((line) => line.startsWith("|"));
  return lines.length === named + 2 ? [] : ["a row has no name in code type"];
}

const wrongNames = (names: readonly string[], wanted: readonly string[]): string[] => [
  ...wanted.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
  ...names.filter((name) => !wanted.includes(name)).map((name) => `${name} is unknown`),
  ...names.filter((name, at) => names.indexOf(name) < at).map((name) => `${name} is there twice`),
];

function wrongWith(
  [name = "", what = "", shownBy = ""]: readonly string[],
  sourceOf: typeof testSource,
): string[] {
  const why = what === "" ? "it says nothing" : notShown(shownBy, sourceOf);
  return why === undefined ? [] : [`${nameIn(name)}: ${why}`];
}

/** Why this is no test that runs; undefined where it is one. */
function notShown(shownBy: string, sourceOf: typeof testSource): string | undefined {
  const [, file, words = ""] = /^(\S+\.test\.ts):\s*(.*)$/.exec(shownBy) ?? [];
  const source = file === undefined ? undefined : sourceOf(file);
  if (source === undefined) return `"${shownBy}" names no file of tests`;
  const titles = knownTitles(source).filter((title) => begins(title, words));
  if (words.split(" ").length < LEAST_WORDS) return `"${words}" is too little of a title`;
  return titles.length === 1 ? undefined : `"${words}" begins ${titles.length} titles of ${file}`;
}

/** Whether a title begins with these words, whole. */
const begins = (title: string, words: string): boolean =>
  title.startsWith(words) && !/^\w/.test(title.slice(words.length));
