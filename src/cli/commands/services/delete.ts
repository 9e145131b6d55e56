import { defineCommand } from "citty";
import { commonArgs, connect } from "../../args.ts";
import { EXIT } from "../../exit-codes.ts";
import { forEach, needsAmong } from "../../arms.ts";
import { beginTask } from "../../progress.ts";
import { stopping } from "../../streams.ts";
import { selected, selectionArgs } from "../../selection.ts";

export const remove = defineCommand({
  meta: {
    name: "delete",
    description: "Stop services and remove their definitions; their logs stay",
    notes: ["Of several, what needs another is deleted before it."],
    examples: ["sprite-env services delete web", "sprite-env services delete --label tier=test"],
  },
  args: {
    ...selectionArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args);
    const names = await selected(client, context);
    const { needing } = await needsAmong(client, names);
    const removeOne = async (name: string): Promise<number> => {
      const task = beginTask(stopping(client, name, undefined));
      await client.remove(name).finally(task.end);
      return EXIT.ok;
    };
    return forEach(client, names.toReversed(), removeOne, needing);
  },
});
