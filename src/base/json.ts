import { messageOf } from "./errors.ts";

/**
 * What is wrong with a text that is no JSON. V8 quotes the text around the fault, which may hold a secret: only what it says before and
 * after the quote is repeated.
 *
 * @param error what `JSON.parse` threw
 */
export const jsonProblem = (error: unknown): string =>
  messageOf(error).replace(/, (?:\.\.\.)?"[\s\S]*"(?:\.\.\.)? is not/, ", which is not");
