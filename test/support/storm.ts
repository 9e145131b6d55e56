import { setTimeout as pause } from "node:timers/promises";
import type { Answer, Question } from "./api.ts";
import { type Belief, Believed, type Change, CHANGES } from "./believed.ts";
import type { Sprite } from "./daemon.ts";
import type { Random } from "./random.ts";

/** Holds clients up while there is no daemon, and tells when all of them wait. */
export class Gate {
  #opening: PromiseWithResolvers<void> | undefined = Promise.withResolvers();
  #waiting = 0;

  get waiting(): number {
    return this.#waiting;
  }

  async pass(): Promise<void> {
    this.#waiting += 1;
    await this.#opening?.promise;
    this.#waiting -= 1;
  }

  open(): void {
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  close(): void {
    this.#opening = Promise.withResolvers();
  }
}

/** A command that was acknowledged, and what must be in the log for it. */
export interface Acknowledged {
  key: string;
  stream: string;
  types: readonly string[];
}

interface Order {
  service: string;
  verb: string;
  question: Question;
  types: readonly string[];
  change: Change;
}

export interface StormOptions {
  sprite: Sprite;
  random: Random;
  /** The definition of a service; the tag is to be among its arguments. */
  define: (service: string, tag: string) => object;
  /** Services that only this client changes. */
  own: readonly string[];
  /** Services that others change, too. */
  shared: readonly string[];
  gate: Gate;
  /** Where what was acknowledged is written down, in order. */
  promised: Acknowledged[];
}

const SIGNALS = ["KILL", "TERM", "HUP", "USR1", "STOP"];
const WISHES: Readonly<Record<string, readonly string[]>> = {
  put: ["service.created", "service.changed"],
  start: ["service.start_requested"],
  stop: ["service.stop_requested"],
  restart: ["service.restart_requested"],
  signal: ["service.signal_requested"],
  delete: ["service.delete_requested"],
};
const VERBS = ["put", "put", "start", "stop", "restart", "signal", "delete"];
/** How often an answer that was lost is asked for again. */
const ASK_AGAIN = 0.7;
/** How often a client leaves as soon as it is told that its order was taken. */
const HASTY = 0.7;

const isStopped = (belief: Belief): boolean => belief !== "absent" && belief.desired === "stopped";

let orders = 0;

/** One client of the storm: gives orders one after the other, and remembers what it was promised. */
export class Client {
  readonly keys = new Set<string>();
  readonly believed: ReadonlyMap<string, Believed>;
  readonly #options: StormOptions;
  #over = false;

  constructor(options: StormOptions) {
    this.#options = options;
    this.believed = new Map(options.own.map((name) => [name, new Believed()]));
  }

  stop(): void {
    this.#over = true;
  }

  /** Gives orders until it is stopped. @throws where an answer contradicts what was promised */
  async run(): Promise<void> {
    for (;;) {
      await this.#options.gate.pass();
      if (this.#over) return;
      const order = this.#next();
      await this.#carryOut(order).catch((error: unknown) => {
        throw new Error(`${order.verb} ${order.service}: ${String(error)}`, { cause: error });
      });
    }
  }

  #next(): Order {
    const { random, own, shared, define } = this.#options;
    const isOwn = random.next() < 0.8;
    const service = random.pick(isOwn ? own : shared);
    const verb = random.pick(VERBS);
    orders += 1;
    const tag = `${orders}`;
    const path = `/v1/services/${service}`;
    const key = verb === "delete" ? {} : { headers: { "Idempotency-Key": `storm-${orders}` } };
    const order = { service, verb, types: WISHES[verb] ?? [] };
    const post = (rest: string): Question => ({ method: "POST", path: `${path}/${rest}`, ...key });
    switch (verb) {
      case "put": {
        const question = { method: "PUT", path: `${path}?duration=0s`, body: define(service, tag) };
        return { ...order, question: { ...question, ...key }, change: CHANGES.put(tag) };
      }
      case "start":
        return { ...order, question: post("start?duration=0s"), change: CHANGES.run };
      case "restart":
        return { ...order, question: post("restart?duration=0s&timeout=1s"), change: CHANGES.run };
      case "stop":
        return { ...order, question: post("stop?timeout=1s"), change: CHANGES.stop };
      case "delete":
        return { ...order, question: { method: "DELETE", path }, change: CHANGES.remove };
      default: {
        const body = { name: service, signal: random.pick(SIGNALS) };
        const question = { method: "POST", path: "/v1/services/signal", body, ...key };
        return { ...order, question, change: CHANGES.nothing };
      }
    }
  }

  async #carryOut(order: Order): Promise<void> {
    const { random, gate } = this.#options;
    const believed = this.believed.get(order.service);
    const key = order.question.headers?.["Idempotency-Key"];
    if (key !== undefined) this.keys.add(key);
    believed?.sent(order.change);
    for (;;) {
      const answer = await this.#ask(order);
      if (answer !== undefined) return this.#answered(order, answer, believed);
      await gate.pass();
      if (this.#over || random.next() > ASK_AGAIN) return believed?.givenUp();
    }
  }

  /** The answer; its head is enough. undefined where there was none, or 503: then there is no daemon, or not for long. */
  async #ask({ question }: Order): Promise<Answer | undefined> {
    const isHasty = this.#options.random.next() < HASTY;
    let head: number | undefined;
    const onHead = (status: number) => {
      head = status;
      return isHasty && status === 200;
    };
    const answer = await this.#options.sprite
      .ask({ ...question, onHead })
      .catch(() => (head === undefined ? undefined : { status: head, headers: {}, text: "" }));
    return answer?.status === 503 ? undefined : answer;
  }

  async #answered(order: Order, { status, text }: Answer, believed?: Believed): Promise<void> {
    const code = text.startsWith("{") ? (JSON.parse(text.split("\n")[0] ?? "") as object) : {};
    const error = "error" in code ? String(code.error) : "";
    if (status === 200 || status === 204) return this.#promised(order, believed);
    if (error === "service_not_found") {
      return believed?.learned("not there", (belief) => belief === "absent");
    }
    if (error === "service_stopped") return believed?.learned("stopped", isStopped);
    if (error === "service_deleting") {
      believed?.seen("being deleted", (belief) => belief === "absent");
      await pause(20);
      return believed?.givenUp();
    }
    if (error === "timed_out") return believed?.givenUp();
    const lacksNeed = text.includes("dependency not found");
    const isExpected = lacksNeed || ["service_not_running", "service_needed"].includes(error);
    if (!isExpected) throw new Error(`${status} ${text}`);
    believed?.refused();
  }

  #promised(order: Order, believed?: Believed): void {
    const key = order.question.headers?.["Idempotency-Key"];
    const stream = `service/${order.service}`;
    if (key !== undefined) this.#options.promised.push({ key, stream, types: order.types });
    believed?.acknowledged();
  }
}
