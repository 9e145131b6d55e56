import { defineCommand } from "citty";

export const replay = defineCommand({ meta: { name: "replay", description: "in the making" } });
