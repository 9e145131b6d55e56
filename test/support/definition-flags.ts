const kebab = (field: string): string => field.replaceAll("_", "-");

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Fields whose parts are given one by one, by a flag that may be repeated. */
const ONE_BY_ONE: Readonly<Record<string, string>> = {
  args: "arg",
  env: "env-var",
  labels: "label",
};

/** The flags of `services create` that say what a body of PUT says. A value `{"$env": …}` has none. */
export function flagsOf(body: Readonly<Record<string, unknown>>, prefix = ""): string[] {
  return Object.entries(body).flatMap(([field, value]) => {
    const flag = `--${prefix}${kebab(field)}`;
    const single = prefix === "" ? ONE_BY_ONE[field] : undefined;
    if (single !== undefined) return partsOf(value).map((part) => `--${single}=${part}`);
    if (isObject(value)) return flagsOf(value, `${kebab(field)}.`);
    if (value === true) return [flag];
    return [`${flag}=${String(value)}`]; // a list is joined with commas
  });
}

const partsOf = (value: unknown): string[] =>
  isObject(value)
    ? Object.entries(value).map(([name, text]) => `${name}=${String(text)}`)
    : (value as unknown[]).map(String); // args are a list
