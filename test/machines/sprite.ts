import { type AnyMachineSnapshot, initialTransition, transition } from "xstate";
import type { ServiceDefinition } from "../../machines/definition.ts";
import type { EnvironmentContext } from "../../machines/environment.ts";
import { machines, type StreamKind } from "../../machines/index.ts";
import { policies, type Row, type View } from "../../machines/policies.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { Found } from "../../machines/service-events.ts";

interface Fact {
  kind: StreamKind;
  name: string;
  event: { readonly type: string; readonly [data: string]: unknown };
}

/** A row as a test reads it: `app: pending → starting`, by which event, because of which row. */
export interface Told {
  name: string;
  type: string;
  from: string | undefined;
  to: string;
  event: { readonly [data: string]: unknown };
  cause: Told | undefined;
}

const DRAIN = { type: "environment.drain_requested", reason: "SIGTERM", deadlineMs: 5_000 };

/** A sprite in memory: its machines, and the policies asked breadth-first, as `dispatch` does it. Runners answer when a test says so. */
export class Sprite {
  readonly told: Told[] = [];
  readonly refused: string[] = [];
  readonly #snapshots = new Map<string, AnyMachineSnapshot>();
  #count = 0;
  #at = 0;

  readonly view: View = {
    environment: () => this.#state("environment", "sprite") as never,
    service: (name) => this.#state("service", name) as never,
    services: () => this.#services() as never,
    components: () => [],
  };

  constructor() {
    this.#birth("environment", "sprite", { name: "sprite" });
    this.send({ kind: "environment", name: "sprite", event: bootedFact("mb_1") });
  }

  /** Facts that come in together, in order, and all that follows from them. Returns their rows. */
  send(...facts: readonly Fact[]): Told[] {
    this.#at += 1;
    const begin = this.told.length;
    let level = facts.flatMap((fact) => this.#take(fact, undefined));
    while (level.length > 0) level = level.flatMap((row) => this.#consequences(row));
    return this.told.slice(begin);
  }

  /** What a person wishes of a service. */
  wish(name: string, type: string, data: object = {}): Told[] {
    return this.send({ kind: "service", name, event: { ...data, type: `service.${type}` } });
  }

  create(name: string, definition: Partial<ServiceDefinition> = {}): Told[] {
    const event = { definition: { cmd: name, ...definition }, version: 1 };
    return this.wish(name, "created", event);
  }

  /** Reports of the open incarnation of a service, all at once. */
  report(name: string, ...facts: readonly Fact["event"][]): Told[] {
    const incarnation = this.context(name).open?.id;
    const events = facts.map((fact) => ({ ...fact, incarnation, jitter: 0.5 }));
    return this.send(...events.map((event) => ({ kind: "service" as const, name, event })));
  }

  spawned(name: string): Told[] {
    return this.report(name, { type: "process.spawned", pid: 100, startTime: "1", wall: 1 });
  }

  /** Creates services in this order and lets their processes come up. */
  up(services: { readonly [name: string]: Partial<ServiceDefinition> }): void {
    for (const [name, definition] of Object.entries(services)) {
      this.create(name, definition);
      if (this.phase(name) === "starting") this.spawned(name);
    }
  }

  /** The main process is gone and nothing is left. */
  down(name: string, code = 0): Told[] {
    return this.report(
      name,
      { type: "process.exited", status: { code } },
      { type: "incarnation.emptied" },
    );
  }

  stop(name: string): void {
    this.wish(name, "stop_requested");
    if (this.phase(name) === "stopping") this.down(name);
  }

  /** The next daemon begins. `found`: of each open incarnation; none where it is not named. */
  boot(found: { readonly [name: string]: Found } = {}, newMachineBoot = false): Told[] {
    const services = [...this.view.services()].map(([name]) => ({
      kind: "service" as const,
      name,
      event: {
        type: "environment.booted",
        found: found[name] ?? { kind: "none" },
        newMachineBoot,
      },
    }));
    const event = bootedFact(newMachineBoot ? "mb_2" : "mb_1");
    return this.send({ kind: "environment", name: "sprite", event }, ...services);
  }

  drain(): Told[] {
    return this.send({ kind: "environment", name: "sprite", event: DRAIN });
  }

  phase(name: string): string | undefined {
    return this.view.service(name)?.phase;
  }

  phases(): { [name: string]: string } {
    return Object.fromEntries([...this.view.services()].map(([name, { phase }]) => [name, phase]));
  }

  context(name: string): ServiceContext {
    const state = this.view.service(name);
    if (!state) throw new Error(`no service named ${name}`);
    return state.context;
  }

  get environment(): string | undefined {
    return this.view.environment()?.phase;
  }

  #consequences(row: Row & { told: Told }): (Row & { told: Told })[] {
    return policies.flatMap((policy) =>
      policy(row, this.view).flatMap((consequence) =>
        this.#take(
          { ...consequence, name: "name" in consequence ? consequence.name : "sprite" },
          row.told,
        ),
      ),
    );
  }

  #take({ kind, name, event }: Fact, cause: Told | undefined): (Row & { told: Told })[] {
    const key = `${kind}/${name}`;
    const before = this.#snapshots.get(key);
    const stamped = { ...this.#drawn(event), at: this.#at, id: `ev_${(this.#count += 1)}` };
    if (before === undefined) this.#birth(kind, name, stamped);
    else if (!before.can(stamped)) {
      this.refused.push(`${name} ${event.type}`);
      return [];
    } else {
      const [after] = transition(
        machines[kind].machine as never,
        before as never,
        stamped as never,
      );
      this.#snapshots.set(key, after as AnyMachineSnapshot);
    }
    const from = before && String(before.value);
    const to = String(this.#snapshots.get(key)?.value);
    const told = { name, type: event.type, from, to, event: stamped, cause };
    this.told.push(told);
    return [{ kind, name, from, to, event: stamped, told } as unknown as Row & { told: Told }];
  }

  #birth(kind: StreamKind, name: string, input: object): void {
    const [snapshot] = initialTransition(machines[kind].machine as never, input as never);
    this.#snapshots.set(`${kind}/${name}`, snapshot as AnyMachineSnapshot);
  }

  #drawn(event: Fact["event"]): Fact["event"] {
    if (event.type !== "process.spawn_requested") return { jitter: 0.5, ...event };
    const machineBoot = this.view.environment()?.context.machineBoot;
    return { ...event, incarnation: `in_${this.#count}`, machineBoot };
  }

  #state(
    kind: StreamKind,
    name: string,
  ): { phase: string; context: EnvironmentContext | ServiceContext } | undefined {
    const snapshot = this.#snapshots.get(`${kind}/${name}`);
    if (snapshot?.status !== "active") return undefined;
    return { phase: String(snapshot.value), context: snapshot.context as never };
  }

  *#services(): Iterable<readonly [string, unknown]> {
    for (const key of [...this.#snapshots.keys()].toSorted()) {
      const name = key.slice(key.indexOf("/") + 1);
      const state = key.startsWith("service/") && this.#state("service", name);
      if (state) yield [name, state];
    }
  }
}

const bootedFact = (machineBoot: string) => ({
  type: "environment.booted",
  machineBoot,
  pid: 10,
  release: "0.1.0",
  found: { open: 0, proven: 0, unproven: 0 },
});
