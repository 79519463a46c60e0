/* Real data for tests: files under the directory that ABSA_TEST_DATA (environment) names.
 */
#ifndef ABSA_TEST_DATA_H
#define ABSA_TEST_DATA_H

/* Returns the path of a file, for example "mnist/t10k-labels-idx1-ubyte.gz"; valid until the next
 * call. Skips the running test when ABSA_TEST_DATA is unset, fails it when the file is missing. */
const char *test_data(const char *name);

#endif
