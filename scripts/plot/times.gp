# Run times as bars on a log axis. In: folder (bars.dat: y ms low high harness-name label), rows,
# least, most (ms), foot
width = 700 + 8*longest; height = 210 + 26*rows
load scripts."/style.gp"
set label 8 "What each way takes for the same work: median run time, 95 % interval" \
    at screen 0.5, screen 1 - 24.0/height center
set tmargin 4
set lmargin longest+5; set rmargin 6; set bmargin 7
set label 9 foot noenhanced at screen 0.015, screen 34.0/height left font ",10" textcolor rgb "#666666"
set logscale x 10
set xrange [least:most]
set yrange [rows+0.5:-0.5]
set xlabel "run time, ms (log scale)"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set format x "%g"
set ytics scale 0
bars = folder."/bars.dat"
set style fill solid 0.85 noborder
plot for [k=1:words(known)] bars using \
        (strcol(5) eq word(known, k) ? (least+$2)/2 : NaN):1:(least):2:($1-0.36):($1+0.36) \
        with boxxyerror linecolor rgb word(colours, k), \
    bars using 2:1:3:4 with xerrorbars linecolor rgb "#333333" pointtype 0 linewidth 1.2, \
    bars using (least):1:ytic(6) with points pointtype 0 linecolor rgb "#ffffff", \
    bars using ($4 > $2 ? $4*1.05 : $2*1.05):1:(ms_text($2)) with labels left \
        textcolor rgb "#333333", \
    folder."/kernels.dat" using (least):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff"
