import { describe, expect, it } from "vitest";
import { COMPONENT_EVENT_TYPES, type ComponentFact } from "../../machines/component-events.ts";
import { ENVIRONMENT_EVENT_TYPES, type EnvironmentFact } from "../../machines/environment.ts";
import { SERVICE_EVENT_TYPES, type ServiceFact } from "../../machines/service-events.ts";
import { diskLog, opened } from "../offline/fixture.ts";
import { headings, names, page, section } from "./markdown.ts";

const text = page("events.md");
const ofServices = section(text, "## Events of a service");
const ofComponents = section(text, "## Events of components");
const ofEnvironment = section(text, "## Events of the environment");

/** What is in `data`: neither the type nor what has a column of its own. */
type Field<Fact> = Exclude<Fact extends unknown ? keyof Fact : never, "type" | "incarnation">;
type Fields<Fact extends { type: string }> = {
  readonly [Type in Fact["type"]]: Readonly<Record<Field<Extract<Fact, { type: Type }>>, true>>;
};

/** The compiler holds these two to the types: a type or field that is new, gone or renamed fails to compile. */
const SERVICE: Fields<ServiceFact> = {
  "service.created": { definition: true, version: true },
  "service.changed": { definition: true, version: true, start: true },
  "service.start_requested": {},
  "service.stop_requested": { timeoutMs: true },
  "service.restart_requested": { timeoutMs: true, path: true },
  "service.delete_requested": { timeoutMs: true },
  "service.signal_requested": { signal: true },
  "service.drain_requested": { timeoutMs: true, signal: true },
  "process.spawn_requested": { machineBoot: true },
  "process.spawned": { pid: true, startTime: true, wall: true, logFrom: true },
  "process.spawn_failed": { error: true, jitter: true },
  "process.exited": { status: true, jitter: true },
  "process.lost": {},
  "process.kill_sent": {},
  "process.stop_command_failed": { reason: true },
  "process.unkillable": { pid: true },
  "incarnation.emptied": { jitter: true },
  "output.ended": { logTo: true, lines: true, droppedBytes: true },
  "readiness.reached": {},
  "readiness.failed": { reason: true },
  "health.failed": { reason: true, failures: true },
  "health.changed": { ok: true, reason: true },
  "timer.fired": { timer: true, armed: true },
  "environment.booted": { found: true, newMachineBoot: true },
};

type OwnComponentFact = Extract<ComponentFact, { type: `component.${string}` }>;

/** The others are a service's, too. */
const COMPONENT: Fields<OwnComponentFact> = {
  "component.created": { definition: true, place: true },
  "component.changed": { definition: true, place: true },
  "component.moved": { place: true },
  "component.removed": {},
  "component.drain_requested": { timeoutMs: true },
};

const ENVIRONMENT: Fields<EnvironmentFact> = {
  "environment.created": { name: true },
  "environment.booted": { machineBoot: true, pid: true, release: true, logDir: true, found: true },
  "environment.ready_reached": {},
  "environment.drain_requested": { reason: true, deadlineMs: true, first: true, signal: true },
  "environment.drained": { left: true },
  "config.applied": { services: true },
  "clock.stepped": { byMs: true },
  "stream.quarantined": { stream: true, reason: true },
  "stream.retired": { stream: true, version: true },
};

describe("the lists of types in the code", () => {
  it("are whole", () => {
    expect([...SERVICE_EVENT_TYPES]).toEqual(Object.keys(SERVICE));
    expect([...ENVIRONMENT_EVENT_TYPES]).toEqual(Object.keys(ENVIRONMENT));
    const ofServicesToo = COMPONENT_EVENT_TYPES.filter((type) => Object.hasOwn(SERVICE, type));
    expect([...COMPONENT_EVENT_TYPES]).toEqual([...Object.keys(COMPONENT), ...ofServicesToo]);
  });
});

describe("docs/events.md", () => {
  it("has every type of event of the machines, in the order of the code", () => {
    expect(headings(ofComponents)).toEqual(Object.keys(COMPONENT));
    expect(headings(ofServices)).toEqual([...SERVICE_EVENT_TYPES]);
    expect(headings(ofEnvironment)).toEqual([...ENVIRONMENT_EVENT_TYPES]);
  });

  it.each(Object.entries(SERVICE))("has the data of %s of a service", (type, fields) => {
    const about = section(ofServices, `### \`${type}\``);

    expect(names(about)).toEqual(Object.keys(fields));
    expect(about.includes("No data.")).toBe(Object.keys(fields).length === 0);
  });

  it.each(Object.entries(COMPONENT))("has the data of %s of components", (type, fields) => {
    const about = section(ofComponents, `### \`${type}\``);

    expect(names(about)).toEqual(Object.keys(fields));
    expect(about.includes("No data.")).toBe(Object.keys(fields).length === 0);
  });

  it.each(Object.entries(ENVIRONMENT))("has the data of %s of the environment", (type, fields) => {
    const about = section(ofEnvironment, `### \`${type}\``);

    expect(names(about)).toEqual(Object.keys(fields));
    expect(about.includes("No data.")).toBe(Object.keys(fields).length === 0);
  });

  const all = [ofServices, ofComponents, ofEnvironment];
  it.each(all.flatMap(headings))("says who appends %s", (type) => {
    for (const part of all) {
      if (!headings(part).includes(type)) continue;
      expect(section(part, `### \`${type}\``).trim()).toMatch(/^Appended (by|at) /);
    }
  });

  it("has the columns of the log, in their order", async () => {
    const { db } = opened(await diskLog([]));
    const columns = db
      .prepare<[], string>("SELECT name FROM pragma_table_info('events')")
      .pluck()
      .all();

    expect(names(section(text, "## Columns"))).toEqual(columns);
  });
});
