# Efficiency against task length. In: folder (series.unbound, series.bound; unbound.NAME, bound.NAME: ns efficiency low
# high; metg.unbound, metg.bound: ns level name), least, most (ns), workers, foot
width = 1240; height = 560
load scripts."/style.gp"
set label 9 foot noenhanced at screen 0.012, screen 0.035 left font ",10" textcolor rgb "#666666"
set multiplot layout 1, 2 title \
    sprintf("How long must a task be? Each handed out by itself, on %d workers", workers) \
    font ",16" margins 0.075, 0.985, 0.2, 0.84 spacing 0.07
set logscale x 10
set xrange [least:most]
set yrange [0:1.08]
set format x ""
set xtics (0)
do for [k=0:7] {
    set xtics add (k < 3 ? sprintf("%d ns", 10**k) : sprintf("%d µs", 10**(k-3)) 10.0**k)
}
do for [binding in "unbound bound"] {
    names = system("cat '".folder."/series.".binding."'")
    unset for [i=11:19] label i
    set title binding eq "bound" ? "each worker bound to a CPU" : "not bound"
    set xlabel "length of a task (log scale)"
    set ylabel (binding eq "unbound" ? "efficiency: work / workers' time" : "")
    set arrow 1 from least, 0.5 to most, 0.5 nohead linecolor rgb "#aaaaaa" dashtype 2
    set arrow 2 from least, 0.9 to most, 0.9 nohead linecolor rgb "#aaaaaa" dashtype 2
    set label 1 "METG(50 %)" at least*1.1, 0.53 left textcolor rgb "#888888" font ",10"
    set label 2 "METG(90 %)" at least*1.1, 0.93 left textcolor rgb "#888888" font ",10"
    do for [i=1:words(names)] {
        set label (10+i) word(names, i) at most*0.9, 0.06*(words(names)-i)+0.06 right \
            textcolor rgb colour(word(names, i))
    }
    plot for [name in names] folder."/".binding.".".name using 1:2 with lines \
            linecolor rgb colour(name) dashtype dash(name) linewidth 2.2, \
        for [name in names] folder."/".binding.".".name using 1:2:3:4 with yerrorbars \
            linecolor rgb colour(name) pointtype mark(name) pointsize 0.8, \
        for [name in names] folder."/metg.".binding using \
            (strcol(3) eq name ? $1 : NaN):2 with points pointtype 6 pointsize 2 linewidth 1.6 \
            linecolor rgb colour(name)
    unset label 9
}
unset multiplot
