import { type ESTree, parseSync, Visitor } from "vite";

const TESTS = new Set(["it", "test"]);
const GROUPS = new Set(["describe", "suite"]);
/** What keeps a test, or a group of them, from running or from having to pass. `skipIf` and `runIf` do neither here: CI takes a skipped test for a failed one. */
const LEFT_OUT = new Set(["skip", "todo", "fails"]);

/**
 * The titles of the tests in a file that run, as they are written: of `it.each` with its placeholders, of a template up to its first one.
 * What is commented out is none, and neither is a title without a test.
 */
export function titlesOf(source: string): string[] {
  const calls: ESTree.CallExpression[] = [];
  const { program } = parseSync("a.test.ts", source);
  new Visitor({ CallExpression: (call) => void calls.push(call) }).visit(program);
  const leftOut = calls.filter(isLeftOut);
  const runs = ({ start, end }: ESTree.Span): boolean =>
    !leftOut.some((one) => one.start <= start && end <= one.end);
  return calls.filter(isTest).filter(runs).flatMap(titleOf);
}

/** `it.skipIf(x).each(y)` as `it`, `skipIf`, `each`. */
function wordsOf(callee: ESTree.Expression): string[] {
  if (callee.type === "Identifier") return [callee.name];
  if (callee.type === "CallExpression") return wordsOf(callee.callee);
  if (callee.type === "TaggedTemplateExpression") return wordsOf(callee.tag);
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return [];
  return [...wordsOf(callee.object), callee.property.name];
}

/** With a title and something that is run: `it.each(rows)` alone has but one argument. */
function isTest({ callee, arguments: given }: ESTree.CallExpression): boolean {
  const [first = ""] = wordsOf(callee);
  return TESTS.has(first) && given.length > 1;
}

function isLeftOut({ callee, arguments: given }: ESTree.CallExpression): boolean {
  const [first = "", ...how] = wordsOf(callee);
  if (!TESTS.has(first) && !GROUPS.has(first)) return false;
  return [...how, ...given.flatMap(optionsIn)].some((word) => LEFT_OUT.has(word));
}

/** Names of the options in `it("…", { skip: true }, …)`. */
const optionsIn = (given: ESTree.Argument): string[] =>
  given.type !== "ObjectExpression"
    ? []
    : given.properties.flatMap((option) =>
        option.type === "Property" && option.key.type === "Identifier" ? [option.key.name] : [],
      );

function titleOf({ arguments: [title] }: ESTree.CallExpression): string[] {
  if (title?.type === "Literal" && typeof title.value === "string") return [title.value];
  if (title?.type === "TemplateLiteral") return [title.quasis[0]?.value.cooked ?? ""];
  return [];
}
