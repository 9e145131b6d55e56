import { envValues, type EnvValues } from "../../src/commands/env-values.ts";
import { keys } from "../../src/commands/keys.ts";
import type { Caller, ServiceCommands, StreamLine } from "../../src/commands/ports.ts";
import { serviceCommands } from "../../src/commands/services.ts";
import type { LogLine } from "../../src/logs/ports.ts";
import type { ServiceRow } from "../../src/projections/services.ts";
import { World } from "./world.ts";

export const caller: Caller = { actor: "uid:0", full: true };

/** The commands over a simulated world: logs that a test writes into, values sealed by turning them around. */
export class CommandWorld extends World {
  readonly written: LogLine[] = [];
  readonly listeners = new Map<string, Set<(incarnation: string, line: LogLine) => void>>();
  readonly retired: string[] = [];
  /** What the machine was asked about, and what it says to that. */
  readonly asked: object[] = [];
  refusal: Error | undefined;
  commands!: ServiceCommands;
  values!: EnvValues;
  #secrets = 0;

  override async boot(): Promise<void> {
    await super.boot();
    const { clock, log, dispatcher } = this;
    this.values = envValues({
      reader: log.reader,
      sealer: {
        seal: (_, value) => turned(value),
        open: (_, sealed) => turned(Buffer.from(sealed).toString()).toString(),
      },
      ids: { secret: () => `sv_${(this.#secrets += 1)}_${clock.now()}` },
      clock,
    });
    this.commands = serviceCommands({
      dispatcher,
      clock,
      values: this.values,
      keys: keys({
        reader: log.reader,
        journal: log.journal,
        clock,
        lastSeq: () => dispatcher.lastSeq,
      }),
      read: {
        all: () => this.#rows(),
        byName: (name) => this.#rows().find((row) => row.name === name),
      },
      admits: async (asked) => {
        this.asked.push(asked);
        if (this.refusal) throw this.refusal;
      },
      versions: log.reader,
      wall: clock.wall,
      after: (ms, callback) => {
        let live = true;
        this.later(ms, () => live && callback());
        return () => void (live = false);
      },
      logs: {
        follow: (name, listener) => {
          const all = this.listeners.get(name) ?? new Set();
          this.listeners.set(name, all.add(listener));
          return () => void all.delete(listener);
        },
        fileOf: (name) => `/logs/${name}.log`,
      },
      logLines: noLines,
      retire: async (name) => void this.retired.push(name),
    });
  }

  /** A service writes a line. */
  writes(name: string, text: string): void {
    const incarnation = this.dispatcher.view.service(name)?.context.open?.id ?? "";
    const line: LogLine = { stream: "stdout", time: this.clock.wall(), text };
    for (const listener of this.listeners.get(name) ?? []) listener(incarnation, line);
  }

  #rows(): ServiceRow[] {
    const quarantined = this.dispatcher.view.environment()?.context.quarantined ?? {};
    return [...this.dispatcher.view.services()].map(([name, { phase, context }]) => ({
      name,
      phase,
      context,
      seq: 0,
      at: 0,
      quarantined: quarantined[`service/${name}`] ?? null,
    }));
  }
}

async function* noLines(): AsyncGenerator<LogLine> {}

const turned = (text: string): Buffer => Buffer.from(text.split("").toReversed().join(""));

/** All lines of a reply. */
export async function linesOf(reply: AsyncIterable<StreamLine>): Promise<StreamLine[]> {
  const lines: StreamLine[] = [];
  for await (const line of reply) lines.push(line);
  return lines;
}

/** The types of a reply's lines. */
export const typesOf = async (reply: AsyncIterable<StreamLine>): Promise<string[]> =>
  (await linesOf(reply)).map(({ type }) => type);
