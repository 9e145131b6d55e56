import { defineCommand } from "citty";
import { commonArgs, connect } from "../args.ts";
import { CURL_FLAGS, parseCurl } from "../curl-words.ts";
import { sendCurl } from "../curl-send.ts";
import type { VerbData } from "../verb.ts";

/** The API by hand. Its words are curl's, so that what people know, and what documentation says, works. */
export const curl = defineCommand({
  meta: {
    name: "curl",
    description: "Send any request to the daemon, in the manner of curl",
    notes: [
      "A body is sent as JSON unless a Content-Type says otherwise. As with curl, an answer of 400 or more is no failure without -f.",
    ],
    literal: true,
    examples: [
      "sprite-env curl /v1/services",
      "sprite-env curl -i -X POST /v1/services/web/stop",
      `sprite-env curl -X PUT /v1/services/web -d '{"cmd":"sleep","args":["60"]}'`,
    ],
  },
  args: {
    path: {
      type: "positional",
      required: true,
      description: "The path, such as /v1/services; http://sprite/v1/services is the same",
    },
    ...CURL_FLAGS,
    socket: commonArgs.socket,
  },
  run: async ({ data }) => {
    const request = parseCurl((data as VerbData).literal); // run.ts calls every verb with it
    return sendCurl(connect({ socket: request.socket }), request);
  },
});
