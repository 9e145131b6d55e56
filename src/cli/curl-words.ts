import { readFileSync } from "node:fs";
import { AppError, messageOf } from "../base/errors.ts";
import { whole } from "./args.ts";

/** The flags of curl that we take, as `--help` and the reference show them. */
export const CURL_FLAGS = {
  request: {
    type: "string",
    alias: "X",
    valueHint: "method",
    description: "Method (default: GET, or POST with a body)",
  },
  data: {
    type: "string",
    alias: "d",
    valueHint: "data",
    repeat: true,
    description: "Body; @FILE reads it from a file, @- from standard input",
  },
  "data-raw": {
    type: "string",
    valueHint: "data",
    repeat: true,
    description: "Body, where an @ at its beginning is no file",
  },
  "data-binary": {
    type: "string",
    valueHint: "data",
    repeat: true,
    description: "Body; newlines of a file are kept",
  },
  json: {
    type: "string",
    valueHint: "data",
    repeat: true,
    description: "Body, and says that it is JSON",
  },
  header: {
    type: "string",
    alias: "H",
    valueHint: "line",
    repeat: true,
    description: "A header: 'If-Match: \"3\"'",
  },
  include: { type: "boolean", alias: "i", description: "Print the head of the answer, too" },
  head: { type: "boolean", alias: "I", description: "Ask for the head alone" },
  output: {
    type: "string",
    alias: "o",
    valueHint: "file",
    description: "Write the body to a file",
  },
  fail: {
    type: "boolean",
    alias: "f",
    description: "An answer of 400 or more is a failure (exit code 1), and its body is not printed",
  },
  "max-time": {
    type: "string",
    alias: "m",
    valueHint: "seconds",
    description: "Longest time the whole may take",
  },
  silent: {
    type: "boolean",
    alias: "s",
    description: "Taken, and without effect: there is no progress to show",
  },
  "show-error": {
    type: "boolean",
    alias: "S",
    description: "Taken, and without effect: errors are always shown",
  },
  "no-buffer": {
    type: "boolean",
    alias: "N",
    description: "Taken, and without effect: nothing is held back",
  },
} as const;

type Name = keyof typeof CURL_FLAGS | "socket";

/** A request as somebody spelled it. */
export interface CurlRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
  include: boolean;
  fail: boolean;
  output: string | undefined;
  maxSeconds: number | undefined;
  socket: string | undefined;
}

interface Seen {
  values: Map<Name, string[]>;
  switches: Set<Name>;
  urls: string[];
}

const SHORT = new Map<string, Name>(
  Object.entries(CURL_FLAGS).flatMap(([name, flag]) =>
    "alias" in flag ? [[flag.alias, name as Name]] : [],
  ),
);
const VALUED = new Set<string>([
  "socket",
  ...Object.entries(CURL_FLAGS).flatMap(([name, flag]) => (flag.type === "string" ? [name] : [])),
]);

const wrong = (message: string): AppError => new AppError("invalid_request", message);

function unsupported(flag: string): AppError {
  const known = Object.entries(CURL_FLAGS).map(([name, one]) =>
    "alias" in one ? `-${one.alias}` : `--${name}`,
  );
  return wrong(
    `${flag} is not supported here; known are ${known.join(" ")}. With curl itself: curl --unix-socket SOCKET http://sprite/v1/services`,
  );
}

/**
 * Reads curl's words, with its habits: `-XPOST`, `-si`, flags before and after the address, the last of two wins.
 *
 * @throws AppError `invalid_request` for flags we do not have, a missing value, and none or more than one address
 */
export function parseCurl(words: readonly string[]): CurlRequest {
  const seen: Seen = { values: new Map(), switches: new Set(), urls: [] };
  const left = [...words];
  while (left.length > 0) readWord(seen, left.shift() ?? "", left);
  return requestOf(seen);
}

function readWord(seen: Seen, word: string, left: string[]): void {
  if (word.startsWith("--")) return readLong(seen, word.slice(2), left);
  if (word.startsWith("-") && word !== "-") return readShort(seen, word.slice(1), left);
  seen.urls.push(word);
}

