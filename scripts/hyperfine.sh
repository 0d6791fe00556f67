#!/bin/sh
# Times whole commands, including start-up, for each kernel, harness and number of workers, and draws them
# beside the times that forkbench measures inside, in results/hyperfine-<UTC stamp>/. Takes about two
# minutes; set KERNELS, HARNESSES, WORKERS (lists separated by blanks) or RUNS to change what is timed.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || {
    echo "usage: [KERNELS='…'] [HARNESSES='…'] [WORKERS='…'] [RUNS=N] scripts/hyperfine.sh" >&2
    exit 2
}
scripts/setup
scripts/build
KERNELS=${KERNELS:-divisors primes resize}
HARNESSES=${HARNESSES:-single pthread forkpool gil}
WORKERS=${WORKERS:-2}
RUNS=${RUNS:-10}
BUDGET=${BUDGET:-20}
list() { printf %s "$1" | tr -s ' ' ,; }

dir=results/hyperfine-$(date -u +%Y%m%dT%H%M%SZ)
forkbench=$PWD/build/bench/forkbench
echo "== checks the results once, and measures the ceiling: forkbench run"
"$forkbench" run -k "$(list "$KERNELS")" -H "$(list "$HARNESSES")" -w "$(list "$WORKERS")" \
    --budget "$BUDGET" -o "$dir" >/dev/null

echo "== times whole commands: hyperfine, $RUNS runs each"
set --
for kernel in $KERNELS; do
    for harness in $HARNESSES; do
        for workers in $WORKERS; do
            [ "$harness" != single ] || workers=1
            # The results have been checked before. With a known digest they are not checked again
            # during the time that hyperfine measures.
            digest=$(awk -F, -v kernel="$kernel" '
                NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
                $at["kernel"] == kernel { print $at["digest"]; exit }' "$dir/samples.csv")
            name="$kernel $harness $workers"
            case " $* " in *" $name "*) continue ;; esac
            set -- "$@" --command-name "$name" \
                "$forkbench exec -k $kernel -H $harness -w $workers --json --known $digest"
        done
    done
done
# The output of the same processes contains the time of the job: for each command one to warm up, then
# RUNS, in order.
hyperfine --shell=none --warmup 1 --runs "$RUNS" --show-output \
    --export-json "$dir/hyperfine.json" --export-markdown "$dir/hyperfine.md" \
    --export-csv "$dir/hyperfine.csv" "$@" 2>/dev/null |
    awk -F'[:,]' '/^ *"run_ns":/ { print $2 + 0 }' >"$dir/inside.part"
awk -F, -v runs="$RUNS" '
    FNR == NR { time[FNR] = $1; next }
    FNR == 1 { print "command,run_ns_median"; next }
    {
        first = (FNR - 2) * (runs + 1) + 2
        for (i = 0; i < runs; i++) {
            value = time[first + i]
            for (k = i; k > 0 && sorted[k-1] > value; k--) sorted[k] = sorted[k-1]
            sorted[k] = value
        }
        print $1 "," (sorted[int((runs - 1) / 2)] + sorted[int(runs / 2)]) / 2
    }' "$dir/inside.part" "$dir/hyperfine.csv" >"$dir/inside.csv"
rm -f "$dir/inside.part"
awk -F, 'NR > 1 && $2 <= 0 { bad = 1 } END { exit bad || NR < 2 }' "$dir/inside.csv" || {
    echo "hyperfine.sh: no times from inside the commands: $dir/inside.csv" >&2
    exit 1
}
# Replaces the whole path of each command, which the export contains, by its name.
sed -i "s|$forkbench|forkbench|g" "$dir/hyperfine.json"
cat "$dir/hyperfine.md"
scripts/plot.sh "$dir"
