# The figures of speedups, from DIR/summary.csv and DIR/scaling.csv. Read by plot.sh.

# panel_awk TO PROGRAM FILE: runs awk over a CSV file for the panel of $kernel and $parameters. They come
# through the environment, because awk interprets backslashes in -v.
panel_awk() {
    kernel=$kernel parameters=$parameters awk -F, -v to="$1" -v cpus="$cpus" "BEGIN {
        kernel = ENVIRON[\"kernel\"]; parameters = ENVIRON[\"parameters\"]
        waits = kernel == \"sleep\" || kernel == \"download\" || kernel == \"mixed\"
    }
$2" "$3"
}

# The lines of a panel: N.dat and ceiling.dat (workers speedup low high marked), series.txt, ends.txt
# (workers, speedup and name at the end of each line), heading.txt and what the axes need.
panel_lines() {
    panel_awk "$1" "$columns"'
        $at["kernel"] != kernel || $at["parameters"] != parameters { next }
        {
            name = $at["harness"]; workers = $at["workers"] + 0; speedup = $at["speedup_median"]
            low = $at["speedup_low"] == "" ? speedup : $at["speedup_low"]
            high = $at["speedup_high"] == "" ? speedup : $at["speedup_high"]
            if ($at["base"] == "") {
                bases = bases (bases == "" ? "" : "; ") sprintf("%s, " ($at["run_ns_median"] < 1e8 ? "%.3g" : "%.0f") " ms", shown(name),
                    $at["run_ns_median"] / 1e6)
                next
            }
            if (speedup == "") next
            if (workers > most) most = workers
            seen[workers] = 1
            if (high + 0 > top) top = high + 0
            marked = $at["disturbed"] > 0.1 * $at["blocks"]
            if (marked) print "" > (to "/marked.txt")
            line = workers " " speedup " " low " " high " " marked
            if (name == "ceiling") {
                if (!waits) print line > (to "/ceiling.dat") # two copies that wait need no longer than one
                next
            }
            if (!(name in number)) { number[name] = ++count; names[count] = name }
            print line | ("sort -n > " to "/" number[name] ".dat")
            if (workers >= last[name]) { last[name] = workers; end[name] = speedup }
        }
        END {
            printf "" >> (to "/ceiling.dat")
            for (i = 1; i <= count; i++) print names[i] > (to "/series.txt")
            for (i = 1; i <= count; i++) print last[names[i]] "," end[names[i]] "," names[i] > (to "/ends.txt")
            ticks = "1"
            gap = 2
            before = 1
            for (i = 2; i <= most; i++) if (i in seen) {
                ticks = ticks "," i
                if (i / before < gap) gap = i / before
                before = i
            }
            print gap > (to "/gap.txt")
            print ticks > (to "/ticks.txt")
            print (most ? most : 1) > (to "/most.txt")
            print (top < 2 ? 2 : top) * 1.18 > (to "/top.txt")
            # At most as many times as fast as there are CPUs. Work that only waits needs no CPU; for work
            # that waits and computes the most is not known.
            print kernel == "mixed" ? 0 : waits ? most : cpus > (to "/ideal.txt")
            printf "{/:Bold %s}\\n{/*0.85 1 = %s}", escape(kernel (parameters == "" ? "" : " (" parameters ")")),
                escape(bases) > (to "/heading.txt")
        }' "$dir/summary.csv"
}

# label.N (y, name) and leader.N (the line from the end of a line to its label): labels stand at the
# right, in the order of the lines, at least one line height apart, and below the top of the panel.
panel_labels() {
    awk -F, -v to="$1" -v top="$(cat "$1/top.txt")" "$texts$labels"'
        { last[NR] = $1; value[NR] = $2; name[NR] = $3; order[NR] = NR }
        END {
            apart = top / 18
            spread(order, NR, value, apart, y)
            for (i = NR; i > 0; i--) {
                limit = i == NR ? top - apart / 2 : y[i+1] - apart
                if (y[i] > limit) y[i] = limit
            }
            for (i = 1; i <= NR; i++) {
                print y[i], "\"" plain(shown(name[order[i]])) "\"" > (to "/label." order[i])
                print last[order[i]], value[order[i]], y[i] > (to "/leader." order[i])
            }
        }' "$1/ends.txt"
}

