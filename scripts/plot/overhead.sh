# The figures of `forkbench overhead`, from DIR/overhead.csv and DIR/curves.csv. Read by plot.sh.

# Columns of either file by name, for awk.
overhead_columns='NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{ for (i = 1; i <= NF; i++) if ($i == "inf") $i = "" }' # lengths that were never reached are not drawn

# Time against workers, a panel for each parent: N.ready.WAY, N.end.WAY: workers value low high.
creation_plot() {
    to=$work/creation
    mkdir -p "$to"
    awk -F, -v to="$to" "$labels$overhead_columns"'
        $at["name"] != "create.ready" && $at["name"] != "create.end" || $at["value"] == "" { next }
        !($at["state"] in panel) { panel[$at["state"]] = ++panels; print $at["state"] > (to "/panels.txt") }
        {
            what = substr($at["name"], 8)
            file = to "/" panel[$at["state"]] "." what "." $at["harness"]
            low = ($at["low"] == "" ? $at["value"] : $at["low"]) / 1e6
            high = ($at["high"] == "" ? $at["value"] : $at["high"]) / 1e6
            print $at["workers"], $at["value"] / 1e6, low, high > file
            if (!least || low < least) least = low
            if (high > most) most = high
            end[panel[$at["state"]], what, $at["harness"]] = $at["value"] / 1e6
            if (!($at["workers"] in seen)) { seen[$at["workers"]]; ticks = ticks (ticks == "" ? "" : ",") $at["workers"]; last = $at["workers"] }
        }
        END {
            print ticks > (to "/ticks.txt"); print least / 2, most * 2, last > (to "/range.txt")
            # Names stand at the ends of their lines, moved apart where those are close.
            apart = log(most / least * 4) / 13
            for (p = 1; p <= panels; p++) for (w = 1; w <= 2; w++) {
                what = w == 1 ? "ready" : "end"
                ways = split("pthread fork spawn", order, " ")
                for (i = 1; i <= ways; i++) value[order[i]] = log(end[p, what, order[i]])
                spread(order, ways, value, apart, y)
                for (i = 1; i <= ways; i++) print last, exp(y[i]), order[i] > (to "/" p "." what ".names")
            }
        }' "$dir/overhead.csv"
    [ -f "$to/panels.txt" ] || return 0
    read -r least most last <"$to/range.txt"
    draw creation.gp overhead_creation "folder='$to'" "panels=$(wc -l <"$to/panels.txt")" \
        "least=$least" "most=$most" "last=$last" "foot=\"$overhead_foot\""
}

# Efficiency against task length, a panel for each binding, with marks at the METG.
efficiency_plot() {
    to=$work/efficiency
    mkdir -p "$to"
    [ -f "$dir/curves.csv" ] || return 0
    awk -F, -v to="$to" "$overhead_columns"'$at["efficiency"] != "" {
        series = to "/series." $at["binding"]
        if (!(series $at["harness"] in seen)) { seen[series $at["harness"]]; print $at["harness"] > series }
        low = $at["efficiency_low"] == "" ? $at["efficiency"] : $at["efficiency_low"]
        high = $at["efficiency_high"] == "" ? $at["efficiency"] : $at["efficiency_high"]
        print $at["length_ns"], $at["efficiency"], low, high > (to "/" $at["binding"] "." $at["harness"])
        if ($at["length_ns"] > most) most = $at["length_ns"]
        if (!least || $at["length_ns"] < least) least = $at["length_ns"]
        workers = $at["workers"]
    } END { print least * 0.8, most * 1.25, workers > (to "/range.txt") }' "$dir/curves.csv"
    awk -F, -v to="$to" "$overhead_columns"'
        $at["name"] ~ /^dispatch\.metg[0-9]+$/ && $at["value"] != "" {
            level = substr($at["name"], 14) / 100
            print $at["value"], level, $at["harness"] > (to "/metg." $at["binding"])
        }' "$dir/overhead.csv"
    [ -f "$to/series.unbound" ] && [ -f "$to/series.bound" ] || return 0
    # If none was reached, an empty file: gnuplot warns of missing files.
    for binding in unbound bound; do
        [ -f "$to/metg.$binding" ] || echo "NaN NaN none" >"$to/metg.$binding"
    done
    read -r least most workers <"$to/range.txt"
    draw efficiency.gp overhead_efficiency "folder='$to'" "least=$least" "most=$most" \
        "workers=$workers" "foot=\"$overhead_foot\""
}

