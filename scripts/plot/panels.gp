# Several works side by side. In: panels (folders), tops (of each), heading, and see speedup.gp
count_panels = words(panels)
width = 620*count_panels; height = 600
load scripts."/style.gp"
panel_room = 0.36 # of the width, for names
set label 9 foot noenhanced at screen 0.015/count_panels, screen 0.075 left font ",10" textcolor rgb "#666666"
set multiplot layout 1, count_panels title heading \
    font ",16" margins 0.14/count_panels, 1 - 0.03/count_panels, 0.195, 0.80 spacing 0.17/count_panels
do for [p=1:count_panels] {
    folder = word(panels, p)
    top = real(word(tops, p))
    load scripts."/speedup_panel.gp"
    unset label 9
}
unset multiplot
