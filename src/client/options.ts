import type { AppError } from "../base/errors.ts";

/** Where the daemon is, and how patient to be with it. */
export interface ClientOptions {
  /**
   * Its Unix socket, or several to try in order. Default: `SPRITE_ENV_SOCKET`, else where a daemon listens by default.
   */
  socket?: string | readonly string[] | undefined;
  /** Base URL of its TCP listener: `http://host:port`. Default: `SPRITE_ENV_URL` where no socket is given. */
  url?: string | undefined;
  /** Bearer token, for a URL. Default: `SPRITE_HTTP_API_TOKEN`. */
  token?: string | undefined;
  /** Name of the sprite to ask for: requests go to `/v1/sprites/NAME/…`, and a daemon of another name refuses them. */
  sprite?: string | undefined;
  /** How long the head of an answer that needs no work may take, in milliseconds. Default: 30,000. */
  timeoutMs?: number | undefined;
  /** How long a command whose reply was lost is sent again, in milliseconds; 0: never. Default: 10,000. */
  retryMs?: number | undefined;
  /** Told of each reply that was lost, before the command is sent again. */
  onRetry?: ((error: AppError) => void) | undefined;
}

/** What any call takes. */
export interface CallOptions {
  /** Gives up: the connection is closed and the signal's reason thrown. A command that was taken stands. */
  signal?: AbortSignal | undefined;
}

/** What a command takes. Absent ones are left to the daemon. */
export interface Options extends CallOptions {
  /** A Go duration: how long to stream. */
  duration?: string | undefined;
  /** A Go duration: how long to wait for a gentle end. */
  timeout?: string | undefined;
  withDependents?: boolean | undefined;
  /** Version of the definition that the change is meant for. */
  ifMatch?: number | undefined;
  /** Sent as `Idempotency-Key`: of two requests with one key the second only answers. Default: a random one for each call. */
  idempotencyKey?: string | undefined;
}

/** How a command is run beside the main process. */
export interface ExecOptions extends CallOptions {
  /** Over what the main process has. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Default: the directory of the main process. */
  dir?: string | undefined;
  /** What is executed in the place of the first word. */
  path?: string | undefined;
  /** Its input. Default: none. */
  stdin?: string | Buffer | undefined;
}

export interface ListOptions extends CallOptions {
  /** Only services that have all of these labels. */
  labels?: Readonly<Record<string, string>> | undefined;
}

export interface LogsOptions extends CallOptions {
  /** The last so many lines. Default: all that is kept. */
  lines?: number | undefined;
  /** A Go duration: go on with what comes for so long. */
  duration?: string | undefined;
  /** Go on with what comes until the caller leaves. */
  follow?: boolean | undefined;
}
