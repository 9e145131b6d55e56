import { isDeepStrictEqual } from "node:util";
import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { type ChainLink, criticalChain } from "./boot-chain.ts";
import { type BootService, bootServices } from "./boot-services.ts";
import { type Boot, bootJson, bootNamed, bootsOf, readyMs } from "./boots.ts";
import { textOf } from "./words.ts";

/** A boot and what it made of the services. */
export interface BootStory {
  boot: Boot;
  services: readonly BootService[];
  chain: readonly ChainLink[];
}

/**
 * Tells a boot: for each service why it was started or not, in the order of their starts, and the critical chain.
 *
 * @param named as `bootNamed` takes it
 * @throws AppError as `bootNamed`; `events_gone` where retention has taken what was before it
 */
export function bootStory(reader: EventReader, named: string | undefined): BootStory {
  return storyOf(reader, bootNamed(bootsOf(reader), named));
}

function storyOf(reader: EventReader, boot: Boot): BootStory {
  const services = bootServices(reader, boot);
  return { boot, services, chain: criticalChain(services) };
}

/** What `boot show --json` prints. */
export const storyJson = ({ boot, services, chain }: BootStory, answers: boolean): object => ({
  ...bootJson(boot, answers),
  services: services.map(serviceJson),
  critical_chain: chain.map(({ name, upMs, tookMs, heldBy }) => ({
    name,
    up_ms: upMs,
    took_ms: tookMs,
    ...(heldBy && { waited_for: heldBy.name, as: heldBy.kind }),
  })),
});

const serviceJson = (service: BootService): object => ({
  name: service.name,
  before: { phase: service.phase, desired: service.desired, version: service.version },
  found: service.found,
  decision: service.decision,
  why: service.why,
  ...(service.heldBy && { waited_for: service.heldBy.name, as: service.heldBy.kind }),
  ...(service.waitsFor.length > 0 && { waits_for: service.waitsFor }),
  ...(service.askedMs !== undefined && { asked_ms: service.askedMs }),
  ...(service.spawnedMs !== undefined && { spawned_ms: service.spawnedMs }),
  ...(service.upMs !== undefined && { up_ms: service.upMs }),
  ...(service.pid !== undefined && { pid: service.pid }),
  ...(service.failed !== undefined && { failed: service.failed }),
});

/** What of a service two boots are compared by. */
export interface BootOutcome {
  decision: BootService["decision"];
  /** It came up, it did not, or it was not tried. */
  result: "up" | "failed" | "none";
  version: number;
  upMs?: number;
}

/** One fact in which two boots differ. Absent: one of them knows nothing of it. */
export interface BootDifference {
  /** `release`, `ready`, …; `service` for one of them. */
  fact: string;
  service?: string;
  before?: string | number | BootOutcome;
  after?: string | number | BootOutcome;
}

/** What differs between two boots. */
export interface BootDiff {
  from: Boot;
  to: Boot;
  differences: readonly BootDifference[];
}

/**
 * Compares two boots: their facts, and what became of each service. Without names: the newest with the one before it; with one: that one with the
 * newest. That a service took a little more or less time to come up is no difference.
 *
 * @throws AppError as `bootStory`
 */
export function bootDiff(
  reader: EventReader,
  from: string | undefined,
  to: string | undefined,
): BootDiff {
  const boots = bootsOf(reader);
  const one = storyOf(reader, bootNamed(boots, from ?? "-1"));
  const other = storyOf(reader, bootNamed(boots, to ?? "0"));
  if (one.boot === other.boot)
    throw new AppError("invalid_request", `both are boot ${one.boot.number}: name two boots`);
  return {
    from: one.boot,
    to: other.boot,
    differences: [...factDifferences(one.boot, other.boot), ...serviceDifferences(one, other)],
  };
}

function factDifferences(one: Boot, other: Boot): BootDifference[] {
  const facts: [string, (boot: Boot) => string | number | undefined][] = [
    ["release", ({ booted }) => textOf(booted, "release")],
    ["machine boot", ({ booted }) => textOf(booted, "machineBoot")],
    ["log directory", ({ booted }) => textOf(booted, "logDir")],
    ["ready, in ms", readyMs],
  ];
  return facts.flatMap(([fact, of]) => difference(fact, of(one), of(other)));
}

function serviceDifferences(one: BootStory, other: BootStory): BootDifference[] {
  const before = outcomes(one);
  const after = outcomes(other);
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return names.flatMap((service) => {
    const [old, fresh] = [before.get(service), after.get(service)];
    const isSame = isDeepStrictEqual(untimed(old), untimed(fresh)) && isAsFast(old, fresh);
    return isSame ? [] : difference("service", old, fresh).map((found) => ({ ...found, service }));
  });
}

const untimed = (outcome: BootOutcome | undefined): object | undefined =>
  outcome && { ...outcome, upMs: undefined };

const isAsFast = (one: BootOutcome | undefined, other: BootOutcome | undefined): boolean => {
  const [less = 0, more = 0] = [one?.upMs ?? 0, other?.upMs ?? 0].toSorted((a, b) => a - b);
  return more - less < 100 || more < 1.5 * less;
};

const outcomes = ({ services }: BootStory): Map<string, BootOutcome> =>
  new Map(
    services.map(({ name, decision, version, upMs, failed }) => [
      name,
      {
        decision,
        result: upMs !== undefined ? "up" : failed === undefined ? "none" : "failed",
        version,
        ...(upMs !== undefined && { upMs }),
      },
    ]),
  );

const difference = <Value extends string | number | BootOutcome>(
  fact: string,
  before: Value | undefined,
  after: Value | undefined,
): BootDifference[] =>
  isDeepStrictEqual(before, after)
    ? []
    : [
        {
          fact,
          ...(before !== undefined && { before }),
          ...(after !== undefined && { after }),
        },
      ];

/** What `boot diff --json` prints. */
export const bootDiffJson = ({ from, to, differences }: BootDiff): object => ({
  from: { boot: from.number, id: from.id },
  to: { boot: to.number, id: to.id },
  differences: differences.map(({ fact, service, before, after }) => ({
    fact: service === undefined ? fact.replaceAll(/\W+/g, "_") : fact,
    ...(service !== undefined && { service }),
    ...(before !== undefined && { before: valueJson(before) }),
    ...(after !== undefined && { after: valueJson(after) }),
  })),
});

const valueJson = (value: string | number | BootOutcome): unknown => {
  if (typeof value !== "object") return value;
  const { upMs, ...rest } = value;
  return { ...rest, ...(upMs !== undefined && { up_ms: upMs }) };
};
