#!/bin/sh
# Shows that zombies are reaped: has the daemon make one, waits, and looks whether it is gone.
#
# Run it where sprite-env is process 1 (or reaps as child subreaper), was started with --debug, and listens for TCP:
#
#   export SPRITE_HTTP_API_TOKEN="your-token"
#   ./test_zombie_reaping.sh [http://127.0.0.1:8080]
#
# It needs curl or python3. Exit code 0: reaped; 1: not; 2: it could not be tried.
set -u
url=${1:-${SPRITE_URL:-http://127.0.0.1:8080}}
fail() { echo "FAIL: $1" >&2; exit "${2:-1}"; }
[ -n "${SPRITE_HTTP_API_TOKEN:-}" ] || fail "SPRITE_HTTP_API_TOKEN is not set" 2

# The token goes to neither command line: others could read it there.
if command -v curl >/dev/null; then
  ask() { printf 'header = "Authorization: Bearer %s"\n' "$SPRITE_HTTP_API_TOKEN" | curl -sS --max-time 10 -K - -X "$1" "$url$2"; }
elif command -v python3 >/dev/null; then
  ask() { python3 -c '
import os, sys, urllib.request as u
r = u.Request(sys.argv[2], method=sys.argv[1], headers={"Authorization": "Bearer " + os.environ["SPRITE_HTTP_API_TOKEN"]})
try: print(u.urlopen(r, timeout=10).read().decode())
except u.HTTPError as e: print(e.read().decode())' "$1" "$url$2"; }
else
  fail "neither curl nor python3 is here" 2
fi
value() { printf '%s' "$2" | sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p"; }

echo "1. creating a zombie"
answer=$(ask POST /debug/create-zombie) || fail "$url does not answer" 2
pid=$(value pid "$answer")
case $pid in '' | *[!0-9]*) fail "no zombie was made: $answer" 2 ;; esac
echo "   process $pid is orphaned, and ends in a moment"

echo "2. waiting for SIGCHLD to do its work"
tries=0
while :; do
  sleep 0.2
  answer=$(ask GET "/debug/check-process?pid=$pid") || fail "$url does not answer" 2
  [ "$(value exists "$answer")" = false ] && break
  tries=$((tries + 1))
  [ "$tries" -lt 25 ] || fail "process $pid is still there after 5 s: $answer"
done

echo "3. it was reaped"
echo "4. $answer"
echo "PASS"
