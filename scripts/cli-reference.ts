import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXIT, EXIT_MEANINGS } from "../src/cli/exit-codes.ts";
import {
  described,
  explained,
  flagLabel,
  usageOf,
  verbsOf,
  type Described,
} from "../src/cli/help.ts";
import { root } from "../src/cli/root.ts";
import type { AnyCommand } from "../src/cli/verb.ts";

const FILE = fileURLToPath(new URL("../docs/cli.md", import.meta.url));

const INTRO = `# Command line

<!-- Made by scripts/cli-reference.ts from the definitions of the verbs. A test holds it to them. -->

\`sprite-env\` is the daemon and its client in one program: \`sprite-env serve\`, or flags without a verb, start the
daemon; every other verb asks one. \`spritectl\` is the daemon alone.

Every verb takes \`--help\`. Values follow their flag as the next word or after \`=\`; a value that is itself a flag of the
verb needs the latter (\`--arg=--cmd\`). A flag that is unknown, given twice, or belongs to a later release is refused,
never ignored.

A client looks for the daemon's socket at \`--socket\`, else \`$SPRITE_ENV_SOCKET\`, else where a daemon listens by default.
One on another machine is named by \`--url\` or \`$SPRITE_ENV_URL\`; the token for it comes from \`$SPRITE_HTTP_API_TOKEN\`,
never from the command line, which everybody on the machine can read. A command whose reply is lost with the daemon is
sent again for five seconds, under one idempotency key: it is carried out once.

What is asked for is printed on standard output, everything else on standard error. Colours appear on a terminal only,
and not where \`NO_COLOR\` is set; \`FORCE_COLOR\` wins over both. What takes more than a second says so on the last line
of a terminal.

\`sprite-env completion bash\` (\`zsh\`, \`fish\`) prints what makes Tab complete verbs, flags, values and names of services.
\`sprite-env help VERB\` and \`man sprite-env-services-create\` tell the same as \`--help\`.
`;

/** A verb and all verbs below it, in the order in which they are registered. */
async function everyVerb(path: string, command: AnyCommand): Promise<Described[]> {
  const verbs = [await described(path, command)];
  for (const [name, load] of Object.entries(await verbsOf(command))) {
    verbs.push(...(await everyVerb(`${path} ${name}`, await load())));
  }
  return verbs;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, ...[title, ...rows.map((row) => row[column] ?? "")].map((text) => text.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [
    line(head),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...rows.map(line),
  ].join("\n");
}

function section(verb: Described): string {
  const { path, meta, args, verbs } = verb;
  const rows = args.map(([name, arg]) => [
    code(arg.type === "positional" ? name.toUpperCase() : flagLabel(name, arg)),
    cell(explained(arg)),
  ]);
  const parts = [
    `${"#".repeat(Math.min(path.split(" ").length, 4))} ${path}`,
    `${meta.description}.`,
    ...(meta.notes ?? []),
    `\`\`\`\n${usageOf(verb)}\n\`\`\``,
    ...(verbs.length > 0
      ? [verbs.map((one) => `- \`${one.name}\`: ${one.description}`).join("\n")]
      : []),
    ...(rows.length > 0 ? [table(["", ""], rows)] : []),
    ...(meta.examples ? [`\`\`\`sh\n${meta.examples.join("\n")}\n\`\`\``] : []),
  ];
  return parts.join("\n\n");
}

function exitCodes(): string {
  const rows = Object.entries(EXIT).map(([name, value]) => [
    String(value),
    EXIT_MEANINGS[name as keyof typeof EXIT], // its own keys
  ]);
  return `## Exit codes\n\n${table(["", ""], rows)}`;
}

/** The text of docs/cli.md. */
export async function cliReference(): Promise<string> {
  const [, ...verbs] = await everyVerb("sprite-env", root);
  return `${[INTRO.trimEnd(), exitCodes(), ...verbs.map(section)].join("\n\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, await cliReference());