function readLong(seen: Seen, text: string, left: string[]): void {
  const [, name = "", , given] = /^([^=]*)(=([\s\S]*))?$/.exec(text) ?? [];
  if (VALUED.has(name)) return add(seen, name as Name, given ?? valueOf(`--${name}`, left));
  if (!Object.hasOwn(CURL_FLAGS, name) || given !== undefined) throw unsupported(`--${name}`);
  seen.switches.add(name as Name);
}

function readShort(seen: Seen, letters: string, left: string[]): void {
  const letter = letters.slice(0, 1);
  const name = SHORT.get(letter);
  const rest = letters.slice(1);
  if (name === undefined) throw unsupported(`-${letter}`);
  if (VALUED.has(name)) return add(seen, name, rest === "" ? valueOf(`-${letter}`, left) : rest);
  seen.switches.add(name);
  if (rest !== "") readShort(seen, rest, left);
}

function valueOf(flag: string, left: string[]): string {
  const value = left.shift();
  if (value === undefined) throw wrong(`${flag} needs a value`);
  return value;
}

const add = ({ values }: Seen, name: Name, value: string): void =>
  void values.set(name, [...(values.get(name) ?? []), value]);

function requestOf(seen: Seen): CurlRequest {
  const [url, second] = seen.urls;
  if (url === undefined) throw wrong("a path is missing, such as /v1/services");
  if (second !== undefined) throw wrong(`one request at a time: "${second}" is a second address`);
  const last = (name: Name): string | undefined => seen.values.get(name)?.at(-1);
  const body = bodyOf(seen);
  const maxTime = last("max-time");
  if (maxTime !== undefined) whole(1, 86_400)(maxTime, "--max-time");
  return {
    method: last("request") ?? (seen.switches.has("head") ? "HEAD" : body ? "POST" : "GET"),
    path: pathOf(url),
    headers: {
      Accept: "*/*",
      ...(body && { "Content-Type": "application/json" }),
      ...headersOf(seen),
    },
    body,
    include: seen.switches.has("include") || seen.switches.has("head"),
    fail: seen.switches.has("fail"),
    output: last("output"),
    maxSeconds: maxTime === undefined ? undefined : Number(maxTime),
    socket: last("socket"),
  };
}

/** The address without its host, which is the daemon's in any case. */
function pathOf(url: string): string {
  const path = url.replace(/^http:\/\/[^/]*/, "");
  if (/^\/[\u0021-\u007e]*$/.test(path)) return path;
  throw wrong(`"${url}" is no path: it begins with / and has no spaces, such as /v1/services`);
}

function headersOf({ values }: Seen): Record<string, string> {
  const entries = (values.get("header") ?? []).map((line): [string, string] => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw wrong(`"${line}" is no header: write "Name: value"`);
    return [/^content-type$/i.test(name) ? "Content-Type" : name, value];
  });
  return Object.fromEntries(entries);
}

/** Bodies are joined with & as curl does. */
function bodyOf({ values }: Seen): Buffer | undefined {
  const plain = (values.get("data") ?? []).map((text) => contentOf(text, true));
  const binary = [...(values.get("data-binary") ?? []), ...(values.get("json") ?? [])];
  const raw = (values.get("data-raw") ?? []).map((text) => Buffer.from(text));
  const parts = [...plain, ...raw, ...binary.map((text) => contentOf(text, false))];
  if (parts.length === 0) return undefined;
  return Buffer.concat(
    parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from("&"), part])),
  );
}

function contentOf(text: string, withoutNewlines: boolean): Buffer {
  if (!text.startsWith("@")) return Buffer.from(text);
  const path = text.slice(1);
  try {
    const content = readFileSync(path === "-" ? 0 : path);
    return withoutNewlines
      ? Buffer.from(content.toString("latin1").replace(/[\r\n]/g, ""), "latin1")
      : content;
  } catch (cause) {
    throw new AppError("invalid_request", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
