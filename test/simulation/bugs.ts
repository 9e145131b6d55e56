import type { Mutation } from "./mutations.ts";

const DISPATCH = "src/runtime/dispatch.ts";
const STREAMS = "src/commands/streams.ts";
const REMOVE = "src/commands/remove.ts";
const SERVICES = "src/commands/services.ts";

/** Mistakes that were in the code until the simulator found them, as they were: it must find each of them again. */
export const BUGS: readonly Mutation[] = [
  {
    name: "an answer was given before the rows it rests on were stored",
    patches: [
      {
        file: DISPATCH,
        says: "else answers.push(() => input.resolve([]));",
        becomes: "else input.resolve([]);",
      },
      {
        file: DISPATCH,
        says: "answers.push(() => input.reject(error));",
        becomes: "input.reject(error);",
      },
    ],
  },
  {
    name: "a report that was not taken because of a commit that failed was lost",
    patches: [
      {
        file: DISPATCH,
        says: "const reports = inputs.filter((input) => input.command === undefined);",
        becomes:
          "const reports = groups.map(({ input }) => input).filter((input) => input.command === undefined);",
      },
      {
        file: DISPATCH,
        says: "#failed({ inputs }: Batch",
        becomes: "#failed({ inputs, groups }: Batch",
      },
    ],
  },
  {
    name: "the repeat of a request that was refused was told that it had been carried out",
    patches: [
      {
        file: "src/commands/keys.ts",
        says: "        running.delete(id);\n        reject(error);\n",
        becomes: "        await settle(undefined);\n",
      },
    ],
  },
  {
    name: "a repeat was answered from a row of which nobody knew whether it was stored",
    patches: [
      {
        file: "src/commands/keys.ts",
        says: "mustBeStored(stored);",
        becomes: "void mustBeStored;",
      },
    ],
  },
  {
    name: "people were told of rows of which nobody knew whether they were stored",
    patches: [
      {
        file: "src/commands/read-services.ts",
        says: "follows(db, services, lastSeq())",
        becomes: "(lastSeq(), follows(db, services))",
      },
    ],
  },
  {
    name: "who waited for a start that somebody else restarted waited for ever",
    patches: [
      {
        file: STREAMS,
        says: 'if (row.type === "incarnation.emptied" && mine && !this.#started) this.#incarnation = undefined;',
        becomes: "",
      },
    ],
  },
  {
    name: "who did not want to wait for needs waited after a restart",
    patches: [
      {
        file: STREAMS,
        says: 'if (this.#durationMs === 0 && toState === "pending" && !this.#started) this.#waits(wall);',
        becomes: "void [toState, wall];",
      },
    ],
  },
  {
    name: "a repeated delete was answered before its end",
    patches: [
      {
        file: SERVICES,
        says: "if (caller.key) await removalOf(ports, name);",
        becomes: "void removalOf;",
      },
    ],
  },
  {
    name: "a delete was answered by the end of an earlier service of the name",
    patches: [
      {
        file: REMOVE,
        says: "early?.filter(({ seq }) => seq > (wish?.seq ?? 0)).forEach(see);",
        becomes: "early?.forEach(see);",
      },
    ],
  },
  {
    name: "a repeated stop was refused after a delete",
    patches: [
      {
        file: SERVICES,
        says: "    stop: (name, { timeoutMs, withDependents }, caller) => {\n",
        becomes:
          "    stop: async (name, { timeoutMs, withDependents }, caller) => {\n      existing(name);\n",
      },
    ],
  },
  {
    name: "a name whose end was removed could not be used again after a request that the log did not take",
    patches: [
      {
        file: "src/journal/retention.ts",
        says: "    onGone();\n    yield undefined;\n",
        becomes: "    yield undefined;\n",
      },
    ],
  },
];
