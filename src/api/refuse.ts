import { AppError } from "../base/errors.ts";
import { checker, type Check } from "../config/checker.ts";
import { factOf, shown, type Problem } from "../config/problem.ts";

/** A refusal of one field: names it, its value and what is allowed. */
export const badField = (field: string, value: unknown, allowed: string): AppError =>
  new AppError("invalid_request", `${field} is ${shown(value)}: allowed is ${allowed}`, {
    details: { field, value: factOf(value), allowed },
  });

/** What a schema found wrong, as the error that is sent. */
const asError = ({ code, message, field, value, allowed }: Problem): AppError =>
  new AppError(code, message, {
    details: { field, ...(value !== undefined && { value }), allowed },
  });

/** The same schema stands in routes under several prefixes: it is compiled once. */
const compiled = { exact: new WeakMap<object, Check>(), coercing: new WeakMap<object, Check>() };

function compileOnce(schema: object, coerce: boolean): Check {
  const known = coerce ? compiled.coercing : compiled.exact;
  const check = known.get(schema) ?? checker(schema, coerce);
  known.set(schema, check);
  return check;
}

/**
 * Compiles a route's schema for Fastify. Only a query is coerced, since it comes as text; everything else is taken as it is or refused.
 */
export function compileSchema(route: { schema: unknown; httpPart?: string }) {
  const check = compileOnce(route.schema as object, route.httpPart === "querystring"); // schemas of routes are objects
  return (value: unknown): { value: unknown } | { error: Error } => {
    const problem = check(value === undefined ? null : value);
    return problem ? { error: asError(problem) } : { value };
  };
}
