# Latencies as bars on a log axis. In: what (for the title), folder (bars.dat: y ns low high name label; titles.dat: y
# title), rows, least, most (ns), foot
width = 960; height = 190 + 24*rows
load scripts."/style.gp"
set label 8 what.": medians, 95 % intervals" \
    at screen 0.5, screen 1 - 24.0/height center
set tmargin 4
set lmargin 37; set rmargin 6; set bmargin 6
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set logscale x 10
set xrange [least:most]
set yrange [rows+0.5:-0.5]
set xlabel "ns (log scale)"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set format x "10^{%L}"
set ytics scale 0
bars = folder."/bars.dat"
ns_text(ns) = ns >= 1e6 ? sprintf("%.3g ms", ns/1e6) : ns >= 1e3 ? sprintf("%.3g µs", ns/1e3) : \
    sprintf("%.3g ns", ns)
set style fill solid 0.85 noborder
plot for [k=1:words(known)] bars using \
        (strcol(5) eq word(known, k) ? (least+$2)/2 : NaN):1:(least):2:($1-0.36):($1+0.36) \
        with boxxyerror linecolor rgb word(colours, k), \
    bars using 2:1:3:4 with xerrorbars linecolor rgb "#333333" pointtype 0 linewidth 1.2, \
    bars using (least):1:ytic(6) with points pointtype 0 linecolor rgb "#ffffff", \
    bars using ($4*1.08):1:(ns_text($2)) with labels left textcolor rgb "#333333", \
    folder."/titles.dat" using (least):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff"
