#!/bin/sh
# Says something every second, and ends when it is told to.
trap 'echo "ticker: good bye"; exit 0' TERM
n=0
while :; do
  n=$((n + 1))
  echo "tick $n"
  sleep 1 &
  wait $!
done
