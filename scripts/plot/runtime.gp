# What the runtime adds to the plain mechanisms. In: folder (rows.dat: y ratio low high "what" "figures"),
# rows, least, most, foot
width = 960; height = 150 + 52*rows
load scripts."/style.gp"
set label 8 "What the runtime costs beside what it is made of" at screen 0.5, screen 1 - 24.0/height center \
    font ",16"
set tmargin 4; set lmargin 4; set rmargin 4; set bmargin 6
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set logscale x 2
set xrange [least:most]
set yrange [rows+0.4:0.2]
set xlabel "ratio of times to the plain way, medians and 95 % intervals (log scale; left of 1: the runtime is faster)"
set format x "%g"
unset ytics
set border 1
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set arrow 1 from 1, 0.2 to 1, rows+0.4 nohead linecolor rgb "#888888" dashtype 3
plot folder."/rows.dat" using 2:1:3:4 with xerrorbars linecolor rgb "#d55e00" pointtype 7 \
        pointsize 1.1 linewidth 2, \
    folder."/rows.dat" using (least):($1-0.42):5 with labels left noenhanced textcolor rgb "#333333", \
    folder."/rows.dat" using (most):($1-0.42):6 with labels right noenhanced textcolor rgb "#666666" \
        font ",11"
