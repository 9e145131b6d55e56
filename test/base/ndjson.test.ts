import { PassThrough, Readable } from "node:stream";
import { expect, it } from "vitest";
import { decodeLines, encodeLine } from "../../src/base/ndjson.ts";

async function all(chunks: (string | Buffer)[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const one of decodeLines(source)) seen.push(one);
  return seen;
}

it("writes one line an object", () => {
  expect(encodeLine({ data: "a\nb" })).toBe('{"data":"a\\nb"}\n');
});

it("reads lines over chunks and split characters", async () => {
  const bytes = Buffer.from('{"a":"ü"}\n{"b":2}\n');
  expect(await all([bytes.subarray(0, 7), bytes.subarray(7)])).toEqual([{ a: "ü" }, { b: 2 }]);
});

it("skips blank lines and takes a last line without a newline", async () => {
  expect(await all(['\n{"a":1}\r\n  \n{"b":2}'])).toEqual([{ a: 1 }, { b: 2 }]);
});

it("fails on a line that is not JSON, after those before it", async () => {
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const one of decodeLines(Readable.from(['{"a":1}\nnope\n']))) seen.push(one);
  })();

  await expect(reading).rejects.toThrow("not JSON: nope");
  expect(seen).toEqual([{ a: 1 }]);
});

it("fails with the source's own error", async () => {
  const source = new PassThrough();
  source.write('{"a":1}\n');
  const lines = decodeLines(source);

  expect((await lines.next()).value).toEqual({ a: 1 });
  const next = lines.next();
  source.destroy(new Error("cable cut"));
  await expect(next).rejects.toThrow("cable cut");
});

it("destroys the source when the reader leaves", async () => {
  const source = new PassThrough();
  source.write('{"a":1}\n');
  for await (const _ of decodeLines(source)) break;

  expect(source.destroyed).toBe(true);
});
