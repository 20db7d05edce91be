/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of which no block of 2 MiB can become whole.
 */
#ifndef GAPS_H
#define GAPS_H

#include <stddef.h>

int gaps_make(char *memory, size_t pages);

#endif
