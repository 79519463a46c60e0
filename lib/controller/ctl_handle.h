/* The controller's handle, for the files that speak to the host through it. */
#ifndef ABSA_CONTROLLER_CTL_HANDLE_H
#define ABSA_CONTROLLER_CTL_HANDLE_H

#include "controller/ctl_window.h"

struct absa_controller {
    absa_context *ctx;
    absa_controller_options options;
    absa__ctl_state state;
    absa__ctl_state before; /* what an event that fails goes back to */
    int busy;
    int quiet; /* a measurement that waits changes counters only: nobody to ask or to tell, and no
                  extension that looks at it */
    int known; /* bits of ABSA__CTL_WINDOW and the others; 0 behind most events */
    absa__ctl_window window;
    /* lr_rule HOST: the host's function, behind options.lr_function; its last two answers, a batch
     * of 0 being none; and the status of one that failed while an event was computed. */
    absa_lr_fn lr_function;
    void *lr_user;
    struct answer {
        int64_t batch;
        double factor;
    } answers[2];
    absa_status lr_status;
};

/* What lets a call go its short way: the window is that of the state, training runs, and nobody is
 * called back; and it is a plain one; and the controller is quiet. */
enum { ABSA__CTL_WINDOW = 1, ABSA__CTL_PLAIN = 2, ABSA__CTL_QUIET = 4 };

/* What the usual call does not need stays out of its way. */
#define ABSA__RARE __attribute__((noinline, cold))

/* Before a callback of the host: until busy is 0 again no call but a look goes through. */
void absa__ctl_call_out(absa_controller *c);

/* Whether an event of a running training may happen now. */
absa_status absa__ctl_check_running(absa_controller *c, const char *function);

/* An event changes the state in place. What can fail after that, other processes or the host's
 * learning rate rule, needs the state that was. */
void absa__ctl_keep(absa_controller *c);

/* The failure of a lr_function that an event's computation met, once. */
absa_status absa__ctl_lr_failure(absa_controller *c);

/* Takes an event back when it failed, else tells the journal; the decision stands whatever the
 * journal answers. d is NULL when there is nothing to tell, and not read without a journal. */
absa_status absa__ctl_settle(absa_controller *c, absa_status status, const absa_decision *d);

/* Both for controllers with reduce only.
 *
 * Every process goes on with process 0's measurement: last bits may differ between processes, and
 * one that decides otherwise would wait for the others for ever. own is what this process's checks
 * said: the others must hear of it. */
absa_status absa__ctl_share(absa_controller *c, absa_status own, absa__measurement *m);

/* Whether all processes hold the same options and state; own is what became of this process so far.
 */
absa_status absa__ctl_agree(absa_controller *c, absa_status own);

#endif
