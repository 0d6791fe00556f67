# The figures of run times, from DIR/summary.csv, DIR/inside.csv and DIR/hyperfine.csv. Read by plot.sh.

# A bar for each cell with one worker or as many as effective CPUs, grouped by kernel.
times_plot() {
    awk -F, -v to="$work" -v works="$work/works" "$columns"'
        $at["harness"] == "ceiling" || $at["run_ns_median"] == "" { next }
        $at["workers"] != 1 && $at["workers"] != $at["cpus_effective"] { next }
        {
            work = $at["kernel"] "," $at["parameters"]; ms = $at["run_ns_median"] / 1e6
            low = $at["run_ns_low"] == "" ? ms : $at["run_ns_low"] / 1e6
            high = $at["run_ns_high"] == "" ? ms : $at["run_ns_high"] / 1e6
            name = $at["harness"]; sub(/[=(].*/, "", name)
            label = shown($at["harness"]) ($at["base"] == "" ? "" : " × " $at["workers"])
            if (length(label) > longest) longest = length(label)
            rank = index(name, "cpython") ? 1 : 0
            row[work, rank] = row[work, rank] sprintf("%.6g %.6g %.6g %s \"%s\"\n", ms, low, high,
                name, escape(label))
            if (!least || ms < least) least = ms
            if (high > most) most = high
        }
        END {
            while ((getline work < works) > 0) {
                split(work, part, ",")
                title = part[1] (part[2] == "" ? "" : " (" part[2] ")")
                if (length(title) > longest) longest = length(title)
                print y++, "\"{/:Bold " escape(title) "}\"" > (to "/kernels.dat")
                count = split(row[work, 0] row[work, 1], line, "\n")
                for (i = 1; i < count; i++) print y++, line[i] > (to "/bars.dat")
                y += 0.4
            }
            print y > (to "/rows.txt")
            print longest > (to "/longest.txt")
            print least / 3 > (to "/least.txt")
            print most * 2.2 > (to "/most.txt")
        }' "$dir/summary.csv"
    draw times.gp times "folder='$work'" "rows=$(cat "$work/rows.txt")" \
        "longest=$(cat "$work/longest.txt")" \
        "least=$(cat "$work/least.txt")" "most=$(cat "$work/most.txt")" "foot=\"$foot\""
}

# Two bars for each cell: the whole process by hyperfine, and the job inside it as timed by forkbench.
hyperfine_plot() {
    awk -F, -v to="$work" '
        FNR == 1 { file++; for (i = 1; i <= NF; i++) at[file, $i] = i; next }
        file == 1 { inside[$1] = $2 / 1e6 }
        file == 2 {
            cell = $at[2, "command"]; ms = $at[2, "median"] * 1e3
            split(cell, part, " ")
            if (!(cell in inside)) next
            if (part[1] != before) {
                print y++, "\"{/:Bold " part[1] "}\"" > (to "/kernels.dat")
                before = part[1]
            }
            label = part[2] (part[2] == "single" ? "" : " × " part[3])
            if (length(label) > longest) longest = length(label)
            print y++, inside[cell], ms, part[2], "\"" label "\"" > (to "/whole.dat")
            if (!least || inside[cell] < least) least = inside[cell]
            if (ms > most) most = ms
        }
        END {
            print y > (to "/rows.txt")
            print longest > (to "/longest.txt")
            print least / 3 > (to "/least.txt")
            print most * 2.6 > (to "/most.txt")
        }' "$dir/inside.csv" "$dir/hyperfine.csv"
    draw hyperfine.gp hyperfine "folder='$work'" "rows=$(cat "$work/rows.txt")" \
        "longest=$(cat "$work/longest.txt")" \
        "least=$(cat "$work/least.txt")" "most=$(cat "$work/most.txt")" "foot=\"${foot%%\\n*}\""
}
