const COLOURS: Readonly<Record<string, string>> = {
  trace: "\u001b[2m",
  debug: "\u001b[2m",
  info: "\u001b[32m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
  fatal: "\u001b[31m",
};
const PLAIN = "\u001b[0m";

/** A word as it stands, anything else as JSON: what a terminal would obey (escapes, newlines) is spelt out. */
const shown = (value: unknown): string =>
  typeof value === "string" && /^[\w./:@%+,-]+$/.test(value) ? value : JSON.stringify(value);

/** Control characters, but not the newlines of a stack: a terminal would obey them. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const harmless = (text: string): string =>
  text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

function errorText(err: unknown): string {
  if (typeof err !== "object" || err === null) return "";
  const { stack, message } = err as { stack?: unknown; message?: unknown }; // pino's serializer wrote it
  const text = typeof stack === "string" ? stack : message;
  return typeof text === "string" ? `\n${harmless(text)}` : "";
}

/**
 * A line of the JSON log as one for people: time, level, message, then the rest as `name=value`; an error's stack follows.
 *
 * @param line one JSON object, as pino writes it
 */
export function humanLine(line: string, colour: boolean): string {
  const { time, level, msg, pid: _pid, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level);
  const word = name.toUpperCase().padEnd(5);
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${shown(value)}`);
  const marked = colour ? `${COLOURS[name] ?? ""}${word}${PLAIN}` : word;
  const message = typeof msg === "string" ? harmless(msg) : "";
  return `${String(time)} ${marked} ${message}${fields.join("")}${errorText(err)}\n`;
}
