# Settings of all figures. The colours are those of Okabe and Ito, which colour-blind readers can
# distinguish; marks and dashes differ as well.
#
# In:  out (file without ending), format (svg or png)

if (format eq "svg") {
    set terminal svg size width, height dynamic font "DejaVu Sans,13" background "white"
} else {
    set terminal pngcairo size 2*width, 2*height font "DejaVu Sans,13" fontscale 2 linewidth 2 \
        pointscale 2 background "white"
}
set output out.".".format
set encoding utf8
set border 3 linecolor rgb "#555555"
set tics nomirror textcolor rgb "#333333"
set grid ytics linecolor rgb "#e4e4e4" linewidth 1 linetype 1
unset key

known = "single pthread forkpool gil openmp cpython-single cpython-thread cpython-process ceiling \
fork spawn thread process forkpipe spawnpool pool plain Python_Pool ProcessPoolExecutor \
eventloop gil=python gil=hold gil=release gil=off cpython-forkserver cpython-spawn cpython-pool"
colours = "#000000 #0072b2 #d55e00 #cc79a7 #009e73 #555555 #56b4e9 #e69f00 #888888 \
#d55e00 #882255 #0072b2 #d55e00 #882255 #44aa99 #d55e00 #888888 #56b4e9 #e69f00 \
#009e73 #cc79a7 #882255 #44aa99 #0072b2 #b8860b #8b5a00 #d98880"
marks = "7 7 5 11 9 6 6 4 2 5 9 7 5 13 12 5 2 6 4 3 11 10 8 6 8 10 12"
dashes = "1 1 1 1 1 2 2 2 3 1 1 1 1 1 1 1 3 2 2 1 1 4 4 3 2 2 2"
ms_text(ms) = ms >= 100 ? sprintf("%.0f", ms) : sprintf("%.3g", ms)
# cpython-thread=/some/python3 looks like cpython-thread; pthread(against), of the other build, looks like
# pthread except for the dashes.
before(name, sign) = strstrt(name, sign) ? name[1:strstrt(name, sign)-1] : name
base_name(name) = before(before(name, "="), "(")
other_build(name) = strstrt(name, "(against)")
# The index of a name; known variants have one of their own.
found(name) = sum [k=1:words(known)] (word(known, k) eq name ? k : 0)
index_of(name) = found(name) ? found(name) : found(base_name(name))
colour(name) = index_of(name) ? word(colours, index_of(name)) : "#777777"
mark(name) = index_of(name) ? int(word(marks, index_of(name))) : 8
dash(name) = other_build(name) ? 3 : index_of(name) ? int(word(dashes, index_of(name))) : 4
