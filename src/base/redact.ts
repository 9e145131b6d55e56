/** Names whose values never go into a log, however they are spelt: `env`, `authToken`, `secret_key`, … */
const SECRET_NAME =
  /^(env|environ|env_?values|cookie|set-cookie)$|authorization|token|secret|password|passwd|credential|api_?key|access_?key|private_?key/i;

const CENSORED = "[redacted]";
const MAX_DEPTH = 8;

/** Objects as literals make them. Others (errors, sockets) have serializers of their own. */
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

function clean(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return CENSORED;
  if (Array.isArray(value)) return value.map((one) => clean(one, depth + 1));
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      SECRET_NAME.test(name) ? CENSORED : clean(one, depth + 1),
    ]),
  );
}

/**
 * A copy without the values whose names sound like secrets, at any depth; what lies deeper than eight levels is left out whole.
 *
 * A second net only: nothing that may hold secrets should be logged at all.
 */
export const redacted = (fields: Record<string, unknown>): Record<string, unknown> =>
  clean(fields, 0) as Record<string, unknown>; // an object stays one
