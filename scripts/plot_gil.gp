# The GIL picture: the CPU-bound kernels side by side, C and CPython together.
# In: panels (folders), and see speedup.gp
width = 1240; height = 600
load scripts."/style.gp"
panel_room = 0.36 # of the width, for names
set label 9 foot noenhanced at screen 0.012, screen 0.075 left font ",10" textcolor rgb "#666666"
set multiplot layout 1, words(panels) title \
    "Threads or processes? The same computing in C, and in Python under its GIL" \
    font ",16" margins 0.07, 0.985, 0.195, 0.80 spacing 0.085
do for [p=1:words(panels)] {
    folder = word(panels, p)
    load scripts."/speedup.gp"
    unset label 9
}
unset multiplot
