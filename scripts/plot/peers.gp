# Kernels beside other programs: how many times as fast as the base of the group. In: rows (place label ratio low
# high kind: 0 a heading, 1 ours, 2 a peer, 3 the base), count, foot
width = 1240; height = 130 + 21*count
load scripts."/style.gp"
set label 8 "What an expert's kernels gain over what one would take instead" at screen 0.5, \
    screen 1 - 24.0/height center font ",16"
set label 9 foot noenhanced at screen 0.012, screen 14.0/height left font ",10" textcolor rgb "#666666"
set lmargin at screen 0.47
set rmargin at screen 0.94
set tmargin at screen 1 - 50.0/height
set bmargin at screen 95.0/height
set logscale x
set format x "%.10g"
set xlabel "times as fast as the base of the group"
set yrange [count + 0.7:0.3]
set grid xtics
set ytics scale 0
set grid noytics
set border 1
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#999999" dashtype 3
kind_colour(kind) = kind == 1 ? 0x0072b2 : kind == 3 ? 0x000000 : 0x888888
plot rows using 3:1:4:5:(kind_colour($6)) with xerrorbars linecolor rgb variable pointtype 7 pointsize 0.8, \
    rows using 3:1:($6 > 0 ? sprintf($3 < 1000 ? "%.3g" : "%.0f", $3) : "") with labels offset char 1.2, 0 left font ",10" \
        textcolor rgb "#555555" notitle, \
    rows using (1):1:ytic(2) with points pointtype -1 notitle
