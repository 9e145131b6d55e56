import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { ApiToken } from "../../config/tokens.ts";
import { presentedToken } from "./credentials.ts";
import { createGuesses } from "./guesses.ts";
import { refuseForeign, type OwnNames } from "./origin.ts";
import type { Sessions } from "./sessions.ts";
import { tokenBook, type Bearer } from "./tokens.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose token came with it; undefined over the Unix socket, and on paths that are open to all. */
    bearer: Bearer | undefined;
  }
  interface FastifyContextConfig {
    /** Anybody may read it, without a token. */
    open?: boolean;
  }
}

interface DoorOptions {
  tokens: readonly ApiToken[];
  ownNames: OwnNames;
  /** Whether a connection came over TCP: the others opened our socket, which is the right to everything. */
  isRemote: (socket: Socket) => boolean;
  logger: Logger;
  /** Browsers that were let in. */
  sessions: Sessions;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

/** Whose token it is. @throws AppError `unauthorized`, `rate_limited` */
export type Admit = (token: string, request: FastifyRequest, reply: FastifyReply) => Bearer;

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Wrong tokens are told to the log so often at most, in milliseconds: whoever guesses must not fill a disk. */
const TOLD_EVERY_MS = 10_000;

const CHALLENGE = 'Bearer realm="sprite-env"';

function unauthorized(reply: FastifyReply, message: string): AppError {
  void reply.header("www-authenticate", CHALLENGE);
  return new AppError("unauthorized", `${message}: send "Authorization: Bearer TOKEN"`);
}

function tooMany(reply: FastifyReply, waitMs: number): AppError {
  const seconds = Math.ceil(waitMs / 1_000);
  void reply.header("retry-after", String(seconds));
  return new AppError(
    "rate_limited",
    `too many wrong tokens came from your address: none is looked at for ${seconds} s`,
    { details: { retry_after_seconds: seconds } },
  );
}

/**
 * Looks at every request before anything else does: does it come from a page of another site, and over TCP, whose token
 * does it bring?
 *
 * @returns whose token it is, for what takes one in another way than a header
 * @throws AppError from the hook: `forbidden`, `unauthorized`, `rate_limited`
 */
export function guardDoor(app: FastifyInstance, options: DoorOptions): Admit {
  const { logger, ownNames, isRemote } = options;
  const bearerOf = tokenBook(options.tokens);
  const now = options.now ?? (() => performance.now());
  const guesses = createGuesses(now);
  let quietUntil = -Infinity;

  const tell = (address: string): void => {
    if (now() < quietUntil) return;
    quietUntil = now() + TOLD_EVERY_MS;
    logger.warn({ address }, "too many wrong tokens: none from there is looked at for a while");
  };
  const admit: Admit = (token, request, reply) => {
    const address = request.raw.socket.remoteAddress ?? "";
    const waitMs = guesses.waitMs(address);
    if (waitMs > 0) throw tooMany(reply, waitMs);
    const bearer = bearerOf(token);
    if (bearer) return bearer;
    if (guesses.failed(address)) tell(address);
    throw unauthorized(reply, "the token is wrong");
  };
  const identify = (request: FastifyRequest, reply: FastifyReply): Bearer => {
    const token = presentedToken(request.headers);
    if (token !== undefined) return admit(token, request, reply);
    const bearer = options.sessions.find(request.headers.cookie, portOf(request));
    if (bearer) return bearer;
    throw unauthorized(reply, "there is no token, and no session of a browser");
  };

  app.decorateRequest("bearer", undefined);
  app.addHook("onRequest", async (request, reply) => {
    const open = request.routeOptions.config?.open === true; // a path that nobody has, has no config
    refuseForeign(request.headers, ownNames, open);
    if (open || !isRemote(request.raw.socket)) return;
    request.bearer = identify(request, reply);
    if (!request.bearer.readOnly || SAFE_METHODS.has(request.method)) return;
    throw new AppError(
      "forbidden",
      `the ${request.bearer.actor === undefined ? "token" : "session of"} "${request.bearer.name}" may only read: ${request.method} needs one that may change things`,
    );
  });
  return admit;
}

/** The port that a request came in by: what names the cookie. */
export const portOf = ({ raw }: FastifyRequest): number => raw.socket.localPort ?? 0;
