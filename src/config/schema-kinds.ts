import { DURATION_ALLOWED } from "../base/duration.ts";

/* Kinds of values that several keys of the configuration have. */

export const path = (description: string) =>
  ({
    type: ["string", "null"],
    minLength: 1,
    maxLength: 4096,
    pattern: "^[^~\\u0000][^\\u0000]*$",
    "x-allowed": 'a path without NUL; "~" is not expanded, so write the whole path',
    description,
    default: null,
  }) as const;

export const mode = <Default extends string | null>(
  description: string,
  owner: string,
  standard: Default,
) =>
  ({
    type: ["string", "null"],
    pattern: `^0?${owner}[0-7]{2}$`,
    "x-allowed": `an octal mode in quotes whose owner digit is ${owner.replace(/[[\]]/g, "").split("").join(" or ")}, such as "0${owner === "7" ? "755" : "660"}"`,
    description,
    default: standard,
  }) as const;

export const bytes = <Default extends number>(
  description: string,
  minimum: number,
  standard: Default,
) =>
  ({
    type: "integer",
    minimum,
    maximum: Number.MAX_SAFE_INTEGER,
    description,
    default: standard,
  }) as const;

export const MAX_WORDS = 1_000;

/** A program with its arguments, each a word of its own. */
export const command = (description: string) =>
  ({
    type: "array",
    minItems: 1,
    maxItems: MAX_WORDS,
    items: {
      type: "string",
      maxLength: 131_072,
      pattern: "^[^\\u0000]*$",
      "x-allowed": "a text without NUL",
    },
    "x-allowed": 'a list of words, the program first, such as ["/app/start.sh", "--port", "3000"]',
    description,
  }) as const;

export const duration = <Default extends string>(description: string, standard: Default) =>
  ({
    type: "string",
    format: "duration",
    "x-allowed": DURATION_ALLOWED,
    description,
    default: standard,
  }) as const;

export const text = (description: string, isSecret = false) =>
  ({
    type: ["string", "null"],
    minLength: 1,
    maxLength: 4_096,
    "x-allowed": "a text",
    ...(isSecret && { "x-secret": true }),
    description,
    default: null,
  }) as const;
