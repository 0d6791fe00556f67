#!/bin/sh
# peers.sh [DIR]: measures the kernels beside other programs for the same work, in turns. Writes to DIR
# (results/peers) tables of ratios with intervals, of the limits of this machine and of the quality of the small
# photographs, and a picture. Names and leaves out programs that are not installed. Options:
#   --photos FOLDER  JPEG files (default: Debian's wallpapers)
#   --rounds N       rounds of measurement (9)
#   --only TEXT      only groups whose name contains TEXT; the others in DIR stay as they are
# Takes about eight minutes: run nothing else meanwhile.
set -eu
case " $* " in
*" --help "* | *" -h "*)
    sed -n '2,/^set/s/^# //p' "$0"
    exit 0
    ;;
esac
project=$(cd "$(dirname "$0")/.." && pwd)
folder=$project/results/peers
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
"$project/scripts/build" >/dev/null
python3 "$project/peers/peers.py" "$project/build" "$folder" "$@"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder/plots"
# From the top, a line for the name of each group, then one for each of its programs, the fastest first.
tail -n +2 "$folder/peers.csv" | awk -F';' '!($1 in place) { place[$1] = ++groups }
    $10 == "" { print place[$1] ";" $0 }' | sort -t';' -k1,1n -k5,5gr |
    awk -F';' 'function shown(text) { gsub(/[_^]/, "\\\\\\\\&", text); return text }
        $2 != group { print ++row "\t\"{/:Bold " shown($2) "}\"\tnan\tnan\tnan\t0"; group = $2 }
        { print ++row "\t\"" shown($3) "\"\t" $5 "\t" ($6 == "nan" ? $5 : $6) "\t" \
            ($7 == "nan" ? $5 : $7) "\t" ($3 ~ /^forkbench/ ? 1 : $3 == $8 ? 3 : 2) }' >"$work/rows"
foot=$(awk -F';' 'NR == 2 { first = $9 }
    NR > 1 { first = $9 < first ? $9 : first; last = $9 > last ? $9 : last }
    END { print $8 ", " first (last > first ? " to " last : "") ". Medians, 95 % intervals, paired within a round; the base of each group (black) is 1; blue: forkbench." }' \
    "$folder/peers.csv")
for format in svg png; do
    gnuplot -e "scripts = '$project/scripts/plot'; out = '$work/peers'; format = '$format'; rows = '$work/rows'; foot = \"$foot\"; \
        count = $(wc -l <"$work/rows")" "$project/scripts/plot/peers.gp"
    mv "$work/peers.$format" "$folder/plots/peers.$format"
done
echo "$folder/plots/peers.svg"
