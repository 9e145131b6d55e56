import { AppError, errorAt } from "../base/errors.ts";
import { mustBeOpen } from "../commands/checks.ts";
import { componentPlan, type WantedComponent } from "../commands/component-plan.ts";
import { ownedPlan, type OwnedPorts, type Wanted } from "../commands/owned.ts";
import type { ConfigPlan, ConfigCommands, RequestedDefinition } from "../commands/ports.ts";
import type { Env } from "../config/places.ts";
import type { Loaded } from "../config/load.ts";
import type { SealedValue } from "../journal/journal.ts";
import type { Configured } from "../runtime/boot.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";
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

interface WantedNow {
  config: Loaded["config"];
  components: readonly WantedComponent[];
  services: readonly Wanted[];
  otherKeys: readonly string[];
}

/** Holds components and services to what configuration says of them. */
export function configOwner(ports: OwnerPorts): ConfigCommands & {
  atBoot: Configured;
  /** As it was read last, and is in effect as far as `reload` brings it there. */
  now: () => Loaded["config"];
} {
  const { dispatcher, loaded, reread, env } = ports;

  const wantedNow = async (): Promise<WantedNow> => {
    if (loaded.config.configFile === undefined) throw WITHOUT_FILE;
    const now = reread();
    const services = wantedServices(now.config, env);
    for (const { name, by, definition } of services) {
      if (by === "main") continue; // it gets what the daemon has
      await ports.admits(definition).catch((error: unknown) => {
        throw errorAt(`services.${name}`, error);
      });
    }
    return {
      config: now.config,
      components: wantedComponents(now.config, env),
      services,
      otherKeys: differingKeys(loaded, now),
    };
  };
  const planned = (
    { components, services, otherKeys }: WantedNow,
    view: RuntimeView,
    sealed: SealedValue[],
  ): { plan: ConfigPlan; facts: readonly Fact[] } => {
    const ofComponents = componentPlan(components, view);
    const ofServices = ownedPlan(services, "reload", view, ports, sealed);
    return {
      plan: {
        file: loaded.config.configFile ?? "",
        components: ofComponents.steps,
        steps: ofServices.steps,
        otherKeys,
      },
      facts: [...ofComponents.facts, ...ofServices.facts],
    };
  };

  let { config: inEffect } = loaded;
  const sealedAtBoot: SealedValue[] = [];
  return {
    now: () => inEffect,
    atBoot: {
      facts: (view) => [
        ...componentPlan(wantedComponents(loaded.config, env), view).facts,
        ...ownedPlan(wantedServices(loaded.config, env), "boot", view, ports, sealedAtBoot).facts,
      ],
      sealed: sealedAtBoot,
    },
    plan: async () => planned(await wantedNow(), dispatcher.view, []).plan,
    reload: async ({ actor }) => {
      const wanted = await wantedNow();
      const sealed: SealedValue[] = [];
      let plan: ConfigPlan | undefined;
      await dispatcher.command({
        actor,
        decide: (view) => {
          mustBeOpen(view);
          const decided = planned(wanted, view, sealed);
          plan = decided.plan;
          return decided.facts;
        },
        sealed,
      });
      inEffect = wanted.config;
      return plan as ConfigPlan; // decided by now
    },
  };
}

const WITHOUT_FILE = new AppError(
  "invalid_request",
  "the daemon was started without a configuration file, so there is nothing to read again: start it with --config FILE",
);

/** Keys that nothing is held to and that say something else than when the daemon began: they are heeded by the next one. */
const differingKeys = ({ given: then }: Loaded, { given: now }: Loaded): string[] => {
  const keys = new Set([...Object.keys(then), ...Object.keys(now)]) as Set<keyof typeof then>;
  return [...keys].filter(
    (key) => !HELD.has(key) && JSON.stringify(then[key]) !== JSON.stringify(now[key]),
  );
};

/** Those of the main process are in its definition, which is held to them; commands beside it get what it gets. */
const HELD = new Set<string>([
  "components",
  "components_dir",
  "services",
  "process_command",
  "process_restart_max_retries",
  "process_graceful_shutdown_timeout",
  "process_working_dir",
  "process_environment",
  "exec",
  "exec_wrapper_command",
  "exec_tty_wrapper_command",
]);
