// SPDX-License-Identifier: GPL-2.0
/*
 * One run of the compiler that is in the directory that is named.
 */
#include "../esc.d/compile.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	compile(argv[1]);

	return 0;
}
