# Everything the library links against. The installed package finds the same set: see mica-config.cmake.in.

find_package(OneDNN 2.6 REQUIRED)
find_package(hwy 1.0 REQUIRED CONFIG)
find_package(Eigen3 3.4 REQUIRED NO_MODULE) # headers only: the installed package does without
find_package(fmt 8 REQUIRED CONFIG)
find_package(nlohmann_json 3.10 REQUIRED CONFIG)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)

# One OpenMP runtime must do all the work in a process: two thread pools would fight for the cores, and the thread
# count set for one would not hold for the other. Debian's oneDNN was compiled by GCC and calls libgomp; Clang's libomp
# defines the same GOMP_ functions and serves these calls as long as the dynamic linker meets it first. It searches
# breadth-first, and oneDNN brings libgomp one level deeper than itself; so it is enough that the program (or
# libmica.so) names the runtime of the compiler that built this library directly, even if it uses no symbol of it.
# mica::openmp does that, and is linked into every user of the library. tests/core/openmp_test.cpp checks the outcome.
list(FILTER OpenMP_CXX_LIBRARIES INCLUDE REGEX "omp")
list(GET OpenMP_CXX_LIBRARIES 0 MICA_OPENMP_LIBRARY)
include(openmp_runtime)
mica_add_openmp_runtime("${MICA_OPENMP_LIBRARY}")
