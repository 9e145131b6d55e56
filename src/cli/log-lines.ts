import type { Client, LogsOptions, ReplyStream, StreamLine } from "../client/client.ts";
import { onTerminal, paint, print, say, type Colour } from "./output.ts";

interface Source {
  name: string;
  stream: ReplyStream;
}

type Show = (name: string, line: StreamLine) => void;

const COLOURS: readonly Colour[] = ["cyan", "green", "yellow", "red"];

/**
 * Prints the logs of services. Several are put in the order of their times; when they are followed, each line is printed as it comes.
 *
 * @returns nothing: a log that ends is a success
 */
export async function printLogs(
  client: Client,
  names: readonly string[],
  { json = false, ...options }: LogsOptions & { json?: boolean | undefined },
): Promise<void> {
  const sources: Source[] = [];
  for (const name of names) sources.push({ name, stream: await client.logs(name, options) });
  const show = json ? asJson : asText(names);
  if (options.follow || options.duration !== undefined) {
    await Promise.all(sources.map((source) => printOne(source, show)));
  } else {
    const count = await printInOrder(sources, show);
    if (count === 0 && options.lines !== 0 && onTerminal() && !json) say(nothingFrom(names));
  }
}

const nothingFrom = (names: readonly string[]): string =>
  `${names.join(", ")} ${names.length === 1 ? "has" : "have"} written nothing that is kept`;

async function printOne({ name, stream }: Source, show: Show): Promise<void> {
  for await (const line of stream) show(name, line);
}

const asJson: Show = (_name, line) => print(JSON.stringify(line));

function asText(names: readonly string[]): Show {
  const width = Math.max(...names.map((name) => name.length));
  return (name, line) => {
    if (line.type !== "stdout" && line.type !== "stderr") return;
    const text = `${new Date(line.timestamp).toISOString()} [${line.type}] ${withoutNewline(line.data ?? "")}`;
    print(names.length === 1 ? text : `${prefix(name, width, names.indexOf(name))} ${text}`);
  };
}

const withoutNewline = (text: string): string => (text.endsWith("\n") ? text.slice(0, -1) : text);

const prefix = (name: string, width: number, index: number): string =>
  paint(COLOURS[index % COLOURS.length] ?? "cyan", `${name.padEnd(width)} |`);

/** Merges streams by time, holding one line of each. @returns how many lines services wrote */
async function printInOrder(sources: readonly Source[], show: Show): Promise<number> {
  const heads = new Map<Source, StreamLine>();
  const advance = async (source: Source): Promise<void> => {
    const { done, value } = await source.stream.next();
    if (done) heads.delete(source);
    else heads.set(source, value);
  };
  for (const source of sources) await advance(source);
  let count = 0;
  while (heads.size > 0) {
    const [source, line] = earliest(heads);
    if (line.type === "stdout" || line.type === "stderr") count += 1;
    show(source.name, line);
    await advance(source);
  }
  return count;
}

const earliest = (heads: ReadonlyMap<Source, StreamLine>): [Source, StreamLine] =>
  [...heads].reduce((best, head) => (head[1].timestamp < best[1].timestamp ? head : best));
