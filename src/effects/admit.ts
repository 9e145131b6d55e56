import type { EnvValue } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import { mustBeGiven } from "./environment.ts";
import { type Ids, personOf, UserProblem, type Wanted } from "./user.ts";

/** What a definition, or a change of one, asks of the machine and the daemon. */
export interface Asked extends Wanted {
  env?: { readonly [name: string]: EnvValue } | undefined;
}

/**
 * Refuses what could not be started as it stands: a user or group that this machine does not have or that the daemon may not become, and variables that it
 * does not have or keeps to itself. What is right now may be wrong at a start; then that fails, and says the same.
 *
 * @param own what the daemon runs with
 * @param daemon its environment
 * @throws AppError `invalid_request`, `user_not_allowed`, `service_variable_missing`
 */
export async function admit(
  asked: Asked,
  own: Ids,
  daemon: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  mustBeGiven(asked.env ?? {}, daemon);
  await personOf(asked, own).catch(notAdmitted);
}

function notAdmitted(error: unknown): never {
  if (!(error instanceof UserProblem)) throw error;
  const { kind, field, value, message } = error;
  if (kind === "unreadable") throw new AppError("internal", message, { cause: error.cause });
  const allowed = kind === "unknown" ? `a ${field} of this machine, or a number` : "the daemon's";
  throw new AppError(kind === "unknown" ? "invalid_request" : "user_not_allowed", message, {
    details: { field, value, allowed },
  });
}

/**
 * Refuses a configuration whose services could not run as whom it says.
 *
 * @throws AppError `config_invalid`
 */
export async function checkDefaultUser(user: string | undefined, own: Ids): Promise<void> {
  await personOf({ user }, own).catch((error: unknown) => {
    if (!(error instanceof UserProblem)) throw error;
    throw new AppError("config_invalid", `default_user: ${error.message}`, {
      cause: error.cause,
      details: { field: "default_user", value: error.value },
    });
  });
}
