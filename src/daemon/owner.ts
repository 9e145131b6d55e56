import { AppError } from "../base/errors.ts";
import { componentFacts } from "../commands/components.ts";
import { ownedPlan, type OwnedPlan, type OwnedPorts, type Wanted } from "../commands/owned.ts";
import type { ConfigPlan, ConfigCommands, RequestedDefinition } from "../commands/ports.ts";
import type { Env } from "../config/places.ts";
import type { Loaded } from "../config/load.ts";
import type { SealedValue } from "../journal/journal.ts";
import type { Configured } from "../runtime/boot.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import { wantedComponents, wantedServices } from "../api/configured.ts";

interface OwnerPorts extends OwnedPorts {
  dispatcher: Dispatcher;
  /** As the daemon began. */
  loaded: Loaded;
  /** Reads everything again: flags, environment, file. @throws AppError */
  reread: () => Loaded;
  env: Env;
  /** Refuses what this machine could not start. @throws AppError */
  admits: (asked: Pick<RequestedDefinition, "user" | "group" | "env">) => Promise<void>;
}

/** Holds the services to what configuration says of them. */
export function configOwner(ports: OwnerPorts): ConfigCommands & { atBoot: Configured } {
  const { dispatcher, loaded, reread, env } = ports;

  const wantedNow = async (): Promise<{ wanted: Wanted[]; otherKeys: string[] }> => {
    if (loaded.config.configFile === undefined) throw WITHOUT_FILE;
    const now = reread();
    const wanted = wantedServices(now.config, env);
    for (const { name, by, definition } of wanted) {
      if (by === "main") continue; // it gets what the daemon has
      await ports.admits(definition).catch((error: unknown) => {
        throw withName(name, error);
      });
    }
    return { wanted, otherKeys: differingKeys(loaded, now) };
  };
  const shown = ({ steps }: OwnedPlan, otherKeys: readonly string[]): ConfigPlan => ({
    file: loaded.config.configFile ?? "",
    steps,
    otherKeys,
  });

  const sealedAtBoot: SealedValue[] = [];
  return {
    atBoot: {
      facts: (view) => [
        ...componentFacts(wantedComponents(loaded.config, env), view),
        ...ownedPlan(wantedServices(loaded.config, env), "boot", view, ports, sealedAtBoot).facts,
      ],
      sealed: sealedAtBoot,
    },
    plan: async () => {
      const { wanted, otherKeys } = await wantedNow();
      return shown(ownedPlan(wanted, "reload", dispatcher.view, ports, []), otherKeys);
    },
    reload: async ({ actor }) => {
      const { wanted, otherKeys } = await wantedNow();
      const sealed: SealedValue[] = [];
      let plan: OwnedPlan = { steps: [], facts: [] };
      await dispatcher.command({
        actor,
        decide: (view) => (plan = ownedPlan(wanted, "reload", view, ports, sealed)).facts,
        sealed,
      });
      return shown(plan, otherKeys);
    },
  };
}

const WITHOUT_FILE = new AppError(
  "invalid_request",
  "the daemon was started without a configuration file, so there is nothing to read again: start it with --config FILE",
);

const withName = (name: string, error: unknown): unknown =>
  error instanceof AppError
    ? new AppError(error.code, `services.${name}: ${error.message}`, { cause: error })
    : error;

/** Keys but `services` that say something else than when the daemon began: they are heeded by the next one. */
const differingKeys = ({ given: then }: Loaded, { given: now }: Loaded): string[] => {
  const keys = new Set([...Object.keys(then), ...Object.keys(now)]) as Set<keyof typeof then>;
  return [...keys].filter(
    (key) => !HELD.has(key) && JSON.stringify(then[key]) !== JSON.stringify(now[key]),
  );
};

/** Those of the main process are in its definition, which is held to them. */
const HELD = new Set<string>([
  "services",
  "process_command",
  "process_restart_max_retries",
  "process_graceful_shutdown_timeout",
]);
