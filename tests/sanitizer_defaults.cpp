// What the sanitizers need to know of OpenMP's library, which is not built with them. Linked into every test.

extern "C" {

// Its waiting is invisible to ThreadSanitizer; parallel_for tells what matters, the rest must be left alone.
const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

// It keeps a little memory for each thread that ever opened a parallel region.
const char* __lsan_default_suppressions() { return "leak:libomp\n"; }
}
