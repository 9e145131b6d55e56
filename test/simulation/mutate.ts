import { type LoadHookSync, registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import type { Mutation } from "./mutations.ts";

const root = resolve(import.meta.dirname, "../..");

/**
 * Makes a mistake in every module that is loaded from now on.
 *
 * @throws Error where the source no longer reads as the mistake expects: then it has to be written anew
 */
export function makeMistake({ name, patches }: Mutation): void {
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      const file = url.startsWith("file:") ? fileURLToPath(url) : "";
      const own = patches.filter((patch) => resolve(root, patch.file) === file);
      if (own.length === 0) return loaded;
      let source = textOf(loaded.source);
      for (const { says, becomes } of own) {
        if (source.split(says).length !== 2)
          throw new Error(`the mistake "${name}" does not fit ${file}: it must say once "${says}"`);
        source = source.replace(says, () => becomes);
      }
      return { ...loaded, source };
    },
  });
}

const textOf = (source: ReturnType<LoadHookSync>["source"]): string =>
  typeof source === "string" ? source : new TextDecoder().decode(source);
