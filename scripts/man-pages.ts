import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
import { wrapped } from "../src/cli/wrap.ts";

/*
 * Manual pages out of the definitions of the verbs, one a verb: `man sprite-env-services-create`, as git has them. The build puts them into
 * dist/man. Source of the macros: man(7).
 */

const LINE = 78;

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["SPRITE_ENV_SOCKET", "Socket of the daemon, where --socket does not name one"],
  ["SPRITE_ENV_URL", "The daemon's TCP listener, where neither --url nor --socket names a place"],
  ["SPRITE_HTTP_API_TOKEN", "Token for that listener; the daemon reads it under the same name"],
  ["SPRITE_ENV_STATE_DIR", "State directory of the daemon, and of questions about the past"],
  ["NO_COLOR", "No colours, whatever its value"],
  ["FORCE_COLOR", "Colours also where output is piped; 0 is none"],
  ["COLUMNS", "Width of the terminal, where it is not to be asked"],
];

/** Text of a paragraph: what troff would take for its own is escaped. */
const escaped = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1");

const paragraph = (text: string): string => wrapped(text, LINE).map(escaped).join("\n");

/** A term in bold and what it means. */
const tagged = (term: string, text: string): string =>
  `.TP\n.B ${quoted(term)}\n${text === "" ? "\\&" : paragraph(text)}`;

const quoted = (text: string): string => `"${escaped(text).replaceAll('"', "\\(dq")}"`;

const section = (title: string, parts: readonly string[]): string[] =>
  parts.length === 0 ? [] : [`.SH ${title}`, ...parts];

const pageName = (path: string): string => path.replaceAll(" ", "-");

/** `sprite-env services create NAME --cmd <path> [flags]`, words of ours in bold. */
function synopsis(verb: Described): string {
  const rest = usageOf(verb).slice(verb.path.length).trim();
  return `.B ${quoted(verb.path)}${rest === "" ? "" : `\n${escaped(rest)}`}`;
}

function optionsOf({ args }: Described): string[] {
  return args.map(([name, arg]) =>
    tagged(arg.type === "positional" ? name.toUpperCase() : flagLabel(name, arg), explained(arg)),
  );
}

const exitStatus = (): string[] =>
  Object.entries(EXIT).map(
    ([name, value]) => tagged(String(value), EXIT_MEANINGS[name as keyof typeof EXIT]), // its own keys
  );

const seeAlso = (verb: Described): string => {
  const above = verb.path.split(" ").slice(0, -1).join(" ");
  const pages = [
    ...(above === "" ? [] : [above]),
    ...verb.verbs.map(({ name }) => `${verb.path} ${name}`),
  ];
  return pages.map((path) => `.BR ${pageName(path).replaceAll("-", "\\-")} (1)`).join(" ,\n");
};

function page(verb: Described, version: string, date: string): string {
  const { path, meta, verbs } = verb;
  const title = pageName(path);
  const examples = (meta.examples ?? []).flatMap((line) => [".PP", ".nf", escaped(line), ".fi"]);
  return [
    `.\\" Made by scripts/man-pages.ts from the definition of the verb.`,
    `.TH ${quoted(title.toUpperCase())} 1 ${date} "sprite\\-env ${version}" "sprite\\-env"`,
    ...section("NAME", [`${escaped(title)} \\- ${escaped(lowerFirst(meta.description ?? ""))}`]),
    ...section("SYNOPSIS", [synopsis(verb)]),
    ...section("DESCRIPTION", [
      paragraph(`${meta.description ?? ""}.`),
      ...(meta.notes ?? []).map((note) => `.PP\n${paragraph(note)}`),
    ]),
    ...section(
      "VERBS",
      verbs.map(({ name, description }) => tagged(name, description)),
    ),
    ...section("OPTIONS", optionsOf(verb)),
    ...section("EXIT STATUS", exitStatus()),
    ...section(
      "ENVIRONMENT",
      ENVIRONMENT.map(([name, text]) => tagged(name, text)),
    ),
    ...section("EXAMPLES", examples.slice(1)),
    ...section("SEE ALSO", [seeAlso(verb)].filter(Boolean)),
    "",
  ].join("\n");
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

async function everyVerb(path: string, command: AnyCommand): Promise<Described[]> {
  const verbs = [await described(path, command)];
  for (const [name, load] of Object.entries(await verbsOf(command))) {
    verbs.push(...(await everyVerb(`${path} ${name}`, await load())));
  }
  return verbs;
}

/** Date of the pages: of the build, or of what is built where SOURCE_DATE_EPOCH says so. Source: reproducible-builds.org. */
function dateOf(epoch = process.env["SOURCE_DATE_EPOCH"]): string {
  return new Date(epoch ? Number(epoch) * 1_000 : Date.now()).toISOString().slice(0, 10);
}

/** Every manual page, by the name of its file. */
export async function manPages(version: string): Promise<ReadonlyMap<string, string>> {
  const verbs = await everyVerb("sprite-env", root);
  const date = dateOf();
  return new Map(verbs.map((verb) => [`${pageName(verb.path)}.1`, page(verb, version, date)]));
}

/** Writes them into a folder. */
export async function writeManPages(folder: string, version: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of await manPages(version)) writeFileSync(join(folder, file), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as { version: string }; // our own file
  await writeManPages(process.argv[2] ?? "dist/man", version);
}
