# Where the time of a coarse job beyond its ceiling goes. In: folder (bars.dat: row from to part, in ms;
# rows.dat: row end name text), least, most (ms), rows, workers, foot
width = 960; height = 230 + 90*rows
load scripts."/style.gp"
set label 8 sprintf("Where a coarse job's time beyond its ceiling goes (primes, %d workers)", workers) \
    at screen 0.5, screen 1 - 24.0/height center font ",16"
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set tmargin 6; set lmargin 12; set rmargin 4; set bmargin 6
set xrange [least:most]
set yrange [rows+0.7:0.1]
set xlabel "ms of a worker's time, mean of the workers"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set ytics scale 0
parts = "start|claims|waiting for the slowest|join|unexplained"
part_colours = "#0072b2 #e69f00 #56b4e9 #009e73 #999999"
part(k) = system("echo '".parts."' | cut -d'|' -f".k)
set style fill solid 0.9 noborder
do for [k=1:5] {
    set label (20+k) "■ ".part(k) at screen 0.115 + 0.14*(k-1) + (k > 3 ? 0.13 : 0), \
        screen 1 - 58.0/height left textcolor rgb word(part_colours, k)
}
plot for [k=1:5] folder."/bars.dat" using ($4 == k ? ($2+$3)/2 : NaN):1:2:3:($1-0.25):($1+0.25) \
        with boxxyerror linecolor rgb word(part_colours, k), \
    folder."/rows.dat" using (0):1:ytic(3) with points pointtype 0 linecolor rgb "#ffffff", \
    folder."/rows.dat" using (least):($1-0.40):4 with labels left offset 0.3, 0 textcolor rgb "#333333"
