import type { Ids } from "../../src/base/ids.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { Broken, keeps } from "./broken.ts";
import { type Chance, chanceOf } from "./chance.ts";
import {
  actorMustBeFold,
  answerMustBeFold,
  processesMustBeAllowed,
  readModelMustBeFold,
} from "./checks.ts";
import { Daemon, isDisk } from "./daemon.ts";
import { Disk, type Fate } from "./disk.ts";
import { Kernel } from "./kernel.ts";
import { Ledger } from "./ledger.ts";
import { People } from "./people.ts";
import { Programs } from "./programs.ts";
import { Scheduler } from "./scheduler.ts";

const WALL = Date.UTC(2026, 10, 1);
/** How soon a daemon that could not begin is started again, in milliseconds. */
const AGAIN_MS = 1_000;
/** How long it takes a person to read that the daemon is to be started again, in milliseconds. */
const READS_MS = 5_000;

/** A machine with its disk, its clock, its processes, its people, and one daemon after the other. */
export class World {
  readonly scheduler = new Scheduler();
  readonly programs = new Programs();
  readonly ledger = new Ledger();
  readonly people: People;
  readonly chance: Chance;
  readonly kernel: Kernel;
  readonly disk: Disk;
  daemon: Daemon | undefined;
  /** How often a daemon began. */
  boots = 0;
  /** How often what happened. */
  readonly counts = new Map<string, number>();
  #skew = 0;
  #machineSince = 0;
  #draws = 0;
  #ids = 0;
  #broken: Broken | undefined;

  constructor(seed: number, directory: string) {
    this.chance = chanceOf(seed);
    this.kernel = new Kernel(this.scheduler, this.chance);
    this.disk = new Disk(directory, this.chance, this.scheduler);
    this.people = new People(this);
    this.begin();
  }

  get wall(): number {
    return WALL + this.scheduler.now + this.#skew;
  }

  /** Time since the machine began, asleep or not. */
  get uptime(): number {
    return this.scheduler.now - this.#machineSince;
  }

  readonly ids: Ids = {
    event: () => this.#id("ev"),
    incarnation: () => this.#id("in"),
    boot: () => this.#id("bt"),
    secret: () => this.#id("sv"),
  };

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  }

  jitter(): number {
    this.#draws += 1;
    return this.chance.draw(`jitter ${this.#draws}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  broke(broken: Broken): void {
    this.#broken ??= broken;
  }

  /** I2: what is done must have been recorded, and the actor that asks for it must not be ahead of the log. */
  mustBeRecorded(effect: string, stream: string, incarnation: string): void {
    const { ledger, daemon } = this;
    const say = (why: string) => () => `${effect} of ${stream} for ${incarnation} ${why}`;
    if (effect === "spawnProcess")
      keeps(ledger.asksFor(incarnation), "I2", say("comes before its row"));
    const ahead = daemon?.registry.versionOf(stream) ?? 0;
    const recorded = ledger.lastOf(stream)?.version ?? 0;
    keeps(ahead <= recorded, "I2", say(`comes at version ${ahead}, and ${recorded} is recorded`));
  }

  /** Reads what is new in the log. */
  noteRows(): void {
    if (!this.daemon) return;
    try {
      for (const row of this.daemon.reader.all(this.ledger.end.seq + 1)) {
        this.ledger.add(row);
        if (row.type === "incarnation.emptied") this.#mustBeEmpty(row);
      }
    } catch (error) {
      this.broke(asBroken(error));
    }
  }

  /** I4: where the log says that nothing is left, nothing is. */
  #mustBeEmpty({ seq, incarnation }: EventRow): void {
    const left = this.kernel.of(incarnation ?? "").map(({ role, pid }) => `${role} ${pid}`);
    keeps(
      left.length === 0,
      "I4",
      () => `row ${seq} says that nothing is left, and ${left.join(", ")} lives`,
    );
  }

  /** A daemon begins. */
  begin(): void {
    if (this.daemon) return;
    this.boots += 1;
    try {
      this.daemon = new Daemon(this);
    } catch (error) {
      return this.#couldNotBegin(error);
    }
    const { daemon } = this;
    daemon.booted.catch((error: unknown) => this.daemon === daemon && this.#couldNotBegin(error));
  }

  #couldNotBegin(error: unknown): void {
    if (!isDisk(error)) return this.broke(asBroken(error));
    this.end({ isPowerCut: false, fate: "none", afterMs: AGAIN_MS });
  }

  /** The daemon ends, by force or because it is done; another one begins later. */
  end({ isPowerCut, fate, afterMs }: { isPowerCut: boolean; fate: Fate; afterMs: number }): void {
    const { daemon } = this;
    const before = daemon?.die(fate);
    this.daemon = undefined;
    this.people.loseAnswers();
    if (isPowerCut) this.#losesPower();
    if (daemon || isPowerCut)
      this.disk.leave({
        isPowerCut,
        ...(before !== undefined && { before }),
        close: () => daemon?.close(),
      });
    this.scheduler.after(afterMs, () => this.begin());
  }

  #losesPower(): void {
    this.kernel.reboot();
    this.#machineSince = this.scheduler.now;
  }

  shutDown({
    deadlineMs,
    hurryMs,
    afterMs,
  }: {
    deadlineMs: number;
    hurryMs?: number;
    afterMs: number;
  }): void {
    const { daemon } = this;
    if (!daemon?.hasBooted || daemon.ending) return;
    daemon.shutDown(deadlineMs, () => {
      if (this.daemon === daemon) this.end({ isPowerCut: false, fate: "none", afterMs });
    });
    if (hurryMs !== undefined) daemon.plans.after(hurryMs, () => daemon.ending?.hurry());
  }

  /** What the daemon writes into its own log: a commit may fail, nothing else; and where it says that it must be started again, somebody does. */
  daemonSays(text: string): void {
    if (!text.startsWith("a commit failed")) this.broke(new Broken("daemon", text));
    if (!text.includes("start the daemon again")) return;
    const { daemon } = this;
    this.scheduler.after(READS_MS, () => {
      if (daemon && this.daemon === daemon)
        this.end({ isPowerCut: false, fate: "none", afterMs: 0 });
    });
  }

  stepWall(byMs: number): void {
    this.#skew += byMs;
    const { daemon } = this;
    if (Math.abs(byMs) > 1_000)
      daemon?.plans.after(500, () => daemon.hasBooted && daemon.noticesStep(byMs));
  }

  /** Everything that must hold at any moment. @throws Broken what does not */
  check(): void {
    if (this.#broken) throw this.#broken;
    processesMustBeAllowed(this.kernel, this.ledger);
    const { daemon, ledger } = this;
    if (!daemon?.isAtRest) return;
    if (daemon.store.isInDoubt)
      for (const name of ledger.services.keys())
        answerMustBeFold(daemon.read, ledger, `service/${name}`);
    for (const stream of ledger.touched) {
      actorMustBeFold(daemon.registry, ledger, stream);
      answerMustBeFold(daemon.read, ledger, stream);
      if (!daemon.store.isInDoubt) readModelMustBeFold(daemon.db, ledger, stream);
    }
    ledger.touched.clear();
  }
}

const asBroken = (error: unknown): Broken =>
  error instanceof Broken
    ? error
    : new Broken("daemon", error instanceof Error ? (error.stack ?? error.message) : String(error));
