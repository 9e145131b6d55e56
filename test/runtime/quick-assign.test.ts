import { describe, expect, it } from "vitest";
import { type AnyMachineSnapshot, assign, initialTransition, setup, transition } from "xstate";
import { quickened } from "../../src/runtime/quick-assign.ts";

interface Context {
  count: number;
  note?: string | undefined;
  last?: string;
}

const machine = () =>
  setup({
    types: {} as { context: Context; events: { type: "go" | "stop"; by: number } },
    actions: {
      counted: assign(({ context, event }) => ({ count: context.count + event.by })),
      noted: assign(({ context }, { text }: { text: string }) => ({
        note: `${text} ${context.count}`,
      })),
      forgot: assign({ note: undefined, last: ({ event }) => event.type }),
    },
  }).createMachine({
    context: { count: 0 },
    initial: "on",
    states: {
      on: {
        on: {
          go: { actions: ["counted", { type: "noted", params: { text: "now" } }] },
          stop: { target: "off", actions: "forgot" },
        },
      },
      off: { type: "final" },
    },
  });

/** All that a machine is after each of some events, as bytes. */
function steps(one: ReturnType<typeof machine>): string[] {
  let [snapshot] = initialTransition(one);
  return (["go", "go", "stop"] as const).map((type, place) => {
    [snapshot] = transition(one, snapshot, { type, by: place + 1 });
    const { status, value, context } = snapshot as AnyMachineSnapshot;
    return JSON.stringify([status, value, context, Object.keys(context as object)]);
  });
}

describe("a quickened machine", () => {
  it("remembers what xstate's own assign would, in the same order", () => {
    const plain = steps(machine());
    expect(steps(quickened(machine()))).toEqual(plain);
    expect(plain.at(-1)).toBe('["done","off",{"count":3,"last":"stop"},["count","note","last"]]');
  });

  it("is found to have assigns of the kind that can be replaced", () => {
    const { actions } = quickened(machine()).implementations as { actions: Record<string, object> };
    const own = (machine().implementations as { actions: Record<string, object> }).actions;
    for (const name of ["counted", "noted", "forgot"]) {
      expect(own[name]).toHaveProperty("resolve");
      expect((actions[name] as { resolve: unknown }).resolve).not.toBe(
        (own[name] as { resolve: unknown }).resolve,
      );
    }
  });
});
