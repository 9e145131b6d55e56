import { batch, computed, effect, type Signal, signal } from "@preact/signals";
import { get, Refused } from "./http.ts";
import { listen, onReturn } from "./feed.ts";
import { at } from "./time.ts";
import type { EventWire, PastState, Phase, ServiceWire } from "./wire.ts";

/*
 * What the services are: now, kept up by events, or at the moment that is looked at. Each service has a signal of its
 * own, so that an event repaints one card and not 500.
 */

const live = new Map<string, Signal<ServiceWire>>();
const liveNames = signal<readonly string[]>([]);
/** undefined: not asked yet. */
const past = signal<PastState | undefined>(undefined);

export const problem = signal<string | undefined>(undefined);
export const isLoaded = signal(false);

/** The moment that is shown, where it is in the past and was answered. */
export const shownPast = computed(() => (at.value === undefined ? undefined : past.value));

const pastByName = computed(() => new Map(past.value?.services.map((one) => [one.name, one])));

/** Names of all services at the moment that is shown, sorted. */
export const names = computed<readonly string[]>(() =>
  at.value === undefined ? liveNames.value : [...pastByName.value.keys()].toSorted(),
);

/** A service at the moment that is shown. */
export function serviceNamed(name: string): ServiceWire | undefined {
  if (at.value !== undefined) return pastByName.value.get(name);
  void liveNames.value; // it may be born later
  return live.get(name)?.value;
}

/** What a service needs and how many there are, which is what a drawing depends on; states are not in it. */
export const shape = computed(() =>
  JSON.stringify(names.value.map((name) => [name, peeked(name)?.needs ?? []])),
);

/** Without waking for each change of state; definitions are counted instead. */
const definitions = signal(0);
function peeked(name: string): ServiceWire | undefined {
  if (at.value !== undefined) return pastByName.value.get(name);
  void definitions.value;
  return live.get(name)?.peek();
}

/** Asks for all services. Called at the beginning, and whenever the daemon answers again. */
export async function loadServices(): Promise<void> {
  try {
    const all = await get<ServiceWire[]>("/v1/services");
    batch(() => {
      const found = new Set(all.map(({ name }) => name));
      for (const name of live.keys()) if (!found.has(name)) live.delete(name);
      for (const one of all) put(one);
      liveNames.value = [...found].toSorted();
      definitions.value += 1;
      isLoaded.value = true;
      problem.value = undefined;
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    problem.value = error.message;
  }
}

function put(view: ServiceWire): void {
  const known = live.get(view.name);
  if (known) known.value = view;
  else live.set(view.name, signal(view));
}

const changed = new Set<string>();
let isAsking = false;
/** Details of what changed are asked for so often at most; the state itself comes with its event. */
const DETAILS_MS = 500;
/** Names in one question. */
const TOGETHER = 100;

listen((events) => {
  batch(() => {
    for (const event of events) take(event);
  });
  if (changed.size > 0 && !isAsking) void details();
});
onReturn(() => void loadServices());

function take({ stream, type, to_state: to }: EventWire): void {
  if (!stream.startsWith("service/")) return;
  const name = stream.slice("service/".length);
  changed.add(name);
  const known = live.get(name);
  if (to === "deleted") {
    live.delete(name);
    liveNames.value = liveNames.value.filter((one) => one !== name);
    return;
  }
  if (known) {
    const { value } = known;
    known.value = { ...value, state: { ...value.state, phase: to as Phase } };
  }
  if (type === "service.created" || type === "service.changed") definitions.value += 1;
}

async function details(): Promise<void> {
  isAsking = true;
  try {
    while (changed.size > 0) {
      const some = [...changed].slice(0, TOGETHER);
      for (const name of some) changed.delete(name);
      const views = await get<ServiceWire[]>("/v1/services", { names: some.join(",") });
      batch(() => {
        for (const view of views) put(view);
        const all = [...live.keys()];
        if (all.length !== liveNames.value.length) liveNames.value = all.toSorted();
        definitions.value += 1;
      });
      await new Promise((resolve) => setTimeout(resolve, DETAILS_MS));
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // a lost daemon: all are asked for when it is back
  } finally {
    isAsking = false;
  }
}

let asked: AbortController | undefined;

/** Follows the moment that is looked at: the last one wins, whatever comes back first. */
export function followMoment(): void {
  effect(() => {
    const seq = at.value;
    asked?.abort();
    if (seq === undefined) {
      past.value = undefined;
      problem.value = undefined;
      return;
    }
    const mine = new AbortController();
    asked = mine;
    get<PastState>("/v1/past/state", { at: seq }, mine.signal).then(
      (answer) => {
        if (mine.signal.aborted) return;
        batch(() => {
          past.value = answer;
          problem.value = undefined;
        });
      },
      (error: unknown) => {
        if (!mine.signal.aborted && error instanceof Refused) problem.value = error.message;
      },
    );
  });
}
