import {
  type ActorOptions,
  type AnyActorRef,
  type AnyMachineSnapshot,
  createActor,
  type InspectionEvent,
} from "xstate";
import type { StreamKind } from "../../machines/index.ts";
import { idOf, kindOf } from "../journal/record.ts";
import { type boundMachines } from "./effects.ts";
import { type EffectFailed, journaled, type PreparedSteps } from "./journaled.ts";
import type { Fold } from "./replay.ts";

/** A row that led to something, and the first row of its chain: what a later report names as its cause. */
export interface Origin {
  id: string;
  correlation: string;
}

/** A running machine. */
export interface Live {
  stream: string;
  kind: StreamKind;
  /** `web` of `service/web`. */
  name: string;
  snapshot: AnyMachineSnapshot;
  actor: AnyActorRef;
  /** By effect, the row that asked for it last (timers by `armTimer:NAME`). */
  origins: Map<string, Origin>;
}

/** What the log knows of streams that have no actor. */
export interface EndedStreams {
  /** Version of its last row; 0 where there is none. */
  lastVersion(stream: string): number;
  /** Version of the definition it had when it ended; 0 where it had none. */
  lastDefinition(stream: string): number;
}

export interface RegistryOptions {
  machines: ReturnType<typeof boundMachines>;
  onEffectFailed: EffectFailed;
  /** Where streams that ended are asked for; absent: an empty log, and none that ended is forgotten. */
  ended?: EndedStreams;
  inspect?: (event: InspectionEvent) => void;
}

/** Stream → live actor: births and ends. Streams that ended are not kept: the log knows them. */
export class Registry {
  readonly steps: PreparedSteps = new WeakMap();
  readonly #versions = new Map<string, number>();
  readonly #lastDefinitions = new Map<string, number>();
  readonly #live = new Map<string, Live>();
  #sorted: string[] | undefined;
  readonly #components = new Set<string>();
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** The machines the actors are made of: their actions are the runners. */
  get machines(): RegistryOptions["machines"] {
    return this.#options.machines;
  }

  get(stream: string): Live | undefined {
    return this.#live.get(stream);
  }

  /** Streams with a live actor, sorted. */
  streams(): readonly string[] {
    this.#sorted ??= [...this.#live.keys()].toSorted();
    return this.#sorted;
  }

  /** Streams of components with a live actor. */
  get components(): ReadonlySet<string> {
    return this.#components;
  }

  /** Version of a stream's last row; 0 where it has none. */
  versionOf(stream: string): number {
    return this.#versions.get(stream) ?? this.#options.ended?.lastVersion(stream) ?? 0;
  }

  /** Version of the definition a deleted service had: the next one goes on from there. */
  lastDefinitionOf(stream: string): number {
    return this.#lastDefinitions.get(stream) ?? this.#options.ended?.lastDefinition(stream) ?? 0;
  }

  /** Takes over what a fold gave: every stream that has not ended gets an actor. No effect runs. */
  restore(fold: Fold): void {
    for (const [stream, version] of fold.versions) this.#versions.set(stream, version);
    for (const { stream, snapshot } of fold.streams.values()) {
      if (fold.mismatches.has(stream)) continue; // shown as last recorded, and left alone
      if (snapshot.status === "active") this.#adopt(stream, { snapshot });
      else this.#ended(stream, snapshot);
    }
  }

  /**
   * Lets an actor take a row that is on disk, and runs its effects.
   *
   * @param event the very object that was stepped; `steps` holds its step
   */
  apply(
    row: { stream: string; version: number; id: string; correlation: string },
    event: { type: string },
  ): void {
    const step = this.steps.get(event);
    if (!step) throw new Error(`row ${row.id} was never stepped`);
    const live = this.#live.get(row.stream);
    this.#versions.set(row.stream, row.version);
    const origin = { id: row.id, correlation: row.correlation };
    if (live) {
      note(live, step.actions, origin);
      live.snapshot = step.snapshot;
      live.actor.send(event);
    } else
      note(
        this.#adopt(row.stream, { input: event, snapshot: step.snapshot }),
        step.actions,
        origin,
      );
    if (step.snapshot.status !== "active") this.#ended(row.stream, step.snapshot);
  }

  /** Gives a stream up, as if it had never been born. */
  forget(stream: string): void {
    this.#live.get(stream)?.actor.stop();
    this.#live.delete(stream);
    this.#components.delete(stream);
    this.#sorted = undefined;
  }

  #adopt(
    stream: string,
    { input, snapshot }: { input?: object; snapshot: AnyMachineSnapshot },
  ): Live {
    const kind = kindOf(stream) as StreamKind; // dispatch and the fold take no other
    const { onEffectFailed, inspect } = this.#options;
    const actor = createActor(journaled(this.machines[kind], this.steps, onEffectFailed), {
      id: stream,
      ...(inspect && { inspect }),
      ...(input ? { input } : { snapshot, input: {} }),
    } as ActorOptions<ReturnType<typeof journaled>> & { input: object });
    const live: Live = { stream, kind, name: idOf(stream), snapshot, actor, origins: new Map() };
    this.#live.set(stream, live);
    if (kind === "component") this.#components.add(stream);
    this.#sorted = undefined;
    actor.start();
    return live;
  }

  #ended(stream: string, snapshot: AnyMachineSnapshot): void {
    const { version } = snapshot.context as { version?: number };
    if (this.#options.ended) this.#versions.delete(stream);
    else if (version !== undefined) this.#lastDefinitions.set(stream, version);
    this.forget(stream);
  }
}

function note(
  live: Live,
  actions: readonly { type: string; params?: unknown }[],
  origin: Origin,
): void {
  for (const { type, params } of actions) {
    if (type === "spawnProcess") live.origins.clear(); // another life: what ended the last one has no more to say
    const { timer } = (params ?? {}) as { timer?: string };
    live.origins.set(timer === undefined ? type : `${type}:${timer}`, origin);
  }
}
