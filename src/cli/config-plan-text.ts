import type { ConfigPlan } from "../client/types.ts";

type Step = ConfigPlan["services"][number];

const WORDS: Readonly<Record<Step["action"], readonly [would: string, did: string]>> = {
  create: ["is created", "was created"],
  change: ["is changed", "was changed"],
  delete: ["is stopped and deleted", "is being stopped and deleted"],
  start: ["is started", "was started"],
  drift: ["is left as it is", "was left as it is"],
  same: ["stays", "stayed"],
};

/** What the configuration file leads to, for people. */
export function configPlanText(plan: ConfigPlan, when: "would" | "did"): string {
  const changes = plan.services.filter(({ action }) => action !== "same");
  const kept = plan.services.length - changes.length;
  const others =
    plan.other_keys.length === 0
      ? []
      : [`${plan.other_keys.join(", ")} changed, too: the next daemon heeds that`];
  if (changes.length === 0)
    return [`the services are as ${plan.file} says (${kept})`, ...others].join("\n");
  return [
    ...changes.map((step) => sentence(step, when)),
    ...(kept > 0 ? [`${kept} ${kept === 1 ? "service is" : "services are"} as the file says`] : []),
    ...others,
  ].join("\n");
}

function sentence(
  { name, action, fields, restarts, drifted }: Step,
  when: "would" | "did",
): string {
  const [would, did] = WORDS[action];
  const what = fields.length > 0 ? ` (${fields.join(", ")})` : "";
  const restart = restarts ? ", and restarted" : "";
  const drift = drifted ? ": somebody changed it by a command" : "";
  return `${name} ${when === "would" ? would : did}${restart}${what}${drift}`;
}
