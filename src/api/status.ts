import type { ErrorCode } from "../base/errors.ts";

/**
 * The HTTP status of every error. Some arise only outside requests; their status is what a request would get that runs into one.
 * Source of 412: RFC 9110, section 13.1.1; of 507: RFC 4918, section 11.5.
 */
export const STATUS = {
  invalid_request: 400,
  not_built_yet: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  service_not_found: 404,
  service_not_running: 409,
  service_stopped: 409,
  service_needed: 409,
  service_deleting: 409,
  service_quarantined: 409,
  http_port_taken: 409,
  version_conflict: 412,
  idempotency_conflict: 409,
  event_refused: 409,
  body_too_large: 413,
  timed_out: 504,
  shutting_down: 503,
  busy: 503,
  storage_full: 507,
  storage_failed: 503,
  storage_read_only: 503,
  storage_newer: 503,
  storage_foreign: 503,
  migration_edited: 503,
  log_corrupt: 500,
  replay_mismatch: 500,
  log_directory_unusable: 500,
  socket_unusable: 500,
  daemon_unreachable: 502,
  daemon_running: 409,
  config_invalid: 500,
  process_gone: 409,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;
