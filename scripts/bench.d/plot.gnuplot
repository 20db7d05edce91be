# SPDX-License-Identifier: GPL-2.0
#
# One benchmark: ours beside its peer, row by row. Called with the variables
#   results     "LABEL	OURS	PEER" in each line
#   plot_file   where the picture goes
#   axis        what is counted

set terminal svg size 900,460 font 'sans,11'
set output plot_file
set datafile separator "\t"
set datafile missing '-'

stats results using 2 name 'ours' nooutput
stats results using 3 name 'peer' nooutput
# What differs by more can only be compared by its logarithm.
least = ours_min < peer_min ? ours_min : peer_min
most = ours_max > peer_max ? ours_max : peer_max
wide = least > 0 && most > 20 * least
if (wide) set logscale y
if (wide) set yrange [10 ** floor(log10(least)):*]
if (!wide) set yrange [0:*]

set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set grid ytics
set key top right
set xtics rotate by 20 right noenhanced
set ylabel axis
set lmargin 24
set rmargin 4
set bmargin 7

plot results using 2:xtic(1) title 'ours' linecolor rgb '#1f77b4', \
     '' using 3 title 'peer' linecolor rgb '#d62728'
