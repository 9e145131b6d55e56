import { defineCommand } from "citty";
import { PROGRAM } from "./version.ts";

/** Every verb, loaded when it is asked for. */
export const root = defineCommand({
  meta: {
    name: PROGRAM,
    description: "Runs services and keeps them running, with a log that can answer why",
    notes: [
      "Without a verb, flags start the daemon: `sprite-env --state-dir DIR` is `sprite-env serve --state-dir DIR`.",
    ],
    examples: [
      "sprite-env serve",
      'sprite-env services create web --cmd python3 --args "-m,http.server,3000"',
      "sprite-env services list",
      "sprite-env why web",
    ],
  },
  subCommands: {
    serve: () => import("./commands/serve.ts").then((file) => file.serve),
    services: () => import("./commands/services.ts").then((file) => file.services),
    components: () => import("./commands/components.ts").then((file) => file.components),
    events: () => import("./commands/events.ts").then((file) => file.events),
    history: () => import("./commands/history.ts").then((file) => file.history),
    why: () => import("./commands/why.ts").then((file) => file.why),
    state: () => import("./commands/state.ts").then((file) => file.state),
    diff: () => import("./commands/diff.ts").then((file) => file.diff),
    boot: () => import("./commands/boot.ts").then((file) => file.boot),
    audit: () => import("./commands/audit.ts").then((file) => file.audit),
    replay: () => import("./commands/replay.ts").then((file) => file.replay),
    plan: () => import("./commands/plan.ts").then((file) => file.plan),
    reload: () => import("./commands/reload.ts").then((file) => file.reload),
    config: () => import("./commands/config.ts").then((file) => file.config),
    machines: () => import("./commands/machines.ts").then((file) => file.machines),
    inspect: () => import("./commands/inspect.ts").then((file) => file.inspect),
    curl: () => import("./commands/curl.ts").then((file) => file.curl),
    completion: () => import("./commands/completion.ts").then((file) => file.completion),
  },
});
