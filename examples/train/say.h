/* How the program speaks to its user when something is wrong: one line on stderr. */
#ifndef TRAIN_SAY_H
#define TRAIN_SAY_H

/* Exit statuses; DIVERGED is for the program's inside and leaves it as FAILED. */
enum { DONE = 0, FAILED = 1, REFUSED = 2, DIVERGED = 3 };

/* A wrong option, a file that cannot be used, an impossible combination. Returns REFUSED. */
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something went wrong on the way. Returns FAILED. */
int give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something the user should know of; the run goes on. */
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
