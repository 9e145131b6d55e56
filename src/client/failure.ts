import { AppError, ERRORS, type ErrorCode, type ErrorDetails } from "../base/errors.ts";

const isCode = (word: unknown): word is ErrorCode =>
  typeof word === "string" && Object.hasOwn(ERRORS, word);

/** The failure that a reply with a status of 400 or more tells: the daemon's own code and sentence. */
export function failureOf(status: number, body: string): AppError {
  const { error, message, ...details } = objectOf(body);
  if (isCode(error) && typeof message === "string") {
    return new AppError(error, message, { details: details as ErrorDetails }); // the daemon's own, which are flat
  }
  const text = body.trim().slice(0, 200) || "no reason given";
  return new AppError("internal", `the daemon answered ${status}: ${text}`);
}

function objectOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {}; // plain text is a reply, too
  }
}