# A bar for each metric, in nanoseconds.
latency_plot() {
    to=$work/latency
    mkdir -p "$to"
    awk -F, -v to="$to" "$overhead_columns"'
        function bar(group, label) {
            low = $at["low"] == "" ? $at["value"] : $at["low"]; high = $at["high"] == "" ? $at["value"] : $at["high"]
            rows[group, ++count[group]] = $at["value"] " " low " " high " " $at["harness"] " \"" label "\""
            if (!least || low + 0 < least) least = low + 0
            if (high + 0 > most) most = high + 0
        }
        $at["value"] == "" || $at["unit"] != "ns" { next }
        $at["name"] == "handover.wake" { bar(1, $at["harness"] ", " $at["state"] ", " $at["binding"]) }
        $at["name"] == "handover.switch" { bar(2, $at["harness"]) }
        $at["name"] == "dispatch.empty" { bar($at["state"] == "cold" ? 3 : 4, $at["harness"] ", " $at["binding"]) }
        $at["name"] == "dispatch.claim" { bar(5, $at["harness"] ", " $at["binding"]) }
        END {
            split("waking a sleeper|a context switch|an empty job, cold|an empty job, warm|claiming one item", title, "|")
            for (g = 1; g <= 5; g++) if (count[g]) {
                print y++, "\"{/:Bold " title[g] "}\"" > (to "/titles.dat")
                for (i = 1; i <= count[g]; i++) print y++, rows[g, i] > (to "/bars.dat")
                y += 0.4
            }
            print least / 3, most * 6, y > (to "/range.txt")
        }' "$dir/overhead.csv"
    [ -f "$to/bars.dat" ] || return 0
    read -r least most rows <"$to/range.txt"
    draw latency.gp overhead_latency "what='What handing over costs'" "folder='$to'" "least=$least" "most=$most" "rows=$rows" \
        "foot=\"$overhead_foot\""
}

# The runtime's pool, Python's and the plain way: a bar for each metric, in nanoseconds.
pools_plot() {
    to=$work/pools
    mkdir -p "$to"
    awk -F, -v to="$to" "$overhead_columns"'
        function bar(group, label) {
            series = $at["harness"] == "fork" || $at["harness"] == "futex" ? "plain" : $at["harness"]; gsub(" ", "_", series)
            low = $at["low"] == "" ? $at["value"] : $at["low"]; high = $at["high"] == "" ? $at["value"] : $at["high"]
            rows[group, ++count[group]] = $at["value"] " " low " " high " " series " \"" label "\""
            if (!least || low + 0 < least) least = low + 0
            if (high + 0 > most) most = high + 0
        }
        BEGIN { name["pool"] = "forkbench"; name["Python Pool"] = "Python: Pool"; name["ProcessPoolExecutor"] = "Python: ProcessPoolExecutor" }
        $at["value"] == "" || $at["unit"] != "ns" || $at["name"] !~ /^pool\./ { next }
        { who = name[$at["harness"]] }
        $at["name"] == "pool.open" { bar($at["state"] ~ /spawned/ ? 6 : 1, $at["harness"] == "fork" ? "two forks, one after the other" : who ($at["state"] ~ /spawned/ ? ", fresh images" : "")) }
        $at["name"] == "pool.task" { bar(2, who) }
        $at["name"] == "pool.item" { bar(3, who) }
        $at["name"] == "pool.latency" && $at["binding"] == "bound" { bar(7, ($at["harness"] == "futex" ? "two processes, a futex" : who) ", one CPU") }
        $at["name"] == "pool.latency" && $at["binding"] != "bound" { bar(4, who) }
        $at["name"] == "pool.death" { bar(5, "its task known as lost") }
        $at["name"] == "pool.replace" { sub("parent", "owner of", $at["state"]); bar(5, "replaced, " $at["state"]) }
        END {
            for (i = 1; i <= count[7]; i++) rows[4, ++count[4]] = rows[7, i]
            if (count[6]) rows[1, ++count[1]] = rows[6, 1]
            split("two workers, opened and closed|a task, of many at once|an item of a map, one by one|a task there and back|forkbench, after a worker\047s death", title, "|")
            for (g = 1; g <= 5; g++) if (count[g]) {
                print y++, "\"{/:Bold " title[g] "}\"" > (to "/titles.dat")
                for (i = 1; i <= count[g]; i++) print y++, rows[g, i] > (to "/bars.dat")
                y += 0.4
            }
            print least / 3, most * 6, y > (to "/range.txt")
        }' "$dir/overhead.csv"
    [ -f "$to/bars.dat" ] || return 0
    read -r least most rows <"$to/range.txt"
    draw latency.gp overhead_pools "what='What a pool of processes costs'" "folder='$to'" \
        "least=$least" "most=$most" "rows=$rows" "foot=\"$overhead_foot\""
}

