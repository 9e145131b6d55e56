import { expect, it, onTestFinished } from "vitest";
import { writeHistory } from "../../bench/history.ts";
import { MomentWalk } from "../../src/offline/moment-walk.ts";
import { type PastSprite, spriteAt } from "../../src/offline/past-services.ts";
import { openStore } from "../../src/offline/store.ts";
import { seeded } from "../support/random.ts";
import { temporaryDirectory } from "./fixture.ts";

const ROWS = 6_000;

const text = ({ phase, services }: PastSprite): string =>
  JSON.stringify([phase, [...services.values()]]);

it("on a walk every moment is what it is when it is asked for alone, forwards, back and far away", async () => {
  const directory = temporaryDirectory();
  await writeHistory(directory, ROWS, 12);
  const store = openStore(directory);
  onTestFinished(() => store.close());
  const { reader } = store;
  const walk = new MomentWalk(reader);
  const random = seeded(7);
  let seq = 1;
  for (let step = 0; step < 200; step += 1) {
    expect(text(walk.spriteAt(seq)), `after event ${seq}`).toBe(text(spriteAt(reader, seq)));
    const far = random.below(4) === 0;
    const [span, back] = step % 2 === 0 ? [80, 10] : [900, 800];
    const next = far ? 1 + random.below(ROWS) : seq + random.below(span) - back;
    seq = Math.min(ROWS, Math.max(1, next));
  }
});
