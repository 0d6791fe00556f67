#!/bin/sh
# Measures the kernels beside what a user would take instead, in turns, into DIR (results/peers): tables of
# ratios with their intervals, of what this machine could do at most, and of the quality of the small
# photographs; and a picture. Peers that are not installed are named and left out. Options are
# handed to peers/peers.py: --photos DIR, --rounds N, --only GROUP.
set -eu
cd "$(dirname "$0")/.."
folder=results/peers
case ${1-} in
-*) ;;
?*)
    folder=$1
    shift
    ;;
esac
command -v gnuplot >/dev/null || {
    echo "peers.sh: gnuplot is missing: run scripts/setup" >&2
    exit 3
}
scripts/build >/dev/null
python3 peers/peers.py build "$folder" "$@"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder/plots"
# A line each, from the top: a group's name, then its ways, the fastest first.
tail -n +2 "$folder/peers.csv" | awk -F';' '!($1 in place) { place[$1] = ++groups }
    { print place[$1] ";" $0 }' | sort -t';' -k1,1n -k5,5gr |
    awk -F';' 'function shown(text) { gsub(/[_^]/, "\\\\\\\\&", text); return text }
        $2 != group { print ++row "\t\"{/:Bold " shown($2) "}\"\tnan\tnan\tnan\t0"; group = $2 }
        { print ++row "\t\"" shown($3) "\"\t" $5 "\t" ($6 == "nan" ? $5 : $6) "\t" \
            ($7 == "nan" ? $5 : $7) "\t" ($3 ~ /^forkbench/ ? 1 : $3 == $8 ? 3 : 2) }' >"$work/rows"
foot=$(awk -F';' 'END { print $8 ", " $9 ". Medians, 95 % intervals, paired within a round; the base of each group (black) is 1; blue: forkbench." }' \
    "$folder/peers.csv")
for format in svg png; do
    gnuplot -e "scripts = 'scripts'; out = '$work/peers'; format = '$format'; rows = '$work/rows'; foot = \"$foot\"; \
        count = $(wc -l <"$work/rows")" scripts/plot_peers.gp
    mv "$work/peers.$format" "$folder/plots/peers.$format"
done
echo "$folder/plots/peers.svg"
