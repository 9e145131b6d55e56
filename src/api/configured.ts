import { toDefinition } from "./definition-wire.ts";
import { definitionBody, type DefinitionBody } from "./schemas.ts";
import { AppError, errorAt } from "../base/errors.ts";
import type { WantedComponent } from "../commands/component-plan.ts";
import type { Wanted } from "../commands/owned.ts";
import type { RequestedDefinition } from "../commands/ports.ts";
import { checker } from "../config/checker.ts";
import type { Env } from "../config/places.ts";
import type { Config } from "../config/config.ts";
import { codeOf, withoutVariable } from "../config/file.ts";
import { isReference, substituteFields } from "../config/substitute.ts";
import { daemonVariables } from "../effects/environment.ts";

/** The service that the main process is. */
export const MAIN = "main";

/**
 * The components that configuration wants, in their order. They get what the main process gets of the daemon's environment.
 */
export const wantedComponents = (
  { components }: Pick<Config, "components">,
  env: Env,
): WantedComponent[] =>
  components.map(({ name, start: [cmd = "", ...args], ready, checkpoint, restore, dir }) => ({
    name,
    definition: {
      cmd,
      ...(args.length > 0 && { args }),
      dir,
      env: daemonVariables(env),
      ...(ready && { ready: { kind: "exec" as const, command: ready } }),
      ...(checkpoint && { checkpoint }),
      ...(restore && { restore }),
    },
  }));

/** Failures of the main process are counted over all its life. */
const FOR_EVER_MS = 100 * 365 * 86_400_000;

type Given = Pick<Config, "main" | "exec" | "services" | "configFile">;

/**
 * The services that configuration wants: the main process, and those of the file.
 *
 * @throws AppError `config_invalid` naming file, service, field, value and what is allowed
 */
export function wantedServices(config: Given, env: Env): Wanted[] {
  const { main, services = {}, configFile = "" } = config;
  if (main && Object.hasOwn(services, MAIN))
    throw new AppError(
      "config_invalid",
      `${configFile}: services.${MAIN}: that is the name of the main process, and there is one (${main.command[0]}): choose another`,
      { details: { field: `services.${MAIN}` } },
    );
  const ofFile = Object.entries(services).map(([name, given]): Wanted => ({
    name,
    by: "file",
    definition: definitionOf(given, `services.${name}`, { file: configFile, name, env }),
  }));
  return main
    ? [{ name: MAIN, by: "main", definition: mainDefinition(main, config.exec, env) }, ...ofFile]
    : ofFile;
}

function mainDefinition(
  { command: [cmd = "", ...args], maxRetries, gracefulTimeoutMs }: NonNullable<Given["main"]>,
  { dir, env: own }: Given["exec"],
  env: Env,
): RequestedDefinition {
  return {
    cmd,
    ...(args.length > 0 && { args }),
    dir,
    env: { ...daemonVariables(env), ...own },
    stopTimeoutMs: gracefulTimeoutMs,
    ...(maxRetries === 0
      ? { restart: "never" as const }
      : {
          restart: "on-failure" as const,
          maxFailures: maxRetries + 1,
          windowMs: FOR_EVER_MS,
        }),
  };
}

const check = checker(definitionBody);

interface Place {
  file: string;
  name: string;
  env: Env;
}

/** A definition of the file. `{"$env": …}` under its `env` is read at each start; anywhere else it is replaced now. */
function definitionOf(
  given: object,
  field: string,
  { file, name, env }: Place,
): RequestedDefinition {
  if (isReference(given))
    throw new AppError(
      "config_invalid",
      `${file}: ${field}: {"$env": …} stands for one value, and a service is an object of many`,
      { details: { field } },
    );
  const { env: variables, ...rest } = given as { env?: unknown };
  const at = { file: `${file}: ${field}`, schema: definitionBody };
  const { value: replaced, from } = substituteFields(rest, at, env);
  const body = { ...replaced, ...(variables !== undefined && { env: variables }) };
  const problem = check(body);
  if (problem)
    throw new AppError(codeOf(problem), `${file}: ${field}: ${withoutVariable(problem, from)}`, {
      details: { field: `${field}.${problem.field}`, allowed: problem.allowed },
    });
  try {
    return toDefinition(body as DefinitionBody, name); // the check has just proved it
  } catch (error) {
    throw errorAt(`${file}: ${field}`, error, "config_invalid");
  }
}
