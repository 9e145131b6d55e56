import type { ErrorCode } from "../base/errors.ts";

/** What a program that calls us can tell apart: `docs/cli.md` lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  timedOut: 5,
  unauthorized: 6,
  unreachable: 7,
  daemonRuns: 8,
} as const;

/** What each exit code means, for docs/cli.md. */
export const EXIT_MEANINGS = {
  ok: "it is done",
  failed: "it failed, or the service did while it was watched",
  usage: "a flag, word or field is wrong: nothing was done",
  notFound: "there is no such service, or it is not running",
  conflict: "something else is in the way: another service, or a change made meanwhile",
  timedOut: "the time given ran out",
  unauthorized: "no right to use the socket, or to do this",
  unreachable: "no daemon answers, or it went away in the middle",
  daemonRuns: "another daemon has this state directory",
} as const satisfies Record<keyof typeof EXIT, string>;

/** The exit code of every error. */
const EXIT_CODES = {
  invalid_request: EXIT.usage,
  not_built_yet: EXIT.usage,
  body_too_large: EXIT.usage,
  method_not_allowed: EXIT.usage,
  config_invalid: EXIT.usage,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  user_not_allowed: EXIT.unauthorized,
  rate_limited: EXIT.unauthorized,
  not_found: EXIT.notFound,
  service_not_found: EXIT.notFound,
  version_not_found: EXIT.notFound,
  events_gone: EXIT.notFound,
  service_not_running: EXIT.notFound,
  process_gone: EXIT.notFound,
  service_variable_missing: EXIT.conflict,
  service_stopped: EXIT.conflict,
  service_needed: EXIT.conflict,
  service_deleting: EXIT.conflict,
  service_quarantined: EXIT.conflict,
  http_port_taken: EXIT.conflict,
  version_conflict: EXIT.conflict,
  idempotency_conflict: EXIT.conflict,
  event_refused: EXIT.conflict,
  environment_not_ready: EXIT.timedOut,
  timed_out: EXIT.timedOut,
  daemon_unreachable: EXIT.unreachable,
  socket_unusable: EXIT.unreachable,
  daemon_running: EXIT.daemonRuns,
  shutting_down: EXIT.failed,
  busy: EXIT.failed,
  storage_full: EXIT.failed,
  storage_failed: EXIT.failed,
  storage_read_only: EXIT.failed,
  storage_newer: EXIT.failed,
  storage_foreign: EXIT.failed,
  migration_edited: EXIT.failed,
  log_corrupt: EXIT.failed,
  replay_mismatch: EXIT.failed,
  log_directory_unusable: EXIT.failed,
  internal: EXIT.failed,
} as const satisfies Record<ErrorCode, number>;

/**
 * The code of an error of ours, or undefined. Not by its class: what the bundle imports lazily, the daemon and the
 * questions about the past, was compiled apart from it and has a class of its own.
 */
export function codeOf(error: unknown): ErrorCode | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && Object.hasOwn(EXIT_CODES, code)
    ? (code as ErrorCode)
    : undefined; // the table has them all
}

/** The exit code for whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  const code = codeOf(error);
  return code === undefined ? EXIT.failed : EXIT_CODES[code];
}
