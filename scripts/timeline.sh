#!/bin/sh
# Writes DIR/timeline.csv: which worker computed when, in a job on one thread, on threads, on processes
# and under the emulated GIL, all with the same work. plot.sh DIR then draws it.
set -eu
[ $# -eq 1 ] && [ -d "$1" ] || {
    echo "usage: scripts/timeline.sh DIR    (a folder that forkbench run wrote)" >&2
    exit 2
}
forkbench=$(dirname "$0")/../build/bench/forkbench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for harness in single pthread forkpool gil; do
    # Traces the second job of two: the first one wakes all workers.
    "$forkbench" exec -k primes -p ranges=64 -H "$harness" -w 2 --repeat 2 --trace "$work/part.csv" >/dev/null
    [ ! -f "$work/all.csv" ] || sed -i 1d "$work/part.csv"
    cat "$work/part.csv" >>"$work/all.csv"
done
mv "$work/all.csv" "$1/timeline.csv"
