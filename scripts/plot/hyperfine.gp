# The whole process beside the job inside it. In: folder (whole.dat: y job-ms whole-ms harness label),
# rows, longest (label, characters),
# least, most (ms), foot
width = 700 + 8*longest; height = 130 + 26*rows
load scripts."/style.gp"
set label 8 "{/:Bold The whole command (pale, hyperfine) and the job inside it (dark)}\n{/*0.85 median time; the difference is starting, making workers and input, ending}" \
    at screen 0.5, screen 1 - 24.0/height center
set tmargin 5
set lmargin longest+5; set rmargin 6; set bmargin 6
set label 9 foot noenhanced at screen 0.015, screen 22.0/height left font ",10" textcolor rgb "#666666"
set logscale x 10
set xrange [least:most]
set yrange [rows+0.5:-0.5]
set xlabel "time, ms (log scale)"
set grid noytics xtics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
set format x "%g"
set ytics scale 0
cells = folder."/whole.dat"
set style fill solid 1 noborder
plot for [k=1:words(known)] cells using \
        (strcol(4) eq word(known, k) ? (least+$3)/2 : NaN):1:(least):3:($1-0.38):($1+0.38) \
        with boxxyerror linecolor rgb "#50".word(colours, k)[2:7] fillstyle solid 0.35, \
    for [k=1:words(known)] cells using \
        (strcol(4) eq word(known, k) ? (least+$2)/2 : NaN):1:(least):2:($1-0.2):($1+0.2) \
        with boxxyerror linecolor rgb word(colours, k), \
    cells using (least):1:ytic(5) with points pointtype 0 linecolor rgb "#ffffff", \
    cells using ($3*1.05):1:(sprintf("%s, job %s", ms_text($3), ms_text($2))) with labels left \
        textcolor rgb "#333333", \
    folder."/kernels.dat" using (least):1:ytic(2) with points pointtype 0 linecolor rgb "#ffffff"
