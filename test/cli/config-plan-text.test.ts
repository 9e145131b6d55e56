import { expect, it } from "vitest";
import { configPlanText } from "../../src/cli/config-plan-text.ts";
import type { ConfigPlan } from "../../src/client/types.ts";

const service = (
  step: Partial<ConfigPlan["services"][number]>,
): ConfigPlan["services"][number] => ({
  name: "web",
  action: "same",
  restarts: false,
  drifted: false,
  fields: [],
  ...step,
});
const plan = (some: Partial<ConfigPlan>): ConfigPlan => ({
  file: "/etc/sprite.json",
  components: [],
  services: [],
  other_keys: [],
  ...some,
});

it("what the file leads to is a line each, components first; what stays is counted", () => {
  const found = plan({
    components: [
      { name: "db", action: "change", restarts: true },
      { name: "mount", action: "move", restarts: false },
      { name: "old", action: "delete", restarts: false },
      { name: "cache", action: "same", restarts: false },
    ],
    services: [
      service({ action: "change", restarts: true, drifted: true, fields: ["cmd", "labels"] }),
      service({ name: "api" }),
      service({ name: "job" }),
    ],
    other_keys: ["log_level"],
  });

  expect(configPlanText(found, "would").split("\n")).toEqual([
    "component db is changed, and restarted",
    "component mount starts in another place",
    "component old is stopped and deleted",
    "web is changed, and restarted (cmd, labels): somebody changed it by a command",
    "as the file says: 1 component and 2 services",
    "log_level changed, too: the next daemon heeds that",
  ]);
  expect(configPlanText(found, "did")).toContain("component old is being stopped and deleted\n");
});

it("where nothing changes, that is said", () => {
  expect(configPlanText(plan({ services: [service({})] }), "would")).toBe(
    "everything is as /etc/sprite.json says (1 service)",
  );
  expect(configPlanText(plan({}), "did")).toBe("everything is as /etc/sprite.json says");
});
