/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A real database, of which each row has a page of its file to itself.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stddef.h>

struct database;

struct database *database_make(const char *path, size_t rows);
void database_read(struct database *database, size_t row);

#endif
