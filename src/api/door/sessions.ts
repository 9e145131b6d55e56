import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import { AppError } from "../../base/errors.ts";
import type { Bearer } from "./tokens.ts";

/** A ticket is good for so long, and once; a session for so long, in milliseconds. */
export const TICKET_MS = 60_000;
const SESSION_MS = 12 * 3_600_000;
/** Sessions at once: one more ends the oldest. */
const MAX_SESSIONS = 64;

/** What a ticket says, signed with a key that only this process has. */
interface Ticket {
  id: string;
  until: number;
  actor: string;
  readOnly: boolean;
}

/** A session as it is kept: `digest` is of its cookie, which is nowhere but in the browser. */
export interface KeptSession {
  digest: string;
  bearer: Bearer;
  /** Milliseconds since the epoch. */
  until: number;
}

/** Sessions outlive a daemon: who looks at the page while it is started anew goes on looking. */
export interface SessionStore {
  read(): readonly KeptSession[];
  write(sessions: readonly KeptSession[]): void;
}

const FORGETFUL: SessionStore = { read: () => [], write: () => {} };

const random = (): string => randomBytes(32).toString("base64url");
const digest = (text: string): string => hash("sha256", text, "hex");

/** Browsers give cookies to every port of a host, so the port is in the name: two daemons must not end each other's sessions. */
const cookieName = (port: number): string => `sprite_env_${port}`;

function valueIn(cookies: string, name: string): string | undefined {
  const pair = cookies.split(";").find((one) => one.trim().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1);
}

const refused = (what: string): AppError =>
  new AppError("forbidden", `this address ${what}: run "sprite-env inspect" again for a new one`);

/**
 * Lets browsers in. Somebody who may use the daemon asks for a ticket; whoever brings it within a minute, once, gets a session, known by a cookie
 * that no script can read. Cookies are kept as digests, tickets not at all: their signature is enough, and the used ones are remembered.
 *
 * @param now milliseconds since the epoch
 */
export class Sessions {
  readonly #key = randomBytes(32);
  readonly #used = new Map<string, number>();
  readonly #sessions: Map<string, KeptSession>;
  readonly #store: SessionStore;
  readonly #now: () => number;
  #newestTicket = -Infinity;

  constructor(store: SessionStore = FORGETFUL, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
    this.#sessions = new Map(store.read().map((one) => [one.digest, one]));
    this.#forget();
  }

  /** @param actor who is written down for what is done in the session */
  ticket(actor: string, readOnly: boolean): string {
    const until = this.#now() + TICKET_MS;
    this.#newestTicket = until;
    const ticket: Ticket = { id: random(), until, actor, readOnly };
    const text = Buffer.from(JSON.stringify(ticket)).toString("base64url");
    return `${text}.${this.#signed(text)}`;
  }

  /**
   * Takes a ticket, and opens a session for it.
   *
   * @returns the cookie, as a Set-Cookie header has it
   * @throws AppError `forbidden` where it is none of ours, too late, or was used
   */
  enter(ticket: string, port: number): string {
    const { id, until, actor, readOnly } = this.#read(ticket);
    if (until < this.#now()) throw refused("is no longer good: it is for one minute");
    if (this.#used.has(id)) throw refused("was used before: it is good once");
    this.#used.set(id, until);
    for (const [old, ended] of this.#used) if (ended < this.#now()) this.#used.delete(old);
    return this.open({ name: actor, readOnly, actor }, port);
  }

  /** Opens a session for somebody who is known. @returns the cookie */
  open(bearer: Bearer, port: number): string {
    const value = random();
    this.#forget();
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    const name = digest(value);
    this.#sessions.set(name, { digest: name, bearer, until: this.#now() + SESSION_MS });
    this.#keep();
    const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1_000}`;
    return `${cookieName(port)}=${value}; ${attributes}`;
  }

  /** Whose session it is, by the cookies that came with a request. */
  find(cookies: string | undefined, port: number): Bearer | undefined {
    const session = this.#sessions.get(this.#nameOf(cookies, port));
    return session && session.until >= this.#now() ? session.bearer : undefined;
  }

  /** Ends a session. @returns the cookie that takes the other's place */
  end(cookies: string | undefined, port: number): string {
    this.#sessions.delete(this.#nameOf(cookies, port));
    this.#keep();
    return `${cookieName(port)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
  }

  /** Whether anybody is in, or may still come in with a ticket. */
  get isUsed(): boolean {
    this.#forget();
    return this.#sessions.size > 0 || this.#newestTicket >= this.#now();
  }

  #keep(): void {
    this.#store.write([...this.#sessions.values()]);
  }

  #forget(): void {
    for (const [name, { until }] of this.#sessions)
      if (until < this.#now()) this.#sessions.delete(name);
  }

  /** The digest under which a session is kept; looking that up takes as long for every wrong cookie. */
  #nameOf(cookies: string | undefined, port: number): string {
    return digest(valueIn(cookies ?? "", cookieName(port)) ?? "");
  }

  #signed(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }

  #read(ticket: string): Ticket {
    const [text = "", signature = ""] = ticket.split(".");
    const [given, right] = [Buffer.from(signature), Buffer.from(this.#signed(text))];
    if (given.length !== right.length || !timingSafeEqual(given, right))
      throw refused("was not made by this daemon");
    return JSON.parse(Buffer.from(text, "base64url").toString()) as Ticket; // we signed it
  }
}
