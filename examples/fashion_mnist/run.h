// The state of a training run besides model and optimizer, and its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <examples/fashion_mnist/net.h>
#include <examples/fashion_mnist/options.h>
#include <examples/fashion_mnist/report.h>

namespace demo {

struct Run {
  std::int64_t epoch = 0;  // epochs completed
  std::int64_t batch = 0;  // batches of the next one that are done
  double loss_sum = 0;     // over the images of these batches
  std::int64_t correct = 0, seen = 0;
  double seconds = 0;  // spent on the unfinished epoch before this start
  std::vector<Report::Epoch> epochs;
  std::vector<double> step_losses;

  // Adds one step.
  void count(const Tensor& loss, const Tensor& logits, const Tensor& labels);
  double mean_loss() const { return loss_sum / static_cast<double>(seen); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(seen); }
  // "loss 0.3127  accuracy 88.91 %"
  std::string status() const;
  // Forgets the sums of the last epoch, not its record.
  void start_epoch(std::int64_t number);
};

std::filesystem::path checkpoint_path(const Options& options);

// Writes model, optimizer, schedule, random numbers, options and run, atomically.
void save_checkpoint(const Options& options, const Net& net, const optim::Optimizer& optimizer,
                     const optim::LRScheduler& schedule, const Run& run);

// Options of the checkpoint replace those that were not given. Errors: an option given with another value
// than the checkpoint's, since the run would not go on as if never stopped; no or damaged checkpoint.
void restore_options(Options& options);

// Restores all the rest. Errors: a damaged checkpoint; nothing is changed then.
Run load_checkpoint(const Options& options, Net& net, optim::Optimizer& optimizer,
                    optim::LRScheduler& schedule);

}  // namespace demo