# How late a waiting thread continues beside a computing one, with and without the lock, in nanoseconds.
convoy_plot() {
    to=$work/convoy
    mkdir -p "$to"
    awk -F, -v to="$to" "$overhead_columns"'
        BEGIN {
            name["pthread"] = "C: threads"; name["gil"] = "C: threads under a GIL"; name["gil 1 ms"] = "C: a GIL asked for after 1 ms"
            name["cpython-thread"] = "Python: threads"; name["cpython-process"] = "Python: a process of its own"
        }
        $at["value"] == "" || $at["name"] != "convoy.latency" { next }
        {
            low = $at["low"] == "" ? $at["value"] : $at["low"]; high = $at["high"] == "" ? $at["value"] : $at["high"]
            series = $at["harness"]; sub(/ .*/, "", series)
            print ++rows, $at["value"], low, high, series, "\"" name[$at["harness"]] "\"" > (to "/bars.dat")
            if (!least || low + 0 < least) least = low + 0
            if (high + 0 > most) most = high + 0
        }
        END {
            print 0, "\"{/:Bold who waits}\"" > (to "/titles.dat")
            if (rows) print least / 3, most * 6, rows + 1 > (to "/range.txt")
        }' "$dir/overhead.csv"
    [ -f "$to/bars.dat" ] || return 0
    read -r least most rows <"$to/range.txt"
    draw latency.gp overhead_convoy "what='How late who waits for 1 ms comes beside who computes'" \
        "folder='$to'" "least=$least" "most=$most" "rows=$rows" "foot=\"$overhead_foot\""
}

# Where the time of a coarse job beyond its ceiling goes: a bar for each harness, in ms.
account_plot() {
    to=$work/account
    mkdir -p "$to"
    awk -F, -v to="$to" "$overhead_columns"'
        $at["name"] !~ /^account\./ { next }
        !($at["harness"] in seen) { seen[$at["harness"]]; order[++count] = $at["harness"] }
        { value[$at["harness"], substr($at["name"], 9)] = $at["value"]; workers = $at["workers"] }
        $at["name"] == "account.unexplained" { low[$at["harness"]] = $at["low"]; high[$at["harness"]] = $at["high"] }
        END {
            if (!count) exit
            parts = split("start claims slowest join unexplained", part, " ")
            for (i = 1; i <= count; i++) {
                h = order[i]; from = 0; negative = 0
                for (k = 1; k <= parts; k++) {
                    ms = value[h, part[k]] / 1e6
                    if (ms < 0) { print i, negative + ms, negative, k > (to "/bars.dat"); negative += ms }
                    else { print i, from, from + ms, k > (to "/bars.dat"); from += ms }
                }
                if (from > most) most = from
                if (negative < least) least = negative
                interval = low[h] == "" ? "" : sprintf(" [%.2f, %.2f]", low[h] / 1e6, high[h] / 1e6)
                printf "%d %g \"%s\" \"%.2f ms beyond its ceiling of %.2f ms; unexplained: %.2f ms%s\"\n", i, from, h, value[h, "excess"] / 1e6, value[h, "ceiling"] / 1e6, value[h, "unexplained"] / 1e6, interval > (to "/rows.dat")
            }
            print least * 1.1, most * 1.15, count, workers > (to "/range.txt")
        }' "$dir/overhead.csv"
    [ -f "$to/range.txt" ] || return 0
    read -r least most rows workers <"$to/range.txt"
    draw account.gp overhead_account "folder='$to'" "least=$least" "most=$most" "rows=$rows" \
        "workers=$workers" "foot=\"$overhead_foot\""
}

# Messages and bytes per second against the size of a message, a line for each way.
exchange_plot() {
    to=$work/exchange
    mkdir -p "$to"
    awk -F, -v to="$to" "$labels$overhead_columns"'
        $at["name"] == "payload.copy" && $at["harness"] == "memcpy" && $at["value"] != "" { memcpy = 1e9 / $at["value"] }
        $at["name"] != "exchange.message" || $at["value"] == "" { next }
        {
            split($at["state"], size, " ")
            bytes = size[1] * (size[2] == "MiB" ? 1048576 : size[2] == "KiB" ? 1024 : 1)
            way = $at["harness"]; gsub(" ", "_", way)
            if (!(way in seen)) { seen[way]; order[++ways] = way; list = list (ways > 1 ? " " : "") way }
            low = $at["low"] == "" ? $at["value"] : $at["low"]; high = $at["high"] == "" ? $at["value"] : $at["high"]
            for (n = 1; n <= 2; n++) {
                scale = n == 1 ? 1e9 : 1e9 * bytes / 1048576
                print bytes, scale / $at["value"], scale / high, scale / low > (to "/" n "." way)
                y = scale / $at["value"]
                if (!least[n] || y < least[n]) least[n] = y
                if (y > most[n]) most[n] = y
                if (bytes == 1) end[n, way] = y
            }
        }
        END {
            if (!ways) exit
            if (memcpy > most[2]) most[2] = memcpy
            print list > (to "/ways.txt")
            print least[1] / 2, most[1] * 2, least[2] / 2, most[2] * 2, memcpy + 0 > (to "/range.txt")
            # Names stand at the beginnings of their lines, moved apart where those are close.
            for (n = 1; n <= 2; n++) {
                for (i = 1; i <= ways; i++) value[order[i]] = log(end[n, order[i]])
                spread(order, ways, value, log(most[n] / least[n] * 4) / 20, place)
                for (i = 1; i <= ways; i++) print 1, exp(place[i]), order[i] > (to "/" n ".names")
            }
        }' "$dir/overhead.csv"
    [ -f "$to/ways.txt" ] || return 0
    read -r least1 most1 least2 most2 memcpy <"$to/range.txt"
    draw exchange.gp overhead_exchange "folder='$to'" "ways='$(cat "$to/ways.txt")'" "least1=$least1" \
        "most1=$most1" "least2=$least2" "most2=$most2" "memcpy=$memcpy" "foot=\"$overhead_foot\""
}

