import { defineCommand } from "citty";

export const why = defineCommand({ meta: { name: "why", description: "in the making" } });
