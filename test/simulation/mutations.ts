/** A mistake that somebody could make: what it is, and how the source reads with it. */
export interface Mutation {
  name: string;
  /** In the place of what the source says, exactly once in its file. */
  patches: readonly { file: string; says: string; becomes: string }[];
}

const one = (name: string, file: string, says: string, becomes: string): Mutation => ({
  name,
  patches: [{ file, says, becomes }],
});

const DISPATCH = "src/runtime/dispatch.ts";
const MACHINE = "machines/service-setup.ts";
const RUNNER = "test/simulation/runner.ts";
const POLICIES = "machines/policies.ts";

/** Mistakes that the simulator must find. No production code knows of them: they are made in the source as it is loaded. */
export const MUTATIONS: readonly Mutation[] = [
  one("fsync left out", "src/journal/database.ts", "synchronous = FULL", "synchronous = NORMAL"),
  one(
    "acknowledged before the commit",
    DISPATCH,
    "    const result = await this.#ports.journal.append(",
    `    for (const answer of batch.groups) answer.input.resolve([]);
    const result = await this.#ports.journal.append(`,
  ),
  {
    name: "effect before the commit",
    patches: [
      {
        file: DISPATCH,
        says: "    const result = await this.#ports.journal.append(",
        becomes: `    for (const { rows } of batch.groups)
      for (const { draft, event } of rows) this.#registry.apply(draft, event);
    const result = await this.#ports.journal.append(`,
      },
      {
        file: DISPATCH,
        says: "        this.#registry.apply(draft, event);\n",
        becomes: "",
      },
    ],
  },
  one(
    "answers do not wait for the rows they rest on",
    DISPATCH,
    "else answers.push(() => input.resolve([]));",
    "else input.resolve([]);",
  ),
  one(
    "reports are lost with a commit that failed",
    DISPATCH,
    "    this.#queue.unshift(...reports);\n",
    "",
  ),
  one(
    "the key is not stored with the command",
    DISPATCH,
    '...(claim && { claim: { ...claim, eventId: rows[0]?.draft.id ?? "" } }),',
    "...(claim && {}),",
  ),
  one(
    "an incarnation is not compared",
    MACHINE,
    '"incarnation" in event && event.incarnation === context.open?.id,',
    '"incarnation" in event && event.incarnation !== "" && context.open !== undefined,',
  ),
  one(
    "a timer's id is not compared",
    MACHINE,
    "return fired.timer === timer && fired.armed === context.armed[timer];",
    "return fired.timer === timer && context.armed[timer] !== undefined;",
  ),
  one(
    "a stop is forgotten at the next boot",
    MACHINE,
    'context.desired === "running" &&\n      !context.deleting &&\n      (context.ending',
    "!context.deleting &&\n      (context.ending",
  ),
  one(
    "jitter is drawn in the fold",
    MACHINE,
    '"jitter" in event ? event.jitter : 0.5',
    '"jitter" in event ? Math.random() : 0.5',
  ),
  {
    name: "the next one is spawned before the last is gone",
    patches: [
      {
        file: POLICIES,
        says: '  state.phase === "pending" &&\n  state.context.open === undefined &&',
        becomes: '  (state.phase === "pending" || state.phase === "restarting") &&',
      },
      {
        file: POLICIES,
        says: 'row.to !== "pending" || !accepts(view)',
        becomes: '(row.to !== "pending" && row.to !== "restarting") || !accepts(view)',
      },
      {
        file: "machines/service.ts",
        says: "    restarting: {\n      on: {",
        becomes:
          '    restarting: {\n      on: {\n        "process.spawn_requested": { target: "starting", actions: ["open", spawnProcess] },',
      },
    ],
  },
  one(
    "needs are not waited for",
    POLICIES,
    "return !other || !isUp(other.phase, other.context);",
    "return !other;",
  ),
  one(
    "a need that came up wakes nobody",
    POLICIES,
    "return cameUp || FREES.has(row.event.type);",
    "return FREES.has(row.event.type);",
  ),
  one(
    "what was lost is not closed",
    POLICIES,
    "  if (open.exited) return [emptied];\n  return [",
    "  if (open.exited) return [];\n  return [",
  ),
  one(
    "a boot does not look for old processes",
    "src/runtime/boot.ts",
    'return (one && found.get(one.incarnation)) ?? { kind: "none" };',
    'return one?.exited === true && found.get(one.incarnation) || { kind: "none" };',
  ),
  {
    name: "a boot trusts a pid without its start time",
    patches: [
      {
        file: RUNNER,
        says: "const proven = all.filter(",
        becomes: `const other = pid === undefined || exited ? undefined : kernel.byPid(pid);
    const proven = other && all.length === 0 ? [other] : all.filter(`,
      },
      {
        file: RUNNER,
        says: '(one) => one.role === "main" && one.pid === pid',
        becomes: "(one) => one.pid === pid",
      },
      {
        file: RUNNER,
        says: "return unprovenPid === undefined ? this.#ports.kernel.of(incarnation) : [];",
        becomes:
          "return main && main.state !== 'gone' ? [main] : this.#ports.kernel.of(incarnation);",
      },
      {
        file: RUNNER,
        says: "#left({ incarnation, unprovenPid }: Life)",
        becomes: "#left({ incarnation, main }: Life)",
      },
    ],
  },
  one(
    "a version may be left out",
    "src/journal/append.ts",
    "if (draft.version !== last + 1 &&",
    "if (draft.version <= last &&",
  ),
  one(
    "rows of a batch are not one transaction",
    "src/journal/append.ts",
    "groups.forEach((group, place) => storeGroup(statements, batch, group, place));",
    'groups.forEach((group, place) => { storeGroup(statements, batch, group, place); statements.noteHead.run(batch.seq, batch.hash); db.exec("COMMIT; BEGIN IMMEDIATE"); });',
  ),
  one(
    "the chain is not continued",
    "src/journal/append.ts",
    "row.hash = rowHash(batch.hash, row, data);",
    "row.hash = rowHash(row.prevHash.slice(1), row, data);",
  ),
  one(
    "the kernel's cache is believed after an I/O error",
    "src/journal/append.ts",
    'if (!codeOf(error).startsWith("SQLITE_IOERR"))',
    'if (codeOf(error) !== "")',
  ),
  one(
    "a read model leaves out an event",
    "src/projections/services.ts",
    '    "stream.quarantined": (db',
    '    "process.exited": () => {},\n    "stream.quarantined": (db',
  ),
  one(
    "If-Match is not looked at",
    "src/commands/checks.ts",
    "if (ifMatch === undefined) return;",
    "if (ifMatch !== 0) return;",
  ),
  one(
    "a delete does not wait for the end",
    "src/commands/remove.ts",
    "await end.reached(rows[0]);",
    "void end.reached(rows[0]).catch(() => {});",
  ),
  one(
    "a policy that never retries does",
    "machines/service-context.ts",
    'if (restart === "never") return "failed";',
    "",
  ),
  one(
    "a retry after a crash is not armed",
    "machines/service.ts",
    '{ guard: "current", actions: ["emptied", ...armBackoff] },\n        ],\n        "timer.fired"',
    '{ guard: "current", actions: ["emptied"] },\n        ],\n        "timer.fired"',
  ),
];
