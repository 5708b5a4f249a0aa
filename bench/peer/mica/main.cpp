#include "workloads.h"

int main(int argc, char** argv) {
  peer::Workloads all;
  peer::add_dispatch(all);
  peer::add_mlp(all);
  peer::add_vision(all);
  peer::add_sequence(all);
  peer::add_bulk(all);
  peer::add_limits(all);
  return peer::main_of(argc, argv, all, [](const peer::Settings& settings) {
    mica::set_num_threads(settings.threads);
    mica::manual_seed(0);
  });
}
