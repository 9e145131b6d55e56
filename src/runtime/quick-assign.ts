import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";

type Update = (args: object, params: unknown) => object;

/** An `assign` as xstate makes it, by the parts that its step uses. */
interface AssignAction {
  type: "xstate.assign";
  assignment: Update | Readonly<Record<string, unknown>>;
  resolve: Resolve;
}

type Resolve = (
  scope: { self: unknown; system: unknown },
  snapshot: AnyMachineSnapshot,
  args: { event: unknown },
  params: unknown,
  action: AssignAction,
) => [AnyMachineSnapshot, undefined, undefined];

const known = new WeakSet<AnyStateMachine>();

/**
 * Makes a machine's assigns cheap, and leaves what they do as it is.
 *
 * XState merges a context by `Object.assign({}, …)`, of which V8 makes a dictionary beyond 18 keys: 12 µs an assign, and a service has more keys than
 * that and up to six assigns a step. A spread keeps its shape and takes a half. It is private API of xstate 5.33 (pinned; `test/runtime/quick-assign.test.ts`
 * compares the two, and fails if it changes).
 */
export function quickened<Machine extends AnyStateMachine>(machine: Machine): Machine {
  if (known.has(machine)) return machine;
  known.add(machine);
  for (const action of Object.values<unknown>(machine.implementations.actions))
    if (isAssign(action)) action.resolve = resolve;
  return machine;
}

const isAssign = (action: unknown): action is AssignAction =>
  typeof action === "function" && (action as Partial<AssignAction>).type === "xstate.assign";

const resolve: Resolve = (scope, snapshot, { event }, params, { assignment }) => {
  const { context } = snapshot as { context: object };
  const args = { context, event, self: scope.self, system: scope.system };
  const update = typeof assignment === "function" ? assignment(args, params) : {};
  const merged = { ...context, ...update } as Record<string, unknown>;
  if (typeof assignment === "object")
    for (const [key, value] of Object.entries(assignment))
      merged[key] = typeof value === "function" ? (value as Update)(args, params) : value;
  return [{ ...snapshot, context: merged } as AnyMachineSnapshot, undefined, undefined];
};
