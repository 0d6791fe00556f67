# Messages between processes. In: folder (N.WAY: bytes, then per second with low and high, for N = 1
# messages, 2 MiB; N.names: x y way), ways, least1, most1, least2, most2, memcpy (MiB/s, 0: not
# known), foot
width = 1240; height = 640
load scripts."/style.gp"
set label 9 foot noenhanced at screen 0.012, screen 0.03 left font ",10" textcolor rgb "#666666"
set multiplot layout 1, 2 title "Messages from one process to another, by their size" \
    font ",16" margins 0.075, 0.985, 0.16, 0.86 spacing 0.085, 0
array ink[6] = ["#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7"]
array point[6] = [7, 5, 9, 11, 13, 6]
set logscale xy
# Names stand before the first size.
set xrange [2e-3:2e6]
set xtics ("1 B" 1, "8" 8, "48" 48, "" 256, "1 KiB" 1024, "" 4096, "16 KiB" 16384, "" 65536, \
    "256 KiB" 262144, "" 1048576) font ",11"
set xlabel "size of a message (log scale)"
text(way) = system("echo '".way."' | tr _ ' '")
do for [n=1:2] {
    set title (n == 1 ? "messages" : "bytes")
    set ylabel (n == 1 ? "messages a second (log scale)" : "MiB a second (log scale)")
    set yrange [(n == 1 ? least1 : least2):(n == 1 ? most1 : most2)]
    set format y (n == 1 ? "10^{%L}" : "%g")
    unset arrow 1
    unset label 1
    if (n == 2 && memcpy > 0) {
        set arrow 1 from 0.7, memcpy to 1048576*1.5, memcpy nohead dashtype 3 linecolor rgb "#888888"
        set label 1 "memcpy of 1 MiB within a process" at 1, memcpy offset 0, 0.6 left \
            textcolor rgb "#777777" font ",11"
    }
    plot for [k=1:words(ways)] folder."/".n.".".word(ways, k) using 1:2 with lines \
            linecolor rgb ink[k] linewidth 2.2, \
        for [k=1:words(ways)] folder."/".n.".".word(ways, k) using 1:2:3:4 with yerrorbars \
            linecolor rgb ink[k] pointtype point[k] pointsize 0.9, \
        for [k=1:words(ways)] folder."/".n.".names" using \
            (strcol(3) eq word(ways, k) ? $1*0.55 : NaN):2:(text(strcol(3))) with labels right \
            textcolor rgb ink[k]
    unset label 9
}
unset multiplot
