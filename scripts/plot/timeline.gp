# Which worker computed when. In: folder (spans.dat: begin end (ms) y chunk|wait|hold harness; rows.dat: y label;
# titles.dat: y title; ends.dat: ms y y), rows, most (ms), kernel, foot
width = 1000; height = 190 + 34*rows
load scripts."/style.gp"
set label 8 "{/:Bold Who computes when: the same ".kernel.", each way}\n{/*0.85 a row a worker; coloured: it computes, with white between two chunks; under the GIL: it has the lock}\n{/*0.85 grey: it waits for the lock; dashed: the last result is in}" \
    at screen 0.5, screen 1 - 24.0/height center
set tmargin 6
set lmargin 12; set rmargin 4; set bmargin 6
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set xrange [0:most*1.02]
set yrange [rows:-0.8]
set xlabel "time since the job was handed over, ms"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set ytics scale 0
set style fill solid 1 noborder
spans = folder."/spans.dat"
half(what) = what eq "wait" ? 0.10 : 0.36
# The gap between two chunks is wide enough to see, whatever the duration.
hair = most*0.0006
plot spans using (strcol(4) eq "wait" ? $1 : NaN):3:1:2:($3-half("wait")):($3+half("wait")) \
        with boxxyerror linecolor rgb "#bbbbbb", \
    for [k=1:words(known)] spans using \
        (strcol(4) ne "wait" && base_name(strcol(5)) eq word(known, k) ? $1 : NaN):3:1:\
        ($2 - $1 > 3*hair ? $2 - hair : $2):($3-half("hold")):($3+half("hold")) \
        with boxxyerror linecolor rgb word(colours, k), \
    folder."/ends.dat" using 1:2:(0):($3-$2) with vectors nohead dashtype 2 linecolor rgb "#555555", \
    folder."/rows.dat" using (0):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff", \
    folder."/titles.dat" using (0):1:(strcol(2)) with labels left offset 0,-0.3
