# SPDX-License-Identifier: GPL-2.0
# Wants the variables "samples" (samples.tsv), "plot_file" and "agent" (on or off).

set terminal svg size 960,720 dynamic background rgb "white" font "sans,13"
set output plot_file
set datafile separator "\t"
set key autotitle columnheader outside right top Left reverse samplen 2
set grid xtics ytics linecolor rgb "#dddddd"
set border 3
set tics nomirror out
set lmargin 11
set rmargin 26

stats samples using "time_s" nooutput
set xrange [0:STATS_max]

# The time at which each scene begins.
at(name) = real(system(sprintf("awk -F'\t' '$2 == \"%s\" { print $1; exit }' '%s'", name, samples)))
array scene[3] = ["need", "relief", "check"]
array meaning[3] = ["needy wants memory", "needy is done", "all is read again"]

set multiplot title sprintf("Bellows: memory moves between guests (agent %s)", agent) font "sans,16"

set origin 0, 0.5
set size 1, 0.43
set ylabel "host memory (MiB)"
set yrange [0:*]
unset xlabel
do for [i = 1:3] {
	set arrow i from at(scene[i]), graph 0 to at(scene[i]), graph 1 nohead linecolor rgb "#999999" dashtype 3
	set label i meaning[i] at at(scene[i]), graph (i % 2 ? 1.04 : 1.09) font "sans,11" textcolor rgb "#666666"
}
plot samples using "time_s":"host_free_mib" with lines linewidth 2 linecolor rgb "#1f77b4" title "free on the host", \
     "" using "time_s":"reserve_mib" with lines linewidth 2 dashtype 2 linecolor rgb "#d62728" title "reserve", \
     "" using "time_s":"needy_rss_mib" with lines linewidth 1.5 linecolor rgb "#9467bd" title "used by needy's VM", \
     "" using "time_s":"idle_rss_mib" with lines linewidth 1.5 linecolor rgb "#2ca02c" title "used by idle's VM"

unset label
set origin 0, 0
set size 1, 0.48
set xlabel "time (s)"
set ylabel "balloon (MiB)"
plot samples using "time_s":"idle_size_mib" with lines linewidth 2 linecolor rgb "#2ca02c" title "idle, size", \
     "" using "time_s":"idle_target_mib" with lines linewidth 1 dashtype 2 linecolor rgb "#2ca02c" title "idle, target", \
     "" using "time_s":"busy_size_mib" with lines linewidth 2 linecolor rgb "#ff7f0e" title "busy, size", \
     "" using "time_s":"busy_target_mib" with lines linewidth 1 dashtype 2 linecolor rgb "#ff7f0e" title "busy, target", \
     "" using "time_s":"needy_size_mib" with lines linewidth 2 linecolor rgb "#9467bd" title "needy, size", \
     "" using "time_s":"needy_target_mib" with lines linewidth 1 dashtype 2 linecolor rgb "#9467bd" title "needy, target"
unset multiplot
