/**
 * JSON as `get` prints it: two spaces a level, and lists of plain values on one line.
 * `"args": ["-m", "http.server", "3000"]` is easier to read, and to copy, than five lines.
 */
export function compactJson(value: unknown, indent = ""): string {
  if (Array.isArray(value)) return list(value, indent);
  if (typeof value === "object" && value !== null) return object(value, indent);
  return JSON.stringify(value);
}

const isPlain = (value: unknown): boolean => typeof value !== "object" || value === null;

function list(items: readonly unknown[], indent: string): string {
  if (items.every(isPlain)) return `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
  const inner = `${indent}  `;
  return `[\n${items.map((item) => inner + compactJson(item, inner)).join(",\n")}\n${indent}]`;
}

function object(value: object, indent: string): string {
  const inner = `${indent}  `;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${inner}${JSON.stringify(key)}: ${compactJson(item, inner)}`);
  return entries.length === 0 ? "{}" : `{\n${entries.join(",\n")}\n${indent}}`;
}
