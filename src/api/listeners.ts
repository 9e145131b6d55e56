import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { addressText, type ListenAddress } from "../config/listen.ts";
import type { Config } from "../config/config.ts";
import { HTTP_OPTIONS, refuseConnection } from "./app.ts";
import {
  cutStalled,
  listenOnTcp,
  TCP_LIMITS,
  type TcpLimits,
  type TcpListener,
} from "./door/tcp.ts";
import type { Sessions, SessionStore } from "./door/sessions.ts";
import { listenOnSocket } from "./socket.ts";

/** Connections at once. Each costs a descriptor; most daemons may have 1024. */
const MAX_CONNECTIONS = 512;
/** A client on this machine that takes nothing for so long is cut, in milliseconds: a pager may stand still for a while. */
const LOCAL_STALL_MS = 900_000;
/** Time that answers under way get when the server closes, in milliseconds. */
const CLOSE_MS = 1_000;

/** The listener for browsers is closed so soon after the last has left, in milliseconds. */
const UNUSED_MS = 30_000;

/** What is kept of browsers over the daemon's end. */
export interface BrowserPlace {
  /** Where they came in last; 0: nowhere. */
  port(): number;
  noteReached(port: number): void;
  sessions: SessionStore;
}

interface ListenerOptions {
  config: Pick<
    Config,
    "socketPath" | "socketMode" | "socketGroup" | "apiListen" | "inspectorListen"
  >;
  browsers: BrowserPlace;
  /** Of connections over TCP; by default `TCP_LIMITS`. */
  limits?: Partial<TcpLimits>;
  version: string;
}

/** The API on its listeners. */
export class Listeners {
  readonly #app: FastifyInstance;
  readonly #options: ListenerOptions;
  readonly #remote = new WeakSet<Socket>();
  readonly #patient: WeakSet<Socket>;
  #removeSocket: (() => void) | undefined;
  #tcp: TcpListener | undefined;
  #browsers: Promise<TcpListener> | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(app: FastifyInstance, options: ListenerOptions, patient: WeakSet<Socket>) {
    this.#app = app;
    this.#patient = patient;
    this.#options = options;
    app.server.maxConnections = MAX_CONNECTIONS;
    cutStalled(app.server, LOCAL_STALL_MS);
  }

  /** Whether a connection came over TCP. */
  readonly isRemote = (socket: Socket): boolean => this.#remote.has(socket);

  async open(): Promise<string | undefined> {
    const { socketPath: path, socketMode: mode, socketGroup: group } = this.#options.config;
    this.#removeSocket = await listenOnSocket({ path, mode, group }, (at) =>
      this.#app.listen({ path: at }),
    );
    const { apiListen: address } = this.#options.config;
    if (!address) return undefined;
    try {
      this.#tcp = await this.#openTcp(address);
    } catch (error) {
      this.refuseMore();
      throw error;
    }
    return addressText(this.#tcp.address);
  }

  /** Opens the listener for browsers of this machine; it closes by itself when none is in any more. */
  async openForBrowsers(sessions: Sessions): Promise<ListenAddress> {
    this.#browsers ??= this.#openWhereTheyWere();
    const opening = this.#browsers;
    try {
      const { address } = await opening;
      this.#looking ??= setInterval(() => {
        if (!sessions.isUsed) void this.#closeForBrowsers();
      }, UNUSED_MS).unref();
      return address;
    } catch (error) {
      this.#browsers = undefined;
      throw error;
    }
  }

  /** Browsers that are still in look for the port that they know. */
  async #openWhereTheyWere(): Promise<TcpListener> {
    const { config, browsers } = this.#options;
    const wanted = config.inspectorListen;
    const known = wanted.port === 0 ? browsers.port() : wanted.port;
    const listener = await this.#openTcp({ ...wanted, port: known }).catch((error: unknown) => {
      if (wanted.port !== 0 || known === 0) throw error;
      return this.#openTcp(wanted);
    });
    browsers.noteReached(listener.address.port);
    return listener;
  }

  async #closeForBrowsers(): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
    const listener = await this.#browsers;
    this.#browsers = undefined;
    listener?.cut();
    await listener?.close();
  }

  /** Nobody finds the socket any more. */
  refuseMore(): void {
    this.#removeSocket?.();
  }

  async close(): Promise<void> {
    const cut = setTimeout(() => {
      this.#app.server.closeAllConnections();
      this.#tcp?.cut();
    }, CLOSE_MS);
    await Promise.all([this.#app.close(), this.#tcp?.close(), this.#closeForBrowsers()]);
    clearTimeout(cut);
  }

  #openTcp(address: NonNullable<Config["apiListen"]>): Promise<TcpListener> {
    return listenOnTcp({
      address,
      http: HTTP_OPTIONS,
      limits: { ...TCP_LIMITS, ...this.#options.limits },
      remember: (socket) => void this.#remote.add(socket),
      onRequest: (request, response) => this.#app.routing(request, response),
      onClientError: refuseConnection(this.#options.version, this.#patient),
    });
  }
}
