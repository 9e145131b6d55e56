import type { AnyStateMachine } from "xstate";

/** A machine of XState 5: found by what it can do, since the file may come with an XState of its own. */
function isMachine(value: unknown): value is AnyStateMachine {
  const { root, getInitialSnapshot, transition } = (value ?? {}) as Partial<AnyStateMachine>;
  return (
    typeof root === "object" &&
    typeof getInitialSnapshot === "function" &&
    typeof transition === "function"
  );
}

/** One of XState 4, which has no pure step that we could use. */
const isOld = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "__xstatenode" in value && !("root" in value);

const isHolder = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** How deep in exported objects machines are looked for. */
const DEPTH = 2;

/**
 * The machines that a module exports, by name: `default`, `serviceMachine`, or within an object, `machines.service.machine`. One that goes by several names is told
 * once.
 *
 * @throws Error where there is none
 */
export function machinesIn(
  exported: Readonly<Record<string, unknown>>,
): Map<string, AnyStateMachine> {
  const found = new Map<string, AnyStateMachine>();
  const known = new Set<unknown>();
  let hasOld = false;
  const look = (name: string, value: unknown, depth: number): void => {
    if (isOld(value)) hasOld = true;
    if (isMachine(value)) {
      if (!known.has(value)) found.set(name, value);
      known.add(value);
    } else if (depth > 0 && isHolder(value)) {
      for (const [key, inner] of Object.entries(value)) look(`${name}.${key}`, inner, depth - 1);
    }
  };
  for (const [name, value] of Object.entries(exported)) look(name, value, DEPTH);
  if (found.size > 0) return found;
  throw new Error(
    hasOld
      ? "its machine is one of XState 4: this is for XState 5. xstate.js.org tells how to migrate"
      : "it exports no state machine: export what setup(…).createMachine(…) or createMachine(…) gave",
  );
}

/**
 * The machine that is meant.
 *
 * @param wanted by its name, or the last part of it
 * @throws Error naming those there are
 */
export function chosen(
  found: ReadonlyMap<string, AnyStateMachine>,
  wanted: string | undefined,
): [string, AnyStateMachine] {
  const all = [...found];
  const names = all.map(([name]) => name).join(", ");
  if (wanted !== undefined) {
    const one = all.find(
      ([name, { id }]) => name === wanted || id === wanted || name.endsWith(`.${wanted}`),
    );
    if (one) return one;
    throw new Error(`it exports no machine called "${wanted}": there are ${names}`);
  }
  const [only] = all;
  if (only && all.length === 1) return only;
  const byDefault = all.find(([name]) => name === "default");
  if (byDefault) return byDefault;
  throw new Error(`it exports ${all.length} machines: choose one of ${names} with --export`);
}
