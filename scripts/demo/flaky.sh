#!/bin/sh
# Works for ten seconds, then fails: something to ask `why` about.
echo "flaky: up"
sleep 10
echo "flaky: the answer is wrong" >&2
exit 7
