/** Put in its place by the build; absent where Node runs the sources. */
declare const SPRITE_ENV_VERSION: string | undefined;

/** The release, as package.json has it. */
export const VERSION: string =
  typeof SPRITE_ENV_VERSION === "string" ? SPRITE_ENV_VERSION : "from source";

/** The name we were started by. */
export const PROGRAM: string =
  process.env["SPRITE_ENV_PROGRAM"] === "spritectl" ? "spritectl" : "sprite-env";
