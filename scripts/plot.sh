#!/bin/sh
# Draws DIR/plots/*.svg and *.png from the CSV files in DIR: summary.csv, samples.csv, scaling.csv and
# timeline.csv of a run, hyperfine.csv, overhead.csv and curves.csv of `forkbench overhead -o DIR`.
set -eu

usage() {
    echo "usage: scripts/plot.sh DIR    (a folder that forkbench run or overhead wrote)" >&2
    exit 2
}
[ $# -eq 1 ] && [ "${1#-}" = "$1" ] || usage
dir=$1
case $dir in /*) ;; *) dir=./$dir ;; esac # otherwise awk takes a name that contains = for an assignment
figures=$(cd "$(dirname "$0")/plot" && pwd)
[ -f "$dir/summary.csv" ] || [ -f "$dir/overhead.csv" ] || {
    echo "plot.sh: neither summary.csv nor overhead.csv: $dir: give a folder that forkbench run or overhead wrote" >&2
    exit 2
}
command -v gnuplot >/dev/null || {
    echo "plot.sh: gnuplot is missing: run scripts/setup" >&2
    exit 3
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir/plots"

# draw FIGURE NAME VARIABLE=VALUE…: draws both formats; a figure that fails leaves no partial file.
draw() {
    figure=$1 name=$2
    shift 2
    for format in svg png; do
        echo "reset session"
        echo "scripts = '$figures'; out = '$work/$name'; format = '$format'"
        for assignment; do
            printf '%s = %s\n' "${assignment%%=*}" "${assignment#*=}"
        done
        echo "load '$figures/$figure'"
    done | gnuplot
    for format in svg png; do
        mv "$work/$name.$format" "$dir/plots/$name.$format"
    done
    echo "$dir/plots/$name.svg"
}

# Functions for awk: escape() quotes a text so that gnuplot prints it literally, plain() does so for
# text that is not enhanced; shown() removes the folder of an interpreter.
texts='function put_before(text, marks, slashes,   i, c, result) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        result = result (c == "\\" ? slashes slashes : index(marks, c) ? slashes c : c)
    }
    return result
}
function escape(text) { return put_before(text, "{}_^@&~", "\\\\") }
function plain(text) { return put_before(text, "", "\\") }
function shown(name) { sub(/=.*\//, "=", name); return name }
'

# Functions for awk: spread() puts the keys order[1] … order[count] into ascending order of value[key]
# and sets place[1] … place[count], where their labels stand: at the values, but at least `apart` apart.
labels='function spread(order, count, value, apart, place,   i, k, swap) {
    for (i = 2; i <= count; i++)
        for (k = i; k > 1 && value[order[k]] < value[order[k-1]]; k--) {
            swap = order[k]; order[k] = order[k-1]; order[k-1] = swap
        }
    for (i = 1; i <= count; i++) {
        place[i] = value[order[i]]
        if (i > 1 && place[i] < place[i-1] + apart) place[i] = place[i-1] + apart
    }
}
'

# For awk: the columns of summary.csv by name; only measured cells, without the second label of the
# cell that is measured twice. The cells of the other build have names of their own.
columns=$texts'
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["status"] != "ok" { next }
$at["role"] == "again" { next } $at["build"] == "against" { $at["harness"] = $at["harness"] "(against)" }'

summary_plots() {
    cpus=$(awk -F, "$columns"'{ print $at["cpus_effective"]; exit }' "$dir/summary.csv")
    foot=$(awk -F, "$columns"'{ printf "%s, %s effective CPUs, %s\\nMedians, 95 %% intervals; speedups are paired with their base; ceiling: independent copies at once.", $at["cpu"], $at["cpus_effective"], substr($at["started_utc"], 1, 10); exit }' "$dir/summary.csv")
    awk -F, "$columns"'!seen[$at["kernel"] "," $at["parameters"]]++ { print $at["kernel"] "," $at["parameters"] }' "$dir/summary.csv" >"$work/works"
    speedup_plots
    times_plot
    [ ! -f "$dir/samples.csv" ] || trials_plot
    [ ! -f "$dir/timeline.csv" ] || timeline_plot
}

. "$figures/speedup.sh"
. "$figures/times.sh"
. "$figures/overhead.sh"
. "$figures/trials.sh"
. "$figures/timeline.sh"
[ ! -f "$dir/overhead.csv" ] || overhead_plots
[ -f "$dir/summary.csv" ] || exit 0
awk -F, "$columns"'{ found = 1 } END { exit !found }' "$dir/summary.csv" || {
    echo "plot.sh: no cell was measured: $dir/summary.csv: see summary.md for what failed" >&2
    exit 1
}
summary_plots
[ ! -f "$dir/hyperfine.csv" ] || {
    rm -f "$work"/*.dat
    hyperfine_plot
}
