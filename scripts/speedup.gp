# One panel: speedup against workers of one kernel, a line a harness.
#
# In:  folder (series.txt: names; N.dat: workers speedup low high; labels.dat: x y colour-index name,
#      y moved apart; ceiling.dat: workers speedup low high), cpus, most (workers), top (speedup),
#      heading

set title heading
set xlabel "workers"
set ylabel "speedup over one worker"
set xrange [0.85:most*2.3]
set yrange [0:top]
set logscale x 2
eval "set xtics (".system("cat '".folder."/ticks.txt'").")"
set format x "%g"

names = system("cat '".folder."/series.txt'")
# Lines that coincide are told apart by a small step to the side.
aside(i) = 1 + 0.022*(i - (words(names) + 1)/2.0)
ideal(x) = x < cpus ? x : cpus
has_ceiling = int(system("wc -l < '".folder."/ceiling.dat'")) > 0

set samples 500
plot (x >= 1 && x <= most*1.1 ? ideal(x) : NaN) with lines linecolor rgb "#aaaaaa" dashtype 2 \
        linewidth 1.5, \
    "+" using (1.30):(1.30*1.12):("ideal ") every ::::0 with labels right \
        textcolor rgb "#999999", \
    (has_ceiling ? folder."/ceiling.dat" : "/dev/null") using 1:2:3:4 with yerrorbars \
        linecolor rgb "#888888" pointtype 2 pointsize 1.4 linewidth 1.5, \
    (has_ceiling ? folder."/ceiling.dat" : "/dev/null") using ($1*0.92):($2*1.03):("measured ceiling") \
        with labels right textcolor rgb "#777777", \
    "+" using (1):(1) every ::::0 with points pointtype 7 pointsize 1.1 linecolor rgb "black", \
    for [i=1:words(names)] folder."/".i.".dat" using ($1*aside(i)):2 with lines \
        linecolor rgb colour(word(names, i)) dashtype dash(word(names, i)) linewidth 2.2, \
    for [i=1:words(names)] folder."/".i.".dat" using ($1*aside(i)):2:3:4 with yerrorbars \
        linecolor rgb colour(word(names, i)) pointtype mark(word(names, i)) pointsize 1.1, \
    for [i=1:words(names)] folder."/label.".i using 1:2:3 with labels left \
        textcolor rgb colour(word(names, i)), \
    for [i=1:words(names)] folder."/leader.".i using 1:2 with lines \
        linecolor rgb colour(word(names, i)) linewidth 0.7
