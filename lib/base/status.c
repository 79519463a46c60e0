/* Names and one-sentence texts of the status codes. */
#include <absa/status.h>

static const struct {
    const char *name;
    const char *text;
} codes[] = {
    {"ABSA_OK", "success"},
    {"ABSA_E_INVALID", "an argument is outside its range"},
    {"ABSA_E_ABI", "a struct was made for another version of the library"},
    {"ABSA_E_MEMORY", "out of memory"},
    {"ABSA_E_CALLBACK", "a callback stopped the run"},
    {"ABSA_E_NONFINITE", "a NaN or an infinity where a finite number is needed"},
    {"ABSA_E_BUSY", "the handle is in use further up the call stack"},
    {"ABSA_E_STATE", "the call does not fit the state of the handle"},
    {"ABSA_E_UNSUPPORTED", "an optional operation or mode is not there"},
    {"ABSA_E_PEER", "another process failed or disagrees"},
    {"ABSA_E_FORMAT", "saved data is truncated, damaged or of another kind"},
    {"ABSA_E_VERSION", "saved data was written by a newer release"},
    {"ABSA_E_MISMATCH", "saved data belongs to other options"},
    {"ABSA_E_SPACE", "the buffer is too small"},
    {"ABSA_E_IO", "a file cannot be opened, read or written"},
};

static int known(absa_status status)
{
    return status <= 0 && status > -(int)(sizeof codes / sizeof codes[0]);
}

const char *absa_status_name(absa_status status)
{
    return known(status) ? codes[-status].name : "ABSA_E_?";
}

const char *absa_status_text(absa_status status)
{
    return known(status) ? codes[-status].text : "an unknown status code";
}
