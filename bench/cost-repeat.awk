# SPDX-License-Identifier: Apache-2.0
# After cost-lib.awk, over the lines of two runs with a line "run" in front of each: by how much a cell
# (a server and a test, the median of its batches) differs. Exit code 1 if one does by 1 % or more.

function cells_keep(run,    i, part) {
	for (i = 1; i <= cell_count; i++) {
		split(cells[i], part, SUBSEP)
		kept[run, cells[i]] = median(part[1], part[2])
	}
	kept_count[run] = cell_count
	delete count
}

function figure(number) { return sprintf(number > 100 ? "%.0f" : "%.4f", number) }

$1 == "run" && runs++ == 1 { cells_keep(1); cell_count = variants = test_count = 0 }

END {
	cells_keep(2)
	print "| server, test | first run | second run | differ by, % |\n|---|--:|--:|--:|"
	for (i = 1; i <= cell_count; i++) {
		a = kept[1, cells[i]]
		b = kept[2, cells[i]]
		difference = a > 0 ? 100 * (b > a ? b - a : a - b) / a : 100
		if (difference > most || i == 1) {
			most = difference
			where = cells[i]
		}
		name = cells[i]
		sub(SUBSEP, ", ", name)
		printf("| %s | %s | %s | %.2f |\n", name, figure(a), figure(b), difference)
	}
	sub(SUBSEP, ", ", where)
	same = cell_count > 0 && kept_count[1] == kept_count[2]
	printf("\nThe largest difference of %d cells is %.2f %% (%s): less than 1 %% %s\n", cell_count, most, where,
		same && most < 1 ? "in every cell, reached." : "MISSED.")
	exit !(same && most < 1)
}
