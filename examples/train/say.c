/* One line on stderr, whatever the text holds; a progress line that stands there is wiped first. */
#include "say.h"

#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    progress_wipe();
    fprintf(stderr, "absa-train: %s\n", text);
}

int refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return REFUSED;
}

int give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return FAILED;
}

void remark(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}
