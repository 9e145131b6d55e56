import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  initialTransition,
  transition,
} from "xstate";
import { machines, type StreamKind } from "../../machines/index.ts";
import { EXAMPLES } from "./examples.ts";
import type { Paper, PaperEvent, PaperStep } from "../inspector/page/machine/workbench-wire.ts";

interface Now {
  snapshot: AnyMachineSnapshot;
  count: number;
}

/**
 * Sends events to an actor of a machine on paper: nothing that it asks for is done. The whole sequence is sent each time, so nothing has to be remembered.
 *
 * A machine of ours is born by its first event; another one by `input`.
 *
 * @param kind of our streams that the machine stands for
 */
export function onPaper(
  machine: AnyStateMachine,
  kind: StreamKind | undefined,
  { input, events }: { input?: unknown; events: readonly PaperEvent[] },
): Paper {
  const steps: PaperStep[] = [];
  let now: Now | undefined;
  try {
    if (kind === undefined) now = { snapshot: born(machine, input ?? {})[0], count: 0 };
  } catch (error) {
    return {
      steps: [failed({ type: "(birth)" }, error)],
      events: eventsOf(machine, kind, undefined),
    };
  }
  for (const [index, given] of events.entries()) {
    const event = kind === undefined ? given : stamped(given, index);
    const { step, next } = stepped(machine, kind, now, event);
    steps.push(step);
    now = next;
    if (step.error !== undefined) break;
  }
  return { steps, events: eventsOf(machine, kind, now?.snapshot) };
}

const born = (machine: AnyStateMachine, input: unknown): ReturnType<typeof initialTransition> =>
  initialTransition(
    machine,
    ...([input] as unknown as Parameters<typeof initialTransition> extends [unknown, ...infer Rest]
      ? Rest
      : never),
  );

/** As the runtime stamps: when it happened, and which row it is. */
const stamped = (event: PaperEvent, index: number): PaperEvent => ({
  at: (index + 1) * 1_000,
  id: `ev_${index + 1}`,
  ...event,
});

const failed = (event: PaperEvent, error: unknown): PaperStep => ({
  event,
  taken: false,
  from: null,
  to: "",
  context: null,
  effects: [],
  error: error instanceof Error ? error.message : String(error),
});

function stepped(
  machine: AnyStateMachine,
  kind: StreamKind | undefined,
  now: Now | undefined,
  event: PaperEvent,
): { step: PaperStep; next: Now | undefined } {
  try {
    if (!now) {
      const birth = kind === undefined ? undefined : machines[kind].birth;
      if (birth !== undefined && event.type !== birth)
        throw new Error(`it is born by ${birth}: send that first`);
      const [snapshot, actions] = born(machine, event);
      return told(event, undefined, snapshot, actions, true);
    }
    if (now.snapshot.status !== "active") throw new Error("it has ended: it takes no more events");
    const isTaken = now.snapshot.can(event);
    const [snapshot, actions] = transition(machine, now.snapshot, event);
    if (snapshot.status === "error") throw snapshot.error;
    return told(event, now.snapshot, snapshot, actions, isTaken);
  } catch (error) {
    return { step: failed(event, error), next: now };
  }
}

function told(
  event: PaperEvent,
  before: AnyMachineSnapshot | undefined,
  after: AnyMachineSnapshot,
  actions: readonly { type: string; params?: unknown }[],
  isTaken: boolean,
): { step: PaperStep; next: Now } {
  return {
    step: {
      event,
      taken: isTaken,
      from: before ? stateText(before) : null,
      to: stateText(after),
      context: plain(after.context),
      effects: actions.map(({ type, params }) => ({
        type,
        ...(params !== undefined && { params: plain(params) }),
      })),
    },
    next: { snapshot: after, count: 0 },
  };
}

/** `running`; of nested states the paths of all that are there at once. */
export function stateText({ value }: Pick<AnyMachineSnapshot, "value">): string {
  const paths = (one: unknown, path: string): string[] =>
    typeof one === "string"
      ? [path === "" ? one : `${path}.${one}`]
      : Object.entries(one as object).flatMap(([key, inner]) =>
          paths(inner, path === "" ? key : `${path}.${key}`),
        );
  return paths(value, "").join(", ");
}

/** What JSON can hold of it: functions and actors are named. */
const plain = (value: unknown): unknown => {
  const seen = new WeakSet();
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "function") return `(function ${inner.name})`;
    if (typeof inner === "bigint") return `${inner}n`;
    if (typeof inner !== "object" || inner === null) return inner;
    if (seen.has(inner)) return "(seen above)";
    seen.add(inner);
    return inner;
  });
  return text === undefined ? null : (JSON.parse(text) as unknown);
};

/** Events that the machine knows, those that it takes now first, with an example of each. */
function eventsOf(
  machine: AnyStateMachine,
  kind: StreamKind | undefined,
  now: AnyMachineSnapshot | undefined,
): Paper["events"] {
  const examples: Readonly<Record<string, object>> = kind === "service" ? EXAMPLES : {};
  const birth = kind === undefined ? [] : [machines[kind].birth];
  const known = [...new Set([...birth, ...machine.events.map(String)])].filter(
    (type) => type !== "*" && !type.startsWith("xstate."),
  );
  const all = known.map((type) => ({ type, example: { type, ...examples[type] } }));
  const isTaken = (event: { example: PaperEvent }): boolean => {
    try {
      return now ? now.can(event.example) : birth.includes(event.example.type as never);
    } catch {
      return false;
    }
  };
  return [...all.filter((one) => isTaken(one)), ...all.filter((one) => !isTaken(one))];
}
