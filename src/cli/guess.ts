import { nearest } from "../base/nearest.ts";
import { AppError } from "../base/errors.ts";
import type { Client } from "../client/client.ts";

/** How long a daemon may take to tell its services' names, in milliseconds: it is only for a hint. */
const PATIENCE_MS = 1_000;

/** The error with the service that was probably meant, where one of a similar name is there. */
export async function withGuess(error: AppError, client: Client): Promise<AppError> {
  if (error.code !== "service_not_found") return error;
  const [, wanted] = /no service named "([^"]+)"/.exec(error.message) ?? [];
  const guess = wanted === undefined ? undefined : nearest(wanted, await namesOf(client));
  if (wanted === undefined || guess === undefined) return error;
  return new AppError("service_not_found", `no service named "${wanted}": did you mean ${guess}?`, {
    cause: error,
  });
}

/** Names of services; none where nobody tells them in time. */
export async function namesOf(client: Client, patienceMs = PATIENCE_MS): Promise<string[]> {
  try {
    const services = await client.list({ signal: AbortSignal.timeout(patienceMs) });
    return services.map(({ name }) => name);
  } catch {
    return []; // a hint is not worth a failure
  }
}
