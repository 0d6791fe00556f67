# The figures of speedups, from DIR/summary.csv and DIR/scaling.csv. Read by plot.sh.

# The data of one work's panel: series.txt, N.dat, label.N, leader.N, ceiling.dat, heading.txt.
panel() {
    kernel=$1 parameters=$2 to=$3
    mkdir -p "$to"
    # By the environment: awk takes a backslash in -v for an escape.
    kernel=$kernel parameters=$parameters scaling=$dir/scaling.csv awk -F, -v to="$to" -v cpus="$cpus" "$columns"'
        BEGIN {
            kernel = ENVIRON["kernel"]; parameters = ENVIRON["parameters"]
            scaling = ENVIRON["scaling"]
            waits = kernel == "sleep" || kernel == "download" || kernel == "mixed"
        }
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
            line = workers " " speedup " " low " " high " " ($at["disturbed"] > 0.1 * $at["blocks"])
            if ($at["disturbed"] > 0.1 * $at["blocks"]) marked = 1
            if (name == "ceiling") {
                if (!waits) print line > (to "/ceiling.dat") # copies wait no faster for being two
                next
            }
            if (!(name in number)) { number[name] = ++count; names[count] = name }
            print line | ("sort -n > " to "/" number[name] ".dat")
            if (workers >= last[name]) { last[name] = workers; end[name] = speedup }
        }
        END {
            printf "" >> (to "/ceiling.dat")
            top = (top < 2 ? 2 : top) * 1.18
            # Labels stand at the right, in the order of the lines, at least one line height apart.
            apart = top / 18
            for (i = 1; i <= count; i++) order[i] = i
            for (i = 2; i <= count; i++)
                for (k = i; k > 1 && end[names[order[k]]] < end[names[order[k-1]]]; k--) {
                    swap = order[k]; order[k] = order[k-1]; order[k-1] = swap
                }
            for (i = 1; i <= count; i++) {
                y[i] = end[names[order[i]]]
                if (i > 1 && y[i] < y[i-1] + apart) y[i] = y[i-1] + apart
            }
            for (i = count; i > 0; i--) {
                limit = i == count ? top - apart / 2 : y[i+1] - apart
                if (y[i] > limit) y[i] = limit
            }
            for (i = 1; i <= count; i++) {
                name = names[order[i]]
                print y[i], "\"" plain(shown(name)) "\"" > (to "/label." order[i])
                print last[name], end[name], y[i] > (to "/leader." order[i])
            }
            for (i = 1; i <= count; i++) print names[i] > (to "/series.txt")
            ticks = "1"
            gap = 2
            before = 1
            for (i = 2; i <= most; i++) if (i in seen) {
                ticks = ticks "," i
                if (i / before < gap) gap = i / before
                before = i
            }
            print gap > (to "/gap.txt")
            if (marked) print "" > (to "/marked.txt")
            # Laws that were fitted: the number of the line, contention, coherency.
            printf "" >> (to "/fits.txt")
            while ((getline < scaling) > 0) {
                if ($1 == "kernel") { for (i = 1; i <= NF; i++) of[$i] = i; continue }
                name = $of["build"] == "against" ? $of["harness"] "(against)" : $of["harness"]
                if ($of["kernel"] == kernel && $of["parameters"] == parameters && $of["usl_contention"] != "" && name in number)
                    print number[name], $of["usl_contention"], $of["usl_coherency"] > (to "/fits.txt")
            }
            print ticks > (to "/ticks.txt")
            print (most ? most : 1) > (to "/most.txt")
            print top > (to "/top.txt")
            # As many times as fast as there are CPUs; who only waits needs none; who does both, in between.
            print kernel == "mixed" ? 0 : waits ? most : cpus > (to "/ideal.txt")
            printf "{/:Bold %s}\\n{/*0.85 1 = %s}", escape(kernel (parameters == "" ? "" : " (" parameters ")")),
                escape(bases) > (to "/heading.txt")
        }' "$dir/summary.csv"
}

# What rings and dotted lines mean, where the panels have some; a line below the foot.
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

summary_plots() {
    cpus=$(awk -F, "$columns"'{ print $at["cpus_effective"]; exit }' "$dir/summary.csv")
    foot=$(awk -F, "$columns"'{ printf "%s, %s effective CPUs, %s\\nMedians, 95 %% intervals; speedups are paired with their base; ceiling: independent copies at once.", $at["cpu"], $at["cpus_effective"], substr($at["started_utc"], 1, 10); exit }' "$dir/summary.csv")
    number=0 panels= most=1 top=2 computing= waiting= mixed=
    awk -F, "$columns"'!seen[$at["kernel"] "," $at["parameters"]]++ { print $at["kernel"] "," $at["parameters"] }' "$dir/summary.csv" >"$work/works"
    while IFS=, read -r kernel parameters; do
        number=$((number + 1))
        to=$work/panel$number
        panel "$kernel" "$parameters" "$to"
        [ -f "$to/series.txt" ] || continue
        name=speedup_$kernel$(printf %s "$parameters" | sed 's/[^A-Za-z0-9]\{1,\}/_/g; s/^./_&/')
        draw speedup.gp "$name" "folder='$to'" "most=$(cat "$to/most.txt")" \
            "top=$(cat "$to/top.txt")" "foot=\"$foot$(explain "$to")\""
        case $kernel in
        sleep | download) waiting=$to ;;
        mixed) mixed=$to ;;
        primes | divisors) computing=${computing:-$to} ;;
        esac
        # The picture is about computing; resize gives up the lock.
        case $kernel in divisors | primes)
            if grep -q cpython "$to/series.txt"; then
                panels="$panels $to"
                most=$(printf '%s\n' "$most" "$(cat "$to/most.txt")" | sort -g | tail -n 1)
                top=$(printf '%s\n' "$top" "$(cat "$to/top.txt")" | sort -g | tail -n 1)
            fi ;;
        esac
    done <"$work/works"
    [ -z "$panels" ] || draw panels.gp gil "panels='${panels# }'" "most=$most" \
        "tops='$(for panel in $panels; do echo "$top"; done | xargs)'" \
        "heading='Threads or processes? The same computing in C, and in Python under its GIL'" \
        "foot=\"$foot$(explain $panels)\""
    [ -z "$computing" ] || [ -z "$waiting$mixed" ] || kinds_plot
    times_plot
    [ ! -f "$dir/samples.csv" ] || trials_plot
    [ ! -f "$dir/timeline.csv" ] || timeline_plot
}

# Work that computes, work that waits, and work that does both, side by side.
kinds_plot() {
    set -- $computing $waiting $mixed
    draw panels.gp kinds "panels='$*'" \
        "most=$(for panel; do cat "$panel/most.txt"; done | sort -g | tail -n 1)" \
        "tops='$(for panel; do cat "$panel/top.txt"; done | xargs)'" \
        "heading='Computing, waiting, both: what each way gives'" "foot=\"$foot$(explain "$@")\""
}
