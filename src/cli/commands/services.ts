import { defineCommand } from "citty";

/** Everything about services, one file a verb. */
export const services = defineCommand({
  meta: {
    name: "services",
    description: "Create services, look at them, and change what they do",
    examples: [
      'sprite-env services create web --cmd python3 --args "-m,http.server,3000"',
      "sprite-env services list",
      "sprite-env services stop web",
    ],
  },
  subCommands: {
    create: () => import("./services/create.ts").then((file) => file.create),
    list: () => import("./services/list.ts").then((file) => file.list),
    get: () => import("./services/get.ts").then((file) => file.get),
    start: () => import("./services/start.ts").then((file) => file.start),
    stop: () => import("./services/stop.ts").then((file) => file.stop),
    restart: () => import("./services/restart.ts").then((file) => file.restart),
    signal: () => import("./services/signal.ts").then((file) => file.signal),
    delete: () => import("./services/delete.ts").then((file) => file.remove),
    logs: () => import("./services/logs.ts").then((file) => file.logs),
    update: () => import("./services/update.ts").then((file) => file.update),
    versions: () => import("./services/versions.ts").then((file) => file.versions),
    diff: () => import("./services/diff.ts").then((file) => file.diff),
    rollback: () => import("./services/rollback.ts").then((file) => file.rollback),
    apply: () => import("./services/apply.ts").then((file) => file.apply),
  },
});
