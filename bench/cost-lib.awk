# SPDX-License-Identifier: Apache-2.0
# The lines of bench/cost-guest, read: value[VARIANT, TEST, n] is instructions a byte (test whole) or
# a request. One instruction is one nanosecond of CPU time. Used by cost.awk and those beside it.

function median(variant, test,    n, i, j, t, values) {
	n = count[variant, test]
	if (n == 0)
		return 0
	for (i = 1; i <= n; i++)
		values[i] = value[variant, test, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
			t = values[j]
			values[j] = values[j - 1]
			values[j - 1] = t
		}
	return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function cell(number, format) { return number > 0 ? sprintf(format, number) : "" }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.3f", a / b) : "" }

# result VARIANT TEST batch N requests R bytes B seconds S server_ns NS
$1 == "result" {
	if (!(($2, $3) in count)) {
		cells[++cell_count] = $2 SUBSEP $3
		if (!($2 in variant_seen)) {
			variant_seen[$2] = 1
			order[++variants] = $2
		}
		if (!($3 in test_seen)) {
			test_seen[$3] = 1
			tests[++test_count] = $3
		}
	}
	divisor = $3 ~ /^whole/ ? $9 : $7
	if (divisor > 0)
		value[$2, $3, ++count[$2, $3]] = $13 / divisor
}
# | NAME | connections | KiB before | after | bytes a connection | ...
$1 == "|" && ($2 == "sluice" || $2 == "nginx") { idle[$2] = $10; idle_connections = $4 }
$1 == "fact" && $2 == "cipher_user" { cipher_user = $8 / $6 }
$1 == "fact" && $2 == "cipher_kernel" { cipher_kernel = $6 / $4 }
