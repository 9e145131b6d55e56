import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { editorSchema } from "../src/offline/config-schema.ts";

/*
 * docs/config.schema.json, for editors, from the schema that the daemon checks the file with. A test holds it to that: run this after changing a key.
 */
writeFileSync(
  fileURLToPath(new URL("../docs/config.schema.json", import.meta.url)),
  `${JSON.stringify(editorSchema(), null, 2)}\n`,
);
