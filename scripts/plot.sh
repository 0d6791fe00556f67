#!/bin/sh
# Draws DIR/plots/*.svg and *.png from what is there: DIR/summary.csv, samples.csv and scaling.csv of
# a run, hyperfine.csv, overhead.csv and curves.csv of `forkbench overhead -o DIR`.
set -eu

usage() {
    echo "usage: scripts/plot.sh DIR    (a folder that forkbench run or overhead wrote)" >&2
    exit 2
}
[ $# -eq 1 ] && [ "${1#-}" = "$1" ] || usage
dir=$1
case $dir in /*) ;; *) dir=./$dir ;; esac # or awk takes a name with = in it for an assignment
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

# draw FIGURE NAME VARIABLE=VALUE…: both formats; a failed figure leaves no half file behind.
draw() {
    figure=$1 name=$2
    shift 2
    for format in svg png; do
        {
            echo "scripts = '$figures'; out = '$work/$name'; format = '$format'"
            for assignment; do
                printf '%s = %s\n' "${assignment%%=*}" "${assignment#*=}"
            done
            echo "load '$figures/$figure'"
        } | gnuplot
        mv "$work/$name.$format" "$dir/plots/$name.$format"
    done
    echo "$dir/plots/$name.svg"
}

# For awk: escape() makes gnuplot print a quoted text as it is, plain() where it is not enhanced;
# shown() leaves out the folder of an interpreter.
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

# Columns of summary.csv by name, for awk. A cell's second label is no line of its own; the other
# build's are.
columns=$texts'
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["status"] != "ok" { next }
$at["role"] == "again" { next } $at["build"] == "against" { $at["harness"] = $at["harness"] "(against)" }'

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
