/* The progress line and the table of epochs. */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

#include "history.h"

#include <absa/controller.h>

/* A line on stderr with rate and time left, only where stderr is a terminal. */
void progress_begin(int quiet, double done);
void progress_show(const absa_plan *plan, int64_t epochs);
void progress_wipe(void);

/* The table on stdout: at most 80 columns. */
/* robust: 1 when accuracy under attack is measured. */
void table_head(int robust);
void table_row(const history_row *row);

/* Seconds of a clock that never goes back. */
double seconds_now(void);

#endif
