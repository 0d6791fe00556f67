#!/bin/sh
# Times whole commands, start-up included, kernel × harness × workers, and draws them beside what
# forkbench measures inside: results/hyperfine-<UTC stamp>/. About two minutes; set KERNELS,
# HARNESSES, WORKERS (lists with blanks) or RUNS for something else.
set -eu
cd "$(dirname "$0")/.."
scripts/setup
scripts/build
KERNELS=${KERNELS:-divisors primes resize}
HARNESSES=${HARNESSES:-single pthread forkpool gil}
WORKERS=${WORKERS:-2}
RUNS=${RUNS:-10}
list() { printf %s "$1" | tr -s ' ' ,; }

dir=results/hyperfine-$(date -u +%Y%m%dT%H%M%SZ)
forkbench=$PWD/build/bench/forkbench
echo "== inside: forkbench run"
"$forkbench" run -k "$(list "$KERNELS")" -H "$(list "$HARNESSES")" -w "$(list "$WORKERS")" \
    --budget 40 -o "$dir" >/dev/null

echo "== outside: hyperfine"
set --
for kernel in $KERNELS; do
    for harness in $HARNESSES; do
        for workers in $WORKERS; do
            [ "$harness" != single ] || workers=1
            # The results were checked a moment ago: known by their digest, they are not checked
            # inside the time that hyperfine takes.
            digest=$(awk -F, -v kernel="$kernel" '$3 == kernel { print $NF; exit }' \
                "$dir/samples.csv")
            name="$kernel $harness $workers"
            case " $* " in *" $name "*) continue ;; esac
            set -- "$@" --command-name "$name" \
                "$forkbench exec -k $kernel -H $harness -w $workers --known $digest"
        done
    done
done
hyperfine --shell=none --warmup 1 --runs "$RUNS" --style basic \
    --export-json "$dir/hyperfine.json" --export-markdown "$dir/hyperfine.md" \
    --export-csv "$dir/hyperfine.csv" "$@" 2>/dev/null >"$dir/hyperfine.txt"
rm -f "$dir/hyperfine.txt"
# The export names each command by its path; the name that it was given says it all.
sed -i "s|$forkbench|forkbench|g" "$dir/hyperfine.json"
cat "$dir/hyperfine.md"
scripts/plot.sh "$dir"
