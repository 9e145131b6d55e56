import type { AnyMachineSnapshot } from "xstate";
import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ComponentContext } from "../../machines/component-setup.ts";
import { isStreamKind, machines } from "../../machines/index.ts";
import {
  type ComponentState,
  policies,
  type Row,
  type ServiceState,
  type View,
} from "../../machines/policies.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Draft, JsonObject } from "../journal/record.ts";
import { AppError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { Stepper } from "./journaled.ts";
import type { Origin, Registry } from "./registry.ts";
import { stateOf } from "./replay.ts";

/** An event for a stream, without what `dispatch` adds: id, time and draws. */
export interface Fact {
  stream: string;
  event: {
    readonly type: string;
    readonly incarnation?: string | undefined;
    readonly [data: string]: unknown;
  };
}

/** What a command's decision may look at: the actors, with everything before it in its batch. */
export interface RuntimeView extends View {
  /** Version that the next definition of a service gets. */
  nextVersion(name: string): number;
  /** Why a service is quarantined. */
  quarantined(name: string): string | undefined;
}

/** A row that was stepped and is not on disk yet. */
export interface Stepped {
  draft: Draft;
  event: { type: string; at: number; id: string };
  view: JsonObject;
}

export interface GroupPorts {
  clock: Clock;
  ids: Ids;
  /** 0 to 1. */
  random: () => number;
  bootId: string;
  /** A consequence that its machine does not take, or that threw. */
  onSkipped: (fact: Fact, reason: string) => void;
}

const SYSTEM = "runtime";

interface Overlay {
  snapshots: Map<string, AnyMachineSnapshot>;
  versions: Map<string, number>;
}

const emptyOverlay = (): Overlay => ({ snapshots: new Map(), versions: new Map() });

/** The name of the environment's stream: there is one a state directory. */
export const ENVIRONMENT = "environment/sprite";

/**
 * Steps the inputs of one batch, each with what the policies make of it, beside the actors: later ones see earlier ones, and nothing is changed
 * until the rows are on disk. A group that is refused leaves no trace.
 */
export class BatchStepper {
  readonly #registry: Registry;
  readonly #ports: GroupPorts;
  readonly #stepper = new Stepper();
  #batch = emptyOverlay();
  #group = emptyOverlay();

  constructor(registry: Registry, ports: GroupPorts) {
    this.#registry = registry;
    this.#ports = ports;
  }

  /** Components that were born in this batch. */
  readonly #born = new Set<string>();

  /** Forgets what was stepped: the next batch begins from the actors. */
  reset(): void {
    this.#born.clear();
    this.#batch = emptyOverlay();
    this.#group = emptyOverlay();
  }

  readonly view: RuntimeView = {
    environment: () => {
      const snapshot = this.#snapshot(ENVIRONMENT);
      return (
        snapshot && { phase: stateOf(snapshot), context: snapshot.context as EnvironmentContext }
      );
    },
    service: (name) => this.#service(`service/${name}`),
    services: () => this.#services(),
    components: () => this.#components(),
    nextVersion: (name) =>
      (this.#service(`service/${name}`)?.context.version ??
        this.#lastDefinition(`service/${name}`)) + 1,
    quarantined: (name) => this.view.environment()?.context.quarantined[`service/${name}`],
  };

  /**
   * Steps one group: the facts in order (the first is the cause of the others), then breadth-first what the policies make of them.
   *
   * @param decide asked now, over all that was stepped before in the batch; throws to refuse
   * @param strict a fact that its machine does not take refuses the group (a command); else it is skipped (a report)
   * @throws AppError what `decide` threw, or `event_refused`; nothing of the group is kept then
   */
  step(
    input: { decide: (view: RuntimeView) => readonly Fact[]; actor: string; strict: boolean },
    originOf: (fact: Fact) => Origin | undefined,
  ): Stepped[] {
    this.#group = emptyOverlay();
    const at = this.#ports.clock.now();
    const rows: Stepped[] = [];
    let level: Stepped[] = [];
    for (const fact of input.decide(this.view)) {
      const row = this.#take(fact, at, input.actor, level[0]?.draft ?? originOf(fact));
      if (row) level.push(row);
      else if (input.strict)
        throw new AppError("event_refused", refusal(fact, this.#snapshot(fact.stream)));
      else this.#ports.onSkipped(fact, "refused");
    }
    while (level.length > 0) {
      rows.push(...level);
      level = this.#consequences(level, at);
    }
    for (const [stream, snapshot] of this.#group.snapshots)
      this.#batch.snapshots.set(stream, snapshot);
    for (const [stream, version] of this.#group.versions) this.#batch.versions.set(stream, version);
    this.#group = emptyOverlay();
    return rows;
  }

  #consequences(level: readonly Stepped[], at: number): Stepped[] {
    const next: Stepped[] = [];
    for (const cause of level) {
      const row = policyRow(cause);
      for (const policy of row ? policies : []) {
        for (const consequence of row ? policy(row, this.view) : []) {
          const stream =
            consequence.kind === "environment"
              ? ENVIRONMENT
              : `${consequence.kind}/${consequence.name}`;
          const fact = { stream, event: consequence.event };
          const stepped = this.#take(fact, at, SYSTEM, cause.draft);
          if (stepped) next.push(stepped);
          else this.#ports.onSkipped(fact, "consequence refused");
        }
      }
    }
    return next;
  }

  /** Steps one fact; undefined where its machine does not take it. A machine that throws quarantines its stream, in the same group. */
  #take(fact: Fact, at: number, actor: string, origin: Origin | undefined): Stepped | undefined {
    const kind = kindOf(fact.stream);
    if (!isStreamKind(kind)) return undefined;
    if (this.view.quarantined(idOf(fact.stream)) !== undefined && kind === "service")
      return undefined;
    const { version: schema, birth } = machines[kind];
    const machine = this.#registry.machines[kind];
    const before = this.#snapshot(fact.stream);
    if ((before === undefined) !== (fact.event.type === birth)) return undefined;
    const { incarnation, ...data } = JSON.parse(
      JSON.stringify(this.#drawn(fact.event)),
    ) as JsonObject & {
      type: string;
      incarnation?: string;
    };
    const id = this.#ports.ids.event();
    const event = { ...data, ...(incarnation !== undefined && { incarnation }), at, id };
    try {
      const step = before
        ? this.#stepper.step(machine, before, event)
        : this.#stepper.birth(machine, event);
      if (!step) return undefined;
      this.#registry.steps.set(event, step);
      const { type, ...rest } = data;
      const draft: Draft = {
        id,
        stream: fact.stream,
        version: this.#version(fact.stream) + 1,
        type,
        schema,
        data: rest,
        at,
        wall: this.#ports.clock.wall(),
        bootId: this.#ports.bootId,
        incarnation: incarnation ?? null,
        cause: origin?.id ?? null,
        correlation: origin?.correlation ?? id,
        actor,
        fromState: before ? stateOf(before) : null,
        toState: stateOf(step.snapshot),
      };
      this.#group.snapshots.set(fact.stream, step.snapshot);
      if (kind === "component" && !before) this.#born.add(fact.stream);
      this.#group.versions.set(fact.stream, draft.version);
      return { draft, event, view: step.snapshot.context as JsonObject };
    } catch (error) {
      if (kind === "environment") throw error;
      this.#ports.onSkipped(fact, `its machine throws: ${String(error)}`);
      const reason = `its machine throws on ${fact.event.type}: ${String(error)}`;
      return this.#take(
        {
          stream: ENVIRONMENT,
          event: { type: "stream.quarantined", stream: fact.stream, reason } as never,
        },
        at,
        SYSTEM,
        origin,
      );
    }
  }

  /** What machines may not draw themselves. */
  #drawn(event: Fact["event"]): object {
    switch (event.type) {
      case "process.spawn_requested": {
        const machineBoot = this.view.environment()?.context.machineBoot ?? "";
        return { ...event, incarnation: this.#ports.ids.incarnation(), machineBoot };
      }
      case "process.exited":
      case "process.spawn_failed":
      case "incarnation.emptied":
        return { ...event, jitter: this.#ports.random() };
      default:
        return event;
    }
  }

  #snapshot(stream: string): AnyMachineSnapshot | undefined {
    const snapshot =
      this.#group.snapshots.get(stream) ??
      this.#batch.snapshots.get(stream) ??
      this.#registry.get(stream)?.snapshot;
    return snapshot?.status === "active" ? snapshot : undefined;
  }

  #version(stream: string): number {
    return (
      this.#group.versions.get(stream) ??
      this.#batch.versions.get(stream) ??
      this.#registry.versionOf(stream)
    );
  }

  #lastDefinition(stream: string): number {
    const ended = this.#group.snapshots.get(stream) ?? this.#batch.snapshots.get(stream);
    const context = ended?.context as ServiceContext | undefined;
    return context?.version ?? this.#registry.lastDefinitionOf(stream);
  }

  #service(stream: string): ServiceState | undefined {
    const snapshot = this.#snapshot(stream);
    return snapshot && { phase: stateOf(snapshot), context: snapshot.context as ServiceContext };
  }

  #components(): Iterable<readonly [string, ComponentState]> {
    const streams = new Set([...this.#registry.components, ...this.#born]);
    if (streams.size === 0) return NO_COMPONENTS;
    return [...streams]
      .flatMap((stream) => {
        const snapshot = this.#snapshot(stream);
        const context = snapshot?.context as ComponentContext | undefined;
        return snapshot && context
          ? [[idOf(stream), { phase: stateOf(snapshot), context }] as const]
          : [];
      })
      .toSorted(([, one], [, other]) => one.context.place - other.context.place);
  }

  *#services(): Iterable<readonly [string, ServiceState]> {
    const fresh = [...this.#group.snapshots.keys(), ...this.#batch.snapshots.keys()].filter(
      (stream) => !this.#registry.get(stream),
    );
    const streams =
      fresh.length > 0
        ? [...new Set([...this.#registry.streams(), ...fresh])].toSorted()
        : this.#registry.streams();
    for (const stream of streams) {
      const state = kindOf(stream) === "service" ? this.#service(stream) : undefined;
      if (state) yield [idOf(stream), state];
    }
  }
}

const NO_COMPONENTS: readonly (readonly [string, ComponentState])[] = [];

const policyRow = ({ draft, event }: Stepped): Row | undefined => {
  const kind = kindOf(draft.stream);
  if (!isStreamKind(kind)) return undefined;
  const row = {
    kind,
    name: idOf(draft.stream),
    from: draft.fromState ?? undefined,
    to: draft.toState,
    event,
  };
  return row as unknown as Row; // the machine of that kind took the event, so it is one of its facts
};

const refusal = (fact: Fact, snapshot: AnyMachineSnapshot | undefined): string =>
  `${fact.stream} cannot take ${fact.event.type} while it is ${snapshot ? stateOf(snapshot) : "not there"}`;
