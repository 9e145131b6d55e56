import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { diagramOf, graphOfKind, machineList } from "../src/offline/diagrams.ts";

/*
 * docs/machines.md and its pictures, from the machines themselves. A test holds them to the code: run this after changing a machine.
 */

const DOCS = fileURLToPath(new URL("../docs", import.meta.url));

const HEAD = `# State machines

What decides about everything, as the daemon runs it. Made by \`scripts/diagrams.ts\` from \`machines/\`; a test holds it to them.

Here are the states and what leads from one to another. What keeps a state, guards and effects are in the inspector (\`sprite-env inspect\`, Machines), and in
\`sprite-env machines export --format json\`. \`--service web\` lights the state that a service is in, and says how often it went each way.
`;

/** Files of the documentation by their paths below docs/. */
export async function diagrams(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  let text = HEAD;
  for (const { kind, version, states, edges } of machineList()) {
    const graph = graphOfKind(kind);
    files.set(`diagrams/${kind}.svg`, await diagramOf(graph, "svg"));
    text += `\n## ${kind}\n\nVersion ${version}: ${states} states, ${edges} edges. [As a picture](diagrams/${kind}.svg).\n\n`;
    text += `\`\`\`mermaid\n${await diagramOf(graph, "mermaid")}\`\`\`\n`;
  }
  return files.set("machines.md", text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await diagrams()) {
    mkdirSync(join(DOCS, path, ".."), { recursive: true });
    writeFileSync(join(DOCS, path), text);
  }
}
