// SPDX-License-Identifier: GPL-2.0
/*
 * A real database, of which each row has a page of its file to itself.
 *
 * SQLite reads its file by read() and keeps 2 MiB of it itself; the rest is the
 * page cache's business.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "database.h"

/* As much as fits into a page of 4096 bytes beside what SQLite keeps there. */
#define ROW_BYTES	4000

struct database {
	sqlite3 *file;
	sqlite3_stmt *query;
};

static void need(sqlite3 *file, int result, int wanted)
{
	if (result == wanted)
		return;
	fprintf(stderr, "load: sqlite: %s\n", sqlite3_errmsg(file));
	exit(2);
}

static sqlite3_stmt *prepare(sqlite3 *file, const char *text)
{
	sqlite3_stmt *statement;

	need(file, sqlite3_prepare_v2(file, text, -1, &statement, NULL),
	     SQLITE_OK);

	return statement;
}

static void fill(sqlite3 *file, size_t rows)
{
	sqlite3_stmt *insert;
	size_t row;

	need(file, sqlite3_exec(file,
				"PRAGMA journal_mode = OFF; PRAGMA page_size = 4096;"
				"CREATE TABLE data (id INTEGER PRIMARY KEY, content BLOB);"
				"BEGIN", NULL, NULL, NULL), SQLITE_OK);
	insert = prepare(file, "INSERT INTO data VALUES (?, randomblob(?))");
	for (row = 0; row < rows; row++) {
		sqlite3_bind_int64(insert, 1, row);
		sqlite3_bind_int(insert, 2, ROW_BYTES);
		need(file, sqlite3_step(insert), SQLITE_DONE);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
	need(file, sqlite3_exec(file, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

/* A new one, on the disk and in the cache. Ends the program when it cannot be. */
struct database *database_make(const char *path, size_t rows)
{
	struct database *database = calloc(1, sizeof(*database));

	if (!database)
		exit(2);
	remove(path);
	need(database->file, sqlite3_open(path, &database->file), SQLITE_OK);
	fill(database->file, rows);
	database->query = prepare(database->file,
				  "SELECT content FROM data WHERE id = ?");

	return database;
}

/* Reads one row, from 0. */
void database_read(struct database *database, size_t row)
{
	sqlite3_bind_int64(database->query, 1, row);
	need(database->file, sqlite3_step(database->query), SQLITE_ROW);
	sqlite3_reset(database->query);
}
