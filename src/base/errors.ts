/**
 * Every failure a person or program can be told about, and what it means.
 * `docs/errors.md` lists the same codes; HTTP statuses and exit codes are exhaustive tables over them.
 */
export const ERRORS = {
  invalid_request: "the request has a field, flag or value that is not allowed",
  not_built_yet: "the field is known but this release does not act on it",
  unauthorized: "no right to do this",
  forbidden: "whoever asks is known and may not do this, or comes from elsewhere",
  user_not_allowed: "only a daemon that runs as root can run a service as another user",
  rate_limited: "too many tokens were wrong: none is looked at for a while",
  not_found: "there is no such path",
  method_not_allowed: "the path is there, but not for this method",
  service_not_found: "no service has that name",
  version_not_found: "the service had no definition of that version, or it is not kept any more",
  events_gone: "retention has removed the events that were asked for",
  service_variable_missing: "the daemon has no variable that the service is to get from it",
  service_not_running: "the service has no running process",
  service_stopped: "the service is stopped already",
  service_needed: "another service needs this one",
  service_deleting: "the service is being deleted",
  service_quarantined: "the service's log and its machine disagree",
  http_port_taken: "another service has the HTTP port",
  version_conflict: "the definition was changed by somebody else meanwhile",
  idempotency_conflict: "the idempotency key was used for another request",
  event_refused: "the service cannot take this in its present state",
  body_too_large: "the request body is over the limit",
  environment_not_ready: "the main process or a component is not up in time",
  timed_out: "the time given ran out",
  shutting_down: "the daemon is ending and takes no new work",
  busy: "the queue of commands is full",
  storage_full: "the store's disk is full",
  storage_failed: "the store could not be written or read",
  storage_read_only: "the store was opened for reading only",
  storage_newer: "the store was written by a newer release",
  storage_foreign: "the state directory belongs to another user or is open to others",
  migration_edited: "a migration that was applied differs from the one shipped",
  log_corrupt: "the event log fails its own checks",
  replay_mismatch: "the log and the machines disagree",
  log_directory_unusable: "service logs cannot be written where configured",
  socket_unusable: "the API socket cannot be made or reached where configured",
  daemon_unreachable: "no daemon answers on the socket",
  daemon_running: "another daemon has this state directory",
  config_invalid: "the configuration file or a daemon flag is wrong",
  process_gone: "the process does not exist any more",
  internal: "a bug in sprite-env",
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** Facts beside the message that a program may want: the field at fault, what is allowed, a cycle's path. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A failure with a code from the closed list and a sentence that names the thing and what to do next. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.details = options.details;
  }
}

/**
 * An error with the place in front that it is about, such as `services.web`; anything but an AppError as it is.
 *
 * @param code in the place of its own
 */
export const errorAt = (place: string, error: unknown, code?: ErrorCode): unknown =>
  error instanceof AppError
    ? new AppError(code ?? error.code, `${place}: ${error.message}`, {
        ...(error.details && { details: error.details }),
        cause: error,
      })
    : error;

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
