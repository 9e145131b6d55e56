import { defineCommand } from "citty";

export const audit = defineCommand({ meta: { name: "audit", description: "in the making" } });
