# Every trial of a run. In: folder (points.dat: per-cent y quiet|disturbed outlier edge name; rows.dat:
# y label; titles.dat: y title), rows, longest (label, characters), foot
width = 700 + 8*longest; height = 240 + 24*rows
load scripts."/style.gp"
set label 8 "{/:Bold Every trial: how far its time lies from its cell's median}\n{/*0.85 a row a cell, in it from top to bottom the blocks}\n{/*0.85 circle: far from the others; cross: something outside disturbed it}" \
    at screen 0.5, screen 1 - 24.0/height center
set tmargin 6
set lmargin longest+5; set rmargin 4; set bmargin 6
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set xrange [-27:27]
set yrange [rows+0.5:-0.8]
set xlabel "from the median, % (beyond ±25: at the edge)"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set xtics -25, 5
set ytics scale 0
set arrow 1 from 0, -0.8 to 0, rows+0.5 nohead linecolor rgb "#999999"
points_file = folder."/points.dat"
plot for [k=1:words(known)] points_file using \
        (strcol(6) eq word(known, k) && strcol(3) eq "quiet" ? $1 : NaN):2 with points \
        pointtype 7 pointsize 0.35 linecolor rgb word(colours, k), \
    points_file using (strcol(3) eq "disturbed" ? $1 : NaN):2 with points pointtype 2 pointsize 0.7 \
        linewidth 1.5 linecolor rgb "#cc0000", \
    points_file using ($4 != 0 ? $1 : NaN):2 with points pointtype 6 pointsize 1.1 \
        linecolor rgb "#333333", \
    points_file using ($5 != 0 ? $1 : NaN):2 with points pointtype 9 pointsize 0.8 \
        linecolor rgb "#333333", \
    folder."/rows.dat" using (-27):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff", \
    folder."/titles.dat" using (-27):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff"