# fits.txt: the number of the line, contention and coherency of each law that was fitted.
panel_laws() {
    : >"$1/fits.txt"
    [ -f "$dir/scaling.csv" ] || return 0
    panel_awk "$1" '
        NR == 1 {
            for (i = 1; i <= NF; i++) at[$i] = i
            while ((getline line < (to "/series.txt")) > 0) number[line] = ++count
            next
        }
        {
            name = $at["build"] == "against" ? $at["harness"] "(against)" : $at["harness"]
            if ($at["kernel"] == kernel && $at["parameters"] == parameters && $at["usl_contention"] != "" && name in number)
                print number[name], $at["usl_contention"], $at["usl_coherency"] > (to "/fits.txt")
        }' "$dir/scaling.csv"
}

# The data of the panel of one kernel with its parameters, in the folder TO: see speedup_panel.gp.
panel() {
    kernel=$1 parameters=$2
    mkdir -p "$3"
    panel_lines "$3"
    [ -f "$3/series.txt" ] || return 0
    panel_labels "$3"
    panel_laws "$3"
}

# explain FOLDER…: explains rings and dotted lines, if these panels have some, in a line below the foot.
explain() {
    text=
    for folder; do
        [ ! -f "$folder/marked.txt" ] || text="Ring: more than a tenth of its trials were disturbed."
    done
    for folder; do
        [ ! -s "$folder/fits.txt" ] || {
            text="$text${text:+ }Dotted: the fitted Universal Scalability Law."
            break
        }
    done
    [ -z "$text" ] || printf '%s' "\\n$text"
}

# largest_of FILE FOLDER…: the largest number in that file of the folders.
largest_of() {
    file=$1
    shift
    for folder; do cat "$folder/$file"; done | sort -g | tail -n 1
}

# Draws the panel in the folder $to.
speedup_plot() {
    name=speedup_$kernel$(printf %s "$parameters" | sed 's/[^A-Za-z0-9]\{1,\}/_/g; s/^./_&/')
    draw speedup.gp "$name" "folder='$to'" "most=$(cat "$to/most.txt")" \
        "top=$(cat "$to/top.txt")" "foot=\"$foot$(explain "$to")\""
}

# A figure for each kernel with its parameters, and those that show several of them side by side.
speedup_plots() {
    number=0 panels= computing= waiting= mixed=
    while IFS=, read -r kernel parameters; do
        number=$((number + 1))
        to=$work/panel$number
        panel "$kernel" "$parameters" "$to"
        [ -f "$to/series.txt" ] || continue
        speedup_plot
        case $kernel in
        sleep | download) waiting=$to ;;
        mixed) mixed=$to ;;
        primes | divisors)
            computing=${computing:-$to}
            ! grep -q cpython "$to/series.txt" || panels="$panels $to"
            ;;
        esac
    done <"$work/works"
    [ -z "$panels" ] || gil_plot $panels
    [ -z "$computing" ] || [ -z "$waiting$mixed" ] || kinds_plot $computing $waiting $mixed
}

# Only kernels that hold the lock while they compute: resize releases it.
gil_plot() {
    top=$(largest_of top.txt "$@")
    draw panels.gp gil "panels='$*'" "most=$(largest_of most.txt "$@")" \
        "tops='$(for panel; do echo "$top"; done | xargs)'" \
        "heading='Threads or processes? The same computing in C, and in Python under its GIL'" \
        "foot=\"$foot$(explain "$@")\""
}

# Work that computes, work that waits, and work that does both, side by side.
kinds_plot() {
    draw panels.gp kinds "panels='$*'" "most=$(largest_of most.txt "$@")" \
        "tops='$(for panel; do cat "$panel/top.txt"; done | xargs)'" \
        "heading='Computing, waiting, both: what each way gives'" "foot=\"$foot$(explain "$@")\""
}
