import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ResolvedDefinition } from "../../machines/definition.ts";
import { messageOf } from "../base/errors.ts";
import { readEnvFile } from "./env-file.ts";
import { serviceEnvironment } from "./environment.ts";
import type { Manner } from "./launch.ts";
import { codeOf, problem, SpawnProblem } from "./spawn-problem.ts";
import { type Ids, type Person, personOf, UserProblem } from "./user.ts";

/** As whom, where and with what environment everything of a service runs. */
export interface Surroundings extends Manner {
  /** Absolute. */
  dir: string;
  env: Readonly<Record<string, string>>;
}

type Definition = Pick<ResolvedDefinition, "env" | "envFile" | "dir" | "user" | "group" | "umask">;

/** Those of each incarnation: its checks and its stop command see what its main process saw, whatever has become of files and users since. */
export interface AllSurroundings {
  /** Found out anew, and kept until they are forgotten. @throws SpawnProblem */
  begin(incarnation: string, definition: Definition): Promise<Surroundings>;
  /** As they were when it began; found out anew where that was under an earlier daemon. @throws SpawnProblem */
  of(incarnation: string, definition: Definition): Promise<Surroundings>;
  forget(incarnation: string): void;
}

export interface SurroundingsDeps {
  /** Values of a definition's variables. @throws AppError naming those that cannot be had: no retry will help */
  openEnv: (references: Definition["env"]) => Readonly<Record<string, string>>;
  /** The daemon's own environment: seven variables of it get through. */
  baseEnv: Readonly<Record<string, string | undefined>>;
  /** What the daemon runs with. */
  own: Ids;
  config: {
    /** Working directory of a service that names none and runs as the daemon's user. */
    defaultDir: string;
    /** Whether that was chosen: then it is everybody's, and nobody's home counts. */
    isDefaultDirChosen: boolean;
    /** Whom a service runs as that names nobody. */
    defaultUser?: string | undefined;
  };
}

export function createSurroundings(deps: SurroundingsDeps): AllSurroundings {
  const { openEnv, baseEnv, own, config } = deps;
  const kept = new Map<string, Surroundings>();

  async function findOut(incarnation: string, definition: Definition): Promise<Surroundings> {
    const { envFile, umask, user = config.defaultUser, group } = definition;
    const person = await personOf({ user, group }, own).catch(notSpawnable);
    const fromFile = envFile === undefined ? {} : await readEnvFile(envFile);
    const variables = { ...fromFile, ...opened(definition) };
    return {
      env: serviceEnvironment(baseEnv, variables, incarnation, person.account),
      dir: resolve(await homeOf(person), definition.dir ?? ""),
      ...(umask !== undefined && { umask }),
      ...(person.runAs && { runAs: person.runAs }),
    };
  }

  function opened({ env }: Definition): Readonly<Record<string, string>> {
    try {
      return openEnv(env);
    } catch (error) {
      throw new SpawnProblem({ errno: "ENOKEY", message: messageOf(error), permanent: true });
    }
  }

  async function homeOf({ account }: Person): Promise<string> {
    if (!account || config.isDefaultDirChosen) return config.defaultDir;
    return (await isDirectory(account.home)) ? account.home : "/";
  }

  return {
    begin: async (incarnation, definition) => {
      const found = await findOut(incarnation, definition);
      kept.set(incarnation, found);
      return found;
    },
    of: async (incarnation, definition) =>
      kept.get(incarnation) ?? (await findOut(incarnation, definition)),
    forget: (incarnation) => void kept.delete(incarnation),
  };
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (file) => file.isDirectory(),
    () => false,
  );

/** Somebody may make the user again; what the daemon may do changes with another daemon only. */
function notSpawnable(error: unknown): never {
  if (!(error instanceof UserProblem)) throw error;
  const { kind, message } = error;
  if (kind === "unreadable") throw problem(codeOf(error.cause), message);
  if (kind === "unknown") throw new SpawnProblem({ errno: "ENOENT", message });
  throw new SpawnProblem({ errno: "EPERM", message, permanent: true });
}
