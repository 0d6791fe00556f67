# The figure of all trials, from DIR/samples.csv and DIR/summary.csv. Read by plot.sh.

# A row for each cell, and in it a point for each trial: its distance from the median of the cell to the
# right, the blocks from top to bottom. Trials beyond 25 % are drawn at the edge.
trials_plot() {
    to=$work/trials
    mkdir -p "$to"
    awk -F, -v to="$to" "$texts"'
        FNR == 1 { file++; for (i = 1; i <= NF; i++) at[file, $i] = i; next }
        { key = $at[file, "kernel"] "," $at[file, "parameters"] "," $at[file, "harness"] "," $at[file, "workers"] "," $at[file, "role"] "," $at[file, "build"] }
        file == 1 {
            if ($at[1, "status"] != "ok" || $at[1, "run_ns_median"] == "") next
            work = $at[1, "kernel"] "," $at[1, "parameters"]
            if (!(work in cells)) { works[++count] = work; cells[work] = 0 }
            row[work, ++cells[work]] = key
            median[key] = $at[1, "run_ns_median"]
            if ($at[1, "blocks"] > blocks) blocks = $at[1, "blocks"]
            note = $at[1, "role"] == "again" ? " (again)" : $at[1, "build"] == "against" ? " (against)" : ""
            label[key] = shown($at[1, "harness"]) note ($at[1, "role"] == "base" ? "" : " × " $at[1, "workers"])
            if (length(label[key]) > longest) longest = length(label[key])
            next
        }
        $at[2, "block"] > 0 && key in median {
            away = 100 * ($at[2, "run_ns"] / median[key] - 1)
            kind = $at[2, "disturbed"] != "" ? "disturbed" : "quiet"
            score = $at[2, "outlier_score"]; far = score > 3.5 || score < -3.5
            edge = away > 25 ? 1 : away < -25 ? -1 : 0
            point[key] = point[key] sprintf("%g %g %s %d %d %s\n", edge ? 25 * edge : away,
                ($at[2, "block"] - 0.5) / blocks - 0.5, kind, far, edge, $at[2, "harness"])
        }
        END {
            for (i = 1; i <= count; i++) {
                split(works[i], part, ",")
                title = part[1] (part[2] == "" ? "" : " (" part[2] ")")
                if (length(title) > longest) longest = length(title)
                print y++, "\"{/:Bold " escape(title) "}\"" > (to "/titles.dat")
                for (k = 1; k <= cells[works[i]]; k++) {
                    key = row[works[i], k]
                    print y, "\"" escape(label[key]) "\"" > (to "/rows.dat")
                    lines = split(point[key], line, "\n")
                    for (l = 1; l < lines; l++) {
                        split(line[l], field, " ")
                        name = field[6]; sub(/=.*/, "", name)
                        print field[1], y + 0.75 * field[2], field[3], field[4], field[5], name > (to "/points.dat")
                    }
                    y++
                }
                y += 0.4
            }
            print y, longest > (to "/range.txt")
        }' "$dir/summary.csv" "$dir/samples.csv"
    [ -f "$to/points.dat" ] || return 0
    read -r rows longest <"$to/range.txt"
    draw trials.gp trials "folder='$to'" "rows=$rows" "longest=$longest" "foot=\"${foot%%\\n*}\""
}
