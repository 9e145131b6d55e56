import { describe, expect, it } from "vitest";
import { places, socketPlaces } from "../../src/config/places.ts";

const yes = () => true;
const no = () => false;
const user = { HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/1000" };

describe("as root where /.sprite can be written", () => {
  it("keeps everything there", () => {
    expect(places({ HOME: "/root" }, 0, yes)).toEqual({
      stateDir: "/.sprite",
      socketPath: "/.sprite/api.sock",
      logDir: "/.sprite/logs/services",
      notices: [],
    });
  });

  it("moves the state alone under SPRITE_WRITE_DIR", () => {
    expect(places({ SPRITE_WRITE_DIR: "/dev/fly_vol" }, 0, yes)).toMatchObject({
      stateDir: "/dev/fly_vol/.sprite",
      socketPath: "/.sprite/api.sock",
      logDir: "/.sprite/logs/services",
    });
  });

  it("asks about /.sprite and nothing else", () => {
    const asked: string[] = [];
    places({}, 0, (directory) => asked.push(directory) > 0);
    expect(asked).toEqual(["/.sprite"]);
  });
});

describe("elsewhere", () => {
  it("follows the XDG directories", () => {
    expect(places({ ...user, XDG_STATE_HOME: "/home/ada/st" }, 1000, yes)).toEqual({
      stateDir: "/home/ada/st/sprite-env",
      socketPath: "/run/user/1000/sprite-env/api.sock",
      logDir: "/home/ada/st/sprite-env/logs/services",
      notices: [],
    });
  });

  it("takes ~/.local/state where XDG_STATE_HOME is missing, empty or relative", () => {
    for (const env of [user, { ...user, XDG_STATE_HOME: "" }, { ...user, XDG_STATE_HOME: "st" }]) {
      expect(places(env, 1000, yes).stateDir).toBe("/home/ada/.local/state/sprite-env");
    }
  });

  it("treats root that cannot write /.sprite like any user", () => {
    expect(places(user, 0, no)).toMatchObject({
      stateDir: "/home/ada/.local/state/sprite-env",
      socketPath: "/run/user/1000/sprite-env/api.sock",
    });
  });

  it("puts the socket under the state directory without XDG_RUNTIME_DIR, and says so", () => {
    const found = places({ HOME: "/home/ada" }, 1000, no);

    expect(found.socketPath).toBe("/home/ada/.local/state/sprite-env/run/api.sock");
    expect(found.notices).toEqual([
      "XDG_RUNTIME_DIR is not set, so the API socket is /home/ada/.local/state/sprite-env/run/api.sock",
    ]);
  });

  it("says what to do when nothing names a place", () => {
    expect(() => places({}, 1000, no)).toThrow(/neither XDG_STATE_HOME nor HOME.*--state-dir/);
  });
});

it("takes variables over defaults, and what was chosen over variables", () => {
  const env = { ...user, SPRITE_ENV_STATE_DIR: "/env/state", SPRITE_ENV_SOCKET: "/env/s.sock" };

  expect(places(env, 1000, yes)).toMatchObject({
    stateDir: "/env/state",
    socketPath: "/env/s.sock",
  });
  expect(places(env, 1000, yes, { stateDir: "/c", socketPath: "/c/s", logDir: "/c/l" })).toEqual({
    stateDir: "/c",
    socketPath: "/c/s",
    logDir: "/c/l",
    notices: [],
  });
});

describe("a client", () => {
  it("looks at the named socket alone", () => {
    expect(socketPlaces({ ...user, SPRITE_ENV_SOCKET: "/env/s" }, 1000)).toEqual(["/env/s"]);
    expect(socketPlaces({ ...user, SPRITE_ENV_SOCKET: "/env/s" }, 1000, "/given")).toEqual([
      "/given",
    ]);
  });

  it("looks at every place a daemon takes by default, one's own first", () => {
    const own = "/run/user/1000/sprite-env/api.sock";
    expect(socketPlaces(user, 1000)).toEqual([own, "/.sprite/api.sock"]);
    expect(socketPlaces(user, 0)).toEqual(["/.sprite/api.sock", own]);
    expect(socketPlaces({}, 1000)).toEqual(["/.sprite/api.sock"]);
  });

  it("finds the socket that a daemon without XDG_RUNTIME_DIR made", () => {
    const env = { HOME: "/home/ada" };
    expect(socketPlaces(env, 1000)).toContain(places(env, 1000, no).socketPath);
  });
});
