/* The release and ABI number of the loaded library. */
#include <absa/version.h>

int32_t absa_version(void)
{
    return ABSA_VERSION_MAJOR * 1000000 + ABSA_VERSION_MINOR * 1000 + ABSA_VERSION_PATCH;
}

const char *absa_version_string(void)
{
    return ABSA_VERSION_STRING;
}

int32_t absa_abi_version(void)
{
    return ABSA_ABI_VERSION;
}