# The ratio of the runtime to the plain mechanism, a row for each operation.
runtime_plot() {
    to=$work/runtime
    mkdir -p "$to"
    awk -F, -v to="$to" "$overhead_columns"'
        function time(ns) { return ns >= 1e6 ? sprintf("%.3g ms", ns / 1e6) : ns >= 1e3 ? sprintf("%.3g µs", ns / 1e3) : sprintf("%.3g ns", ns) }
        BEGIN {
            title["call.round_trip"] = "a message there and back by its pipe, to a pair of sockets"
            title["call.append"] = "appending to a list of its manager, to a message there and back"
            title["call.lock"] = "taking and releasing its lock, to a robust mutex"
            title["exchange.small"] = "48 bytes through its queue, to a ring under a robust mutex"
            title["exchange.crowd"] = "the same, two producers and two consumers"
            title["payload.copy"] = "1 MiB through its queue to another process, to one memcpy"
            title["payload.write"] = "1 MiB written into its queue in place, to private memory"
            title["pool.open"] = "opening and closing a pool of two, to two forks one after the other"
            title["pool.latency"] = "a task there and back by its pool, to two processes that wake each other"
            count = split("call.round_trip call.append call.lock exchange.small exchange.crowd payload.copy payload.write pool.open pool.latency", order, " ")
        }
        $at["value"] == "" || $at["harness"] ~ /^Python |^ProcessPool/ { next }
        $at["state"] ~ /^spawned/ || ($at["name"] ~ /^pool.latency/ && $at["binding"] == "unbound") { next }
        $at["name"] in title && !($at["name"] in ours) { ours[$at["name"]] = $at["value"]; next }
        $at["name"] in title { plain[$at["name"]] = $at["value"]; next }
        {
            name = $at["name"]
            if (!sub(/\.ratio$/, "", name) || !(name in title)) next
            value[name] = $at["value"]
            low[name] = $at["low"] == "" ? $at["value"] : $at["low"]
            high[name] = $at["high"] == "" ? $at["value"] : $at["high"]
        }
        END {
            least = 0.5; most = 2
            for (i = 1; i <= count; i++) if (order[i] in value) {
                n = order[i]
                if (low[n] / 1.3 < least) least = low[n] / 1.3
                if (high[n] * 1.3 > most) most = high[n] * 1.3
                printf "%d %g %g %g \"%s\" \"%s and %s: %.3g\"\n", ++rows, value[n], low[n], high[n], title[n], time(ours[n]), time(plain[n]), value[n] > (to "/rows.dat")
            }
            if (rows) print rows, least, most > (to "/range.txt")
        }' "$dir/overhead.csv"
    [ -f "$to/range.txt" ] || return 0
    read -r rows least most <"$to/range.txt"
    draw runtime.gp overhead_runtime "folder='$to'" "rows=$rows" "least=$least" "most=$most" \
        "foot=\"$overhead_foot\""
}

overhead_plots() {
    overhead_foot=$(awk -F, "$overhead_columns"'{ printf "%s, %s effective CPUs, %s. ", $at["cpu"], $at["cpus_effective"], substr($at["started_utc"], 1, 10); printf $at["rounds"] == 1 ? "One round." : "Medians of %s rounds%s.", $at["rounds"], $at["low"] == "" ? "" : ", 95 % intervals"; exit }' "$dir/overhead.csv")
    creation_plot
    efficiency_plot
    latency_plot
    pools_plot
    convoy_plot
    exchange_plot
    runtime_plot
    account_plot
}
