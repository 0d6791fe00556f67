# One panel: speedup of one kernel against workers, a line for each harness.
#
# In:  folder (series.txt: names; heading.txt; N.dat: workers speedup low high marked; label.N: y name,
#      moved apart; leader.N: workers speedup y, from the end of the line to its label; ceiling.dat:
#      workers speedup low high marked; fits.txt: N contention coherency; ticks.txt; gap.txt: the
#      smallest ratio of neighbouring worker counts; ideal.txt: the largest possible speedup, 0: unknown),
#      most (workers), top (speedup), panel_room

# Read here, because gnuplot would execute text in backquotes in a script.
heading = system("printf %b \"$(cat '".folder."/heading.txt')\"")
set title heading
set xlabel "workers"
set ylabel "speedup over one worker"
set yrange [0:top]
set logscale x 2
set format x "%g"
gap = real(system("cat '".folder."/gap.txt'"))
eval "set xtics (".system("cat '".folder."/ticks.txt'").")"

names = system("cat '".folder."/series.txt'")
# Names stand to the right of the lines, in a fixed part of the width, whatever the range of workers is.
first = 0.85
span = most > 1 ? most/first : 2
room = panel_room
set xrange [first:most*span**(room/(1 - room))]
label_x = most*span**0.10
# Coinciding lines are moved a little to the side, all of them together by at most a quarter of the
# distance to the next number of workers.
count = words(names)
step = 0.014*log(span)
quarter = 0.25*log(gap)/(count > 1 ? count - 1 : 1)
aside(i) = exp((step < quarter ? step : quarter)*(i - (count + 1)/2.0))
limit = real(system("cat '".folder."/ideal.txt'"))
ideal(x) = limit == 0 ? NaN : x < limit ? x : limit
ceilings = int(system("wc -l < '".folder."/ceiling.dat'"))

last_ceiling = ceilings ? real(system("tail -n 1 '".folder."/ceiling.dat'")) : 0
ceiling_side = last_ceiling**2 < most ? "left" : "right" # of the axis there is little to the left

# gnuplot warns of loops with no iterations, so optional parts are inserted as text.
ideal_name = limit > 1 && most > 1 ? \
    '"+" using (1.30):(1.30*1.12):("ideal ") every ::::0 with labels right '.\
    'textcolor rgb "#999999", ' : ""
ceiling_points = ceilings ? \
    'folder."/ceiling.dat" using 1:2:3:4 with yerrorbars linecolor rgb "#888888" pointtype 2 '.\
    'pointsize 1.4 linewidth 1.5, folder."/ceiling.dat" using '.\
    '($1**2 < most ? $1*span**0.02 : $1/span**0.05):($2*($1**2 < most ? 1.09 : 1.03)):'.\
    '("measured ceiling") every ::(ceilings-1)::(ceilings-1) with labels '.ceiling_side.' '.\
    'textcolor rgb "#777777", folder."/ceiling.dat" using ($5 > 0 ? $1 : NaN):2 with points '.\
    'pointtype 6 pointsize 2.6 linewidth 1.6 linecolor rgb "#cc0000", ' : ""

# Fitted laws: dotted, up to the largest number of workers.
fits = system("cat '".folder."/fits.txt'")
usl(p, contention, coherency) = p/(1 + contention*(p - 1) + coherency*p*(p - 1))
fit_lines = words(fits) ? \
    'for [k=1:words(fits)/3] (x >= 1 && x <= most ? usl(x, real(word(fits, 3*k-1)), '.\
    'real(word(fits, 3*k))) : NaN) with lines dashtype 3 linewidth 1.6 linecolor rgb '.\
    'colour(word(names, int(word(fits, 3*k-2)))), ' : ""

set samples 500
plot (x >= 1 && x <= most*span**0.05 ? ideal(x) : NaN) with lines linecolor rgb "#aaaaaa" \
        dashtype 2 linewidth 1.5, @ideal_name @ceiling_points @fit_lines \
    "+" using (1):(1) every ::::0 with points pointtype 7 pointsize 1.1 linecolor rgb "black", \
    for [i=1:words(names)] folder."/".i.".dat" using ($1*aside(i)):2 with lines \
        linecolor rgb colour(word(names, i)) dashtype dash(word(names, i)) linewidth 2.2, \
    for [i=1:words(names)] folder."/".i.".dat" using ($1*aside(i)):2:3:4 with yerrorbars \
        linecolor rgb colour(word(names, i)) pointtype mark(word(names, i)) pointsize 1.1, \
    for [i=1:words(names)] folder."/".i.".dat" using ($5 > 0 ? $1*aside(i) : NaN):2 with points \
        pointtype 6 pointsize 2.6 linewidth 1.6 linecolor rgb "#cc0000", \
    for [i=1:words(names)] folder."/label.".i using (label_x):1:2 with labels left noenhanced \
        textcolor rgb colour(word(names, i)), \
    for [i=1:words(names)] folder."/leader.".i using ($1*aside(i)*span**0.02):2:\
        (label_x/span**0.01-$1*aside(i)*span**0.02):($3-$2) with vectors nohead \
        linecolor rgb colour(word(names, i)) linewidth 0.7
