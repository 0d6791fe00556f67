# Speedup of one kernel. In: see speedup_panel.gp; foot
width = 860; height = 560
load scripts."/style.gp"
panel_room = 0.30 # of the width, for names
set lmargin 9; set rmargin 3; set bmargin 8
set label 9 foot noenhanced at screen 0.015, screen 0.085 left font ",10" textcolor rgb "#666666"
load scripts."/speedup_panel.gp"
