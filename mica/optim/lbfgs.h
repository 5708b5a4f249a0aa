// L-BFGS.
#pragma once

#include <optional>

#include <mica/optim/optimizer.h>

namespace mica::optim {

enum class LineSearch { none, strong_wolfe };

struct LBFGSOptions {
  double lr = 1;
  std::int64_t max_iter = 20;              // iterations in a step
  std::optional<std::int64_t> max_eval{};  // calls of the closure in a step; default: max_iter * 5 / 4
  double tolerance_grad = 1e-7;            // done when no element of the gradient is larger
  double tolerance_change = 1e-9;          // done when the loss or the parameters change no more than this
  std::int64_t history_size = 100;
  LineSearch line_search_fn = LineSearch::none;
};

// Quasi-Newton steps from the gradients of the last steps (torch.optim.LBFGS; Nocedal & Wright 2006, after
// minFunc). A step calls the closure several times:
//   lbfgs.step([&] { lbfgs.zero_grad(); Tensor loss = f(); loss.backward(); return loss; });
// It returns the loss before the step. For full batches, and one group.
class LBFGS : public OptimizerOf<LBFGSOptions> {
 public:
  // Errors: options out of range.
  explicit LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& options = {});
  void add_param_group(std::vector<Tensor> parameters, const LBFGSOptions& options = {}) = delete;

 private:
  struct Point;
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  std::vector<const char*> numbers() const override;
  bool counts_steps() const override { return false; }
  void update() override {}
  Tensor run_step(const Closure* closure) override;
  void pack_state() override;
  void unpack_state() override;

  Tensor flat_gradient() const;
  void move(double step_size, const Tensor& direction);
  // The direction of the next iteration, from the gradient and the history.
  void find_direction(const Tensor& grad);
  double evaluate(const Closure& closure, Tensor& grad);
  Point search(const Closure& closure, const Point& start, double t, std::int64_t& evaluations);

  // What PyTorch keeps under these names.
  std::int64_t func_evals_ = 0, n_iter_ = 0;
  Tensor d_, prev_flat_grad_;
  double t_ = 0, h_diag_ = 1, prev_loss_ = 0;
  std::vector<Tensor> old_dirs_, old_stps_;
  std::vector<double> ro_;
};

}  // namespace mica::optim
