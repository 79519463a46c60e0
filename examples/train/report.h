/* The run as a picture. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "config.h"
#include "history.h"

/* Says beforehand whether gnuplot is there. */
int report_check(void);
/* Draws batch, lr, gamma, eigenvalue, loss and accuracy over the epochs into an SVG file. */
int report_draw(const char *path, const config *c, const history *past);

#endif
