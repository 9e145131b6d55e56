import type { ConfigPlan } from "../client/types.ts";

type ServiceStep = ConfigPlan["services"][number];
type ComponentStep = ConfigPlan["components"][number];
type Action = ServiceStep["action"] | ComponentStep["action"];

const WORDS: Readonly<Record<Action, readonly [would: string, did: string]>> = {
  create: ["is created", "was created"],
  change: ["is changed", "was changed"],
  move: ["starts in another place", "starts in another place"],
  delete: ["is stopped and deleted", "is being stopped and deleted"],
  start: ["is started", "was started"],
  drift: ["is left as it is", "was left as it is"],
  same: ["stays", "stayed"],
};

/** What the configuration file leads to, for people. */
export function configPlanText(plan: ConfigPlan, when: "would" | "did"): string {
  const { file, components, services } = plan;
  const changes = [
    ...components.filter(isChange).map((step) => ofComponent(step, when)),
    ...services.filter(isChange).map((step) => ofService(step, when)),
  ];
  const kept = [
    ...counted("component", components.length - components.filter(isChange).length),
    ...counted("service", services.length - services.filter(isChange).length),
  ].join(" and ");
  const others =
    plan.other_keys.length === 0
      ? []
      : [`${plan.other_keys.join(", ")} changed, too: the next daemon heeds that`];
  if (changes.length === 0)
    return [`everything is as ${file} says${kept && ` (${kept})`}`, ...others].join("\n");
  return [...changes, ...(kept ? [`as the file says: ${kept}`] : []), ...others].join("\n");
}

const isChange = ({ action }: { action: Action }): boolean => action !== "same";

const counted = (kind: string, count: number): string[] =>
  count === 0 ? [] : [`${count} ${kind}${count === 1 ? "" : "s"}`];

const verb = (action: Action, restarts: boolean, when: "would" | "did"): string => {
  const [would, did] = WORDS[action];
  return `${when === "would" ? would : did}${restarts ? ", and restarted" : ""}`;
};

const ofComponent = ({ name, action, restarts }: ComponentStep, when: "would" | "did"): string =>
  `component ${name} ${verb(action, restarts, when)}`;

function ofService(
  { name, action, fields, restarts, drifted }: ServiceStep,
  when: "would" | "did",
): string {
  const what = fields.length > 0 ? ` (${fields.join(", ")})` : "";
  const drift = drifted ? ": somebody changed it by a command" : "";
  return `${name} ${verb(action, restarts, when)}${what}${drift}`;
}
