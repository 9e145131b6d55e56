import { defineCommand } from "citty";

export const events = defineCommand({ meta: { name: "events", description: "in the making" } });
