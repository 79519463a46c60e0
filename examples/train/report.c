/* The picture: a gnuplot script with the numbers in it goes to gnuplot's input, the SVG comes from
 * its output and takes the file's name when it is complete. */
#include "report.h"

#include "train_checkpoint.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int report_check(void)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        char name[4096];
        const size_t length = strcspn(path, ":");
        snprintf(name, sizeof name, "%.*s/gnuplot", (int)length, path);
        if (access(name, X_OK) == 0)
            return DONE;
        path += length + (path[length] == ':');
    }
    return refuse("--report needs gnuplot, which is not installed");
}

static void put_number(FILE *f, double value)
{
    if (isfinite(value))
        fprintf(f, " %.9g", value);
    else
        fputs(" NaN", f);
}

static void write_script(FILE *f, const config *c, const history *past)
{
    int shares = 0, values = 0, bounds = 0, robust = 0;
    fputs("$run << EOD\n", f);
    for (int64_t i = 0; i < past->count; i++) {
        const history_row *r = &past->rows[i];
        fprintf(f, "%lld %lld", (long long)r->epoch, (long long)r->batch);
        put_number(f, r->lr);
        put_number(f, r->gamma);
        put_number(f, r->value);
        put_number(f, isfinite(r->value) ? r->lower : (double)NAN);
        put_number(f, isfinite(r->upper) ? r->upper : r->value);
        put_number(f, r->loss);
        put_number(f, 100 * r->accuracy);
        put_number(f, isfinite(r->value) ? (double)NAN : r->lower);
        put_number(f, 100 * r->robust_fgsm);
        put_number(f, 100 * r->robust_pgd);
        robust += isfinite(r->robust_pgd);
        fputc('\n', f);
        shares += r->gamma > 0;
        values += isfinite(r->value) && r->value > 0; /* the axis is logarithmic */
        bounds += !isfinite(r->value) && isfinite(r->lower);
    }
    fputs("EOD\n", f);
    fprintf(f,
            "set terminal svg size 900,760 background '#ffffff' font 'sans,13'\n"
            "set multiplot layout 3,2 title '%s on %s, %s (%s preset)' font ',16'\n"
            "set grid lc '#dddddd'\nset border 3 lc '#666666'\nset tics nomirror\n"
            "set xrange [0.5:%lld.5]\nset xlabel 'epoch'\nunset key\n"
            "set style line 1 lw 2 lc '#1f5fa8' pt 7 ps 0.5\n"
            "set style fill transparent solid 0.25 noborder\n",
            c->model, data_name(c->data), c->strategy_name, c->preset_name,
            (long long)(past->count ? past->count : 1));
    fputs("set title 'batch'\nset logscale y 2\n"
          "set yrange [*:*]\nplot $run using 1:2 with steps ls 1, '' using 1:2 with points ls 1\n",
          f);
    fprintf(f,
            "unset logscale\nset title 'test accuracy, %%'\nset yrange [*:100]\n"
            "%splot $run using 1:9 with linespoints ls 1 title 'clean'%s\nunset key\n"
            "set yrange [*:*]\n",
            robust ? "set key bottom right\n" : "",
            robust ? ", '' using 1:11 with linespoints lw 2 lc '#d98c21' pt 7 ps 0.5 title 'FGSM'"
                     ", '' using 1:12 with linespoints lw 2 lc '#b03a2e' pt 7 ps 0.5 title "
                     "'PGD, 10 steps'"
                   : "");
    fputs("set title 'learning rate'\nset yrange [0:*]\n"
          "plot $run using 1:3 with steps ls 1, '' using 1:3 with points ls 1\n",
          f);
    fputs("set title 'training loss'\nplot $run using 1:8 with linespoints ls 1\n", f);
    if (values)
        fprintf(f,
                "set title 'top Hessian eigenvalue%s'\nset logscale y\nset yrange [*:*]\n"
                "plot $run using 1:6:7 with filledcurves lc '#1f5fa8', '' using 1:5 with points ls "
                "1, '' using 1:(valid(5) ? $5 : $10) with lines lw 1 dt 3 lc '#1f5fa8'%s\n"
                "unset logscale\n",
                bounds ? " (triangle: at least this)" : ", with interval",
                bounds ? ", '' using 1:10 with points pt 8 ps 0.8 lc '#1f5fa8'" : "");
    else
        fputs("set title 'top Hessian eigenvalue (not measured)'\nset yrange [0:1]\nplot NaN\n", f);
    fprintf(f,
            "set title 'share of adversarial inputs'\nset yrange [0:%s]\n"
            "plot $run using 1:4 with steps ls 1, '' using 1:4 with points ls 1\n"
            "unset multiplot\nunset output\n",
            shares ? "*" : "1");
}

/* gnuplot's child side of the pipe: never returns. */
static void become_gnuplot(int in, int out)
{
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && nothing >= 0 &&
        dup2(nothing, STDERR_FILENO) >= 0)
        execlp("gnuplot", "gnuplot", "-", (char *)NULL);
    _exit(127);
}

int report_draw(const char *path, const config *c, const history *past)
{
    char name[4096];
    int ends[2], status = 0;
    snprintf(name, sizeof name, "%s.new", path);
    const int out = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0)
        return give_up("%s: cannot be written: %s", path, strerror(errno));
    if (pipe(ends) != 0) {
        close(out);
        return give_up("%s: %s", path, strerror(errno));
    }
    /* Should gnuplot die early, writing to it must fail rather than kill this program. */
    signal(SIGPIPE, SIG_IGN);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        become_gnuplot(ends[0], out);
    }
    close(ends[0]);
    close(out);
    FILE *script = child > 0 ? fdopen(ends[1], "w") : NULL;
    if (script) {
        write_script(script, c, past);
        fclose(script);
    } else {
        close(ends[1]);
    }
    if (child > 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    if (child < 0 || !script || status != 0 || rename(name, path) != 0) {
        unlink(name);
        return give_up("%s: gnuplot could not draw it", path);
    }
    return DONE;
}
