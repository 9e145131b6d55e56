/** A line of an environment file that says nothing we understand. Never with the line itself: it may hold a secret. */
export class BadLine extends Error {
  readonly line: number;

  constructor(line: number, what: string) {
    super(`line ${line} ${what}`);
    this.name = "BadLine";
    this.line = line;
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Sticky: each takes what it matches where the reader stands. Made once, since a long value takes many. */
const EMPTY_LINES = /\s*/y;
const REST_OF_LINE = /[^\n]*/y;
const BEFORE_EQUALS = /[^=\n]*/y;
const EQUALS = /=/y;
const BLANKS = /[ \t\r]*/y;
const QUOTE = /['"]/y;
const UNQUOTED = /[^\\\n]*/y;
const BACKSLASH = /\\/y;
const LINE_END = /\r?\n/y;
const ANY = /[^]?/y;
const SPECIAL_IN_QUOTES = /["\\`$]/y;
const IN_SINGLE = /[^']*/y;
const IN_DOUBLE = /[^"\\]*/y;
const BLANKS_AND_COMMENT = /[ \t\r]*(#[^\n]*)?/y;

/**
 * The variables of an environment file, the last of one name.
 *
 * As systemd reads an EnvironmentFile, but that what it would pass over in silence is an error: a line is empty, a comment (its first character is # or ;), or
 * `NAME=value`, with `export ` before it where a shell reads the file too. White space around name and value does not count.
 * An unquoted value goes to the end of the line; \ takes the next character as it is. In '…' everything stands for itself, in "…" all but \ before one of " \ ` $.
 * Quoted values may go over several lines; \ at the end of a line joins the next to it, except in '…'. After a closing quote only a comment may follow. Nothing is substituted: $ is a $.
 * Source: systemd.exec(5), EnvironmentFile=.
 *
 * @throws BadLine
 */
export function parseEnvFile(text: string): Record<string, string> {
  const reader = readerOf(text.replace(/^\uFEFF/, ""));
  const values = new Map<string, string>();
  for (;;) {
    reader.run(EMPTY_LINES);
    if (reader.next() === "") return Object.fromEntries(values);
    if ("#;".includes(reader.next())) reader.run(REST_OF_LINE);
    else values.set(nameIn(reader), valueIn(reader));
  }
}

interface Reader {
  /** The character that comes next; "" at the end. */
  next(): string;
  /** Takes as many characters as the pattern, a sticky one, matches. */
  run(pattern: RegExp): string;
  /** An error that names the line where the text from a position on stands. */
  bad(position: number, what: string): BadLine;
  position(): number;
}

function readerOf(text: string): Reader {
  let at = 0;
  return {
    next: () => text[at] ?? "",
    run: (pattern) => {
      pattern.lastIndex = at;
      const [taken = ""] = pattern.exec(text) ?? [];
      at += taken.length;
      return taken;
    },
    bad: (position, what) => new BadLine(text.slice(0, position).split("\n").length, what),
    position: () => at,
  };
}

/** Up to the = and over it. */
function nameIn(reader: Reader): string {
  const start = reader.position();
  const before = reader.run(BEFORE_EQUALS);
  if (reader.run(EQUALS) === "") throw reader.bad(start, "has no =");
  const name = before.replace(/^export[ \t]+/, "").trim();
  if (NAME.test(name)) return name;
  const allowed = "letters, digits and _, not beginning with a digit";
  throw reader.bad(start, `has no name before its =: ${allowed}`);
}

function valueIn(reader: Reader): string {
  const start = reader.position();
  reader.run(BLANKS);
  const value = isQuote(reader.next()) ? quoted(reader) : unquoted(reader);
  if (!value.includes("\0")) return value;
  throw reader.bad(start, "has a NUL character in its value, which no variable can hold");
}

const isQuote = (character: string): boolean => character === "'" || character === '"';

function unquoted(reader: Reader): string {
  let value = "";
  /** As much of it as does not end in white space. */
  let kept = 0;
  for (;;) {
    const plain = reader.run(UNQUOTED);
    const length = lengthWithoutBlanks(plain);
    if (length > 0) kept = value.length + length;
    value += plain;
    if (reader.next() !== "\\") return value.slice(0, kept);
    value += escaped(reader, ANY);
    kept = value.length;
  }
}

/** A loop, since a pattern would look at every run of blanks again and again. */
function lengthWithoutBlanks(text: string): number {
  let length = text.length;
  while (length > 0 && " \t\r".includes(text[length - 1] ?? "x")) length -= 1;
  return length;
}

/** What a backslash stands for, with the next character where that is a special one. */
function escaped(reader: Reader, special: RegExp): string {
  reader.run(BACKSLASH);
  if (reader.run(LINE_END) !== "") return "";
  const next = reader.next();
  return reader.run(special) === "" && next !== "" ? "\\" : next;
}

/** One quoted piece or several side by side, as a shell joins them. */
function quoted(reader: Reader): string {
  let value = "";
  while (isQuote(reader.next())) value += between(reader);
  reader.run(BLANKS_AND_COMMENT);
  if (reader.next() === "" || reader.next() === "\n") return value;
  throw reader.bad(reader.position(), "goes on after the closing quote");
}

function between(reader: Reader): string {
  const start = reader.position();
  const quote = reader.run(QUOTE);
  const plain = quote === "'" ? IN_SINGLE : IN_DOUBLE;
  let value = "";
  for (;;) {
    value += reader.run(plain);
    if (reader.next() === "") throw reader.bad(start, "opens a quote that is never closed");
    if (reader.next() === "\\" && quote === '"') value += escaped(reader, SPECIAL_IN_QUOTES);
    else {
      reader.run(QUOTE);
      return value;
    }
  }
}
