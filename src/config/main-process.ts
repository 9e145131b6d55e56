import { resolve } from "node:path";
import { AppError } from "../base/errors.ts";
import { durationMs } from "../base/duration.ts";
import type { ExecPlace, MainProcess } from "./config.ts";
import { configSchema, type ConfigFile } from "./schema.ts";

/** Longer than the main process may take, the services and components may take, in milliseconds. */
const AFTER_MAIN_MS = 10_000;
const { properties } = configSchema;

const given = (words: readonly string[] | undefined): readonly string[] | undefined =>
  words && words.length > 0 ? words : undefined;

/**
 * The main process; what stands after -- is its command, too.
 *
 * @returns undefined where there is none
 */
export function mainProcess(merged: ConfigFile): MainProcess | undefined {
  const command = given(merged.process_command);
  if (!command) return undefined;
  return Object.freeze({
    command,
    maxRetries:
      merged.process_restart_max_retries ?? properties.process_restart_max_retries.default,
    gracefulTimeoutMs: milliseconds(
      merged.process_graceful_shutdown_timeout ??
        properties.process_graceful_shutdown_timeout.default,
    ),
  });
}

/** A duration that the check or a default proves. */
export const milliseconds = (text: string): number => durationMs(text) as number;

/** Time for everything to end. */
export const shutdownMs = (merged: ConfigFile, main: MainProcess | undefined): number =>
  merged.shutdown_timeout
    ? milliseconds(merged.shutdown_timeout)
    : Math.max(30_000, (main?.gracefulTimeoutMs ?? 0) + (main ? AFTER_MAIN_MS : 0));

/**
 * Where and with what the main process and commands of POST /exec run.
 *
 * @throws AppError `config_invalid` where the two spellings of a wrapper differ
 */
export function execPlace(merged: ConfigFile, cwd: string): ExecPlace {
  return Object.freeze({
    dir: resolve(cwd, merged.process_working_dir ?? "."),
    isDirChosen: Boolean(merged.process_working_dir),
    env: Object.freeze(Object.fromEntries((merged.process_environment ?? []).map(pair))),
    wrapper: wrapper(merged, "wrapper_command"),
    ttyWrapper: wrapper(merged, "tty_wrapper_command"),
  });
}

const pair = (text: string): [string, string] => {
  const at = text.indexOf("="); // the schema wants one
  return [text.slice(0, at), text.slice(at + 1)];
};

function wrapper(
  { exec, ...flat }: ConfigFile,
  key: "wrapper_command" | "tty_wrapper_command",
): readonly string[] {
  const nested = given(exec?.[key]);
  const other = given(flat[`exec_${key}`]);
  if (nested && other && JSON.stringify(nested) !== JSON.stringify(other)) {
    throw new AppError(
      "config_invalid",
      `exec.${key} and exec_${key} are the same key in two spellings, and they differ: leave one of them out`,
      { details: { field: `exec.${key}` } },
    );
  }
  return Object.freeze([...(nested ?? other ?? [])]);
}
