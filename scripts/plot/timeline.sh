# The figure of which worker computed when, from DIR/timeline.csv. Read by plot.sh.

# A row for each worker, grouped by harness. If there is a lock, the spans are of holding it and waiting for
# it, not chunks, because a chunk continues while its worker waits.
timeline_plot() {
    to=$work/timeline
    mkdir -p "$to"
    awk -F, -v to="$to" "$texts"'
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        {
            name = $at["harness"]
            if (!(name in workers)) { names[++count] = name; workers[name] = $at["workers"] }
            run_ms[name] = $at["run_ns"] / 1e6
            if ($at["what"] != "chunk") locked[name] = 1
            spans[name] = spans[name] $at["worker"] " " $at["what"] " " $at["begin_ns"] / 1e6 " " $at["end_ns"] / 1e6 "\n"
            kernel = $at["kernel"]
        }
        END {
            for (i = 1; i <= count; i++) {
                name = names[i]
                if (run_ms[name] > most) most = run_ms[name]
                printf "%g \"{/:Bold %s}   %.3g ms\"\n", y++, put_before(name, "{}_^@&~", "\\\\\\\\"), run_ms[name] > (to "/titles.dat")
                for (k = 0; k < workers[name]; k++)
                    print y + k, "\"worker " k "\"" > (to "/rows.dat")
                lines = split(spans[name], line, "\n")
                for (l = 1; l < lines; l++) {
                    split(line[l], field, " ")
                    if (name in locked && field[2] == "chunk") continue
                    print field[3], field[4], y + field[1], field[2], name > (to "/spans.dat")
                }
                print run_ms[name], y - 0.5, y + workers[name] - 0.5 > (to "/ends.dat")
                y += workers[name] + 0.3
            }
            print y, most > (to "/range.txt")
            print kernel > (to "/kernel.txt")
        }' "$dir/timeline.csv"
    [ -f "$to/spans.dat" ] || return 0
    read -r rows most <"$to/range.txt"
    draw timeline.gp timeline "folder='$to'" "rows=$rows" "most=$most" \
        "kernel='$(cat "$to/kernel.txt")'" "foot=\"${foot%%\\n*}\""
}
