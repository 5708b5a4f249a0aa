// A schedule that looks at the results.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/optim/lr_scheduler.h>

namespace mica::optim {

enum class PlateauMode { min, max };
enum class PlateauThreshold { rel, abs };

struct ReduceLROnPlateauOptions {
  PlateauMode mode = PlateauMode::min;  // whether small metrics are good, or large ones
  double factor = 0.1;                  // below 1
  std::int64_t patience = 10;           // steps without improvement that are let pass
  double threshold = 1e-4;              // by how much the best must be beaten, as part of it or as a number
  PlateauThreshold threshold_mode = PlateauThreshold::rel;
  std::int64_t cooldown = 0;  // steps after a reduction that do not count
  PerGroup min_lr = 0;
  double eps = 1e-8;  // smaller reductions are not made
};

// lr *= factor when the metric has not improved for more than `patience` steps
// (torch.optim.lr_scheduler.ReduceLROnPlateau).
//   plateau.step(validation_loss);
class ReduceLROnPlateau {
 public:
  // Errors: factor >= 1, negative patience or cooldown, another number of min_lr than of groups.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});
  ReduceLROnPlateau(const ReduceLROnPlateau&) = delete;
  ReduceLROnPlateau& operator=(const ReduceLROnPlateau&) = delete;

  void step(double metric);
  std::vector<double> get_last_lr() const;
  std::int64_t last_epoch() const { return last_epoch_; }
  double best() const { return best_; }
  std::int64_t num_bad_epochs() const { return num_bad_epochs_; }

  StateDict state_dict() const;
  // Errors: not a state of such a schedule. Nothing changes then.
  void load_state_dict(const StateDict& state);

 private:
  bool better(double metric) const;
  Optimizer& optimizer_;
  ReduceLROnPlateauOptions options_;
  std::vector<double> min_lrs_;
  double best_;
  std::int64_t last_epoch_ = 0, num_bad_epochs_ = 0, cooldown_counter_ = 0;
};

}  // namespace mica::optim
