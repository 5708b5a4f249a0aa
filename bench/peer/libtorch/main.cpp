#include <dlfcn.h>

#include "workloads.h"

int main(int argc, char** argv) {
  peer::Workloads all;
  peer::add_dispatch(all);
  peer::add_mlp(all);
  peer::add_vision(all);
  peer::add_sequence(all);
  peer::add_bulk(all);
  return peer::main_of(argc, argv, all, [](const peer::Settings& settings) {
    torch::set_num_threads(settings.threads);
    // OpenBLAS has threads of its own, which set_num_threads does not reach.
    using SetThreads = void (*)(int);
    if (auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
      set(settings.threads);
    torch::manual_seed(0);
  });
}
