# Starting and ending workers. In: folder (panels.txt: a parent in each line; P.ready.WAY, P.end.WAY: workers
# ms low high; P.ready.names, P.end.names: x y way), panels, least, most (ms), last (workers), foot
width = 1240; height = 800
load scripts."/style.gp"
set label 9 foot noenhanced at screen 0.012, screen 0.025 left font ",10" textcolor rgb "#666666"
set multiplot layout 2, panels title "Making and ending workers that do nothing, by the memory that their parent has written to" \
    font ",16" margins 0.075, 0.985, 0.13, 0.88 spacing 0.05, 0.07
set logscale xy
# Names take a quarter of the width, whatever the range of workers is.
span = last/0.85
set xrange [0.85:last*span**0.42]
set yrange [least:most]
set format y "%g"
eval "set xtics (".system("cat '".folder."/ticks.txt'").")"
ways = "pthread fork spawn"
do for [what in "ready end"] {
    do for [p=1:panels] {
        parent = system("sed -n ".p."p '".folder."/panels.txt'")
        set title (what eq "ready" ? parent : "")
        set xlabel (what eq "ready" ? "" : "workers")
        set ylabel (p > 1 ? "" : what eq "ready" ? "made and running, ms" : "ended and waited for, ms")
        plot for [way in ways] folder."/".p.".".what.".".way using 1:2 with lines \
                linecolor rgb colour(way) dashtype dash(way) linewidth 2.2, \
            for [way in ways] folder."/".p.".".what.".".way using 1:2:3:4 with yerrorbars \
                linecolor rgb colour(way) pointtype mark(way) pointsize 0.9, \
            for [way in ways] folder."/".p.".".what.".names" using \
                (strcol(3) eq way ? $1*span**0.03 : NaN):2:3 with labels left textcolor rgb colour(way)
        unset label 9
    }
}
unset multiplot
