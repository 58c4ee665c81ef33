/* SPDX-License-Identifier: Apache-2.0 */
#include "support/criterion_main.h"

int main(int argc, char *argv[])
{
	criterion_main(argc, argv);
}
