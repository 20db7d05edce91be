/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A real compiler as a workload.
 */
#ifndef COMPILE_H
#define COMPILE_H

void compile(const char *root);

#endif
