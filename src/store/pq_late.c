/* pq_late.c - libpq, loaded when a PostgreSQL store is opened (base/late.h). */
#include <libpq-fe.h>

#include "base/late.h"

static struct late lib = LATE_LIBRARY("libpq.so.5");

PGconn *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
	__typeof__(PQconnectdbParams) *f = LATE(lib, PQconnectdbParams);

	return f ? f(names, values, expand) : NULL;
}

ConnStatusType PQstatus(const PGconn *c)
{
	__typeof__(PQstatus) *f = c ? LATE(lib, PQstatus) : NULL;

	return f ? f(c) : CONNECTION_BAD;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *c)
{
	__typeof__(PQtransactionStatus) *f = c ? LATE(lib, PQtransactionStatus) : NULL;

	return f ? f(c) : PQTRANS_UNKNOWN;
}

char *PQerrorMessage(const PGconn *c)
{
	static char absent[] = "libpq is not installed";
	__typeof__(PQerrorMessage) *f = LATE(lib, PQerrorMessage);

	return f ? f(c) : absent;
}

void PQfinish(PGconn *c)
{
	__typeof__(PQfinish) *f = c ? LATE(lib, PQfinish) : NULL;

	if (f)
		f(c);
}

PGresult *PQexec(PGconn *c, const char *query)
{
	__typeof__(PQexec) *f = LATE(lib, PQexec);

	return f ? f(c, query) : NULL;
}

PGresult *PQprepare(PGconn *c, const char *name, const char *query, int n, const Oid *types)
{
	__typeof__(PQprepare) *f = LATE(lib, PQprepare);

	return f ? f(c, name, query, n, types) : NULL;
}

PGresult *PQexecPrepared(PGconn *c, const char *name, int n, const char *const *values, const int *lengths, const int *formats,
			 int format)
{
	__typeof__(PQexecPrepared) *f = LATE(lib, PQexecPrepared);

	return f ? f(c, name, n, values, lengths, formats, format) : NULL;
}

void PQclear(PGresult *r)
{
	__typeof__(PQclear) *f = r ? LATE(lib, PQclear) : NULL;

	if (f)
		f(r);
}

ExecStatusType PQresultStatus(const PGresult *r)
{
	__typeof__(PQresultStatus) *f = r ? LATE(lib, PQresultStatus) : NULL;

	return f ? f(r) : PGRES_FATAL_ERROR;
}

char *PQresultErrorMessage(const PGresult *r)
{
	static char none[] = "";
	__typeof__(PQresultErrorMessage) *f = r ? LATE(lib, PQresultErrorMessage) : NULL;

	return f ? f(r) : none;
}

char *PQresultErrorField(const PGresult *r, int field)
{
	__typeof__(PQresultErrorField) *f = r ? LATE(lib, PQresultErrorField) : NULL;

	return f ? f(r, field) : NULL;
}

int PQntuples(const PGresult *r)
{
	__typeof__(PQntuples) *f = r ? LATE(lib, PQntuples) : NULL;

	return f ? f(r) : 0;
}

char *PQcmdTuples(PGresult *r)
{
	static char none[] = "";
	__typeof__(PQcmdTuples) *f = r ? LATE(lib, PQcmdTuples) : NULL;

	return f ? f(r) : none;
}

char *PQgetvalue(const PGresult *r, int row, int column)
{
	__typeof__(PQgetvalue) *f = r ? LATE(lib, PQgetvalue) : NULL;

	return f ? f(r, row, column) : NULL;
}

int PQgetlength(const PGresult *r, int row, int column)
{
	__typeof__(PQgetlength) *f = r ? LATE(lib, PQgetlength) : NULL;

	return f ? f(r, row, column) : 0;
}
