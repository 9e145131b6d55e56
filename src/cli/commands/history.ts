import { defineCommand } from "citty";

export const history = defineCommand({ meta: { name: "history", description: "in the making" } });
