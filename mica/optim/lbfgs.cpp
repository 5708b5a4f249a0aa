#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/inplace.h>
#include <mica/ops/join.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>
#include <mica/optim/detail.h>
#include <mica/optim/lbfgs.h>

namespace mica::optim {
namespace {

void check(const char* name, const LBFGSOptions& o) {
  detail::check_common(name, o);
  detail::check_option(name, "tolerance_grad", o.tolerance_grad, 0);
  detail::check_option(name, "tolerance_change", o.tolerance_change, 0);
  for (const auto& [option, value] : {std::pair{"max_iter", o.max_iter},
                                      {"max_eval", o.max_eval.value_or(1)},
                                      {"history_size", o.history_size}}) {
    if (value < 1) throw Error(name, fmt::format("{} is {}, which is not positive", option, value));
  }
}

double largest(const Tensor& x) { return x.numel() == 0 ? 0 : abs(x).max().item(); }

}  // namespace

// A point on the search line: loss, gradient and slope at t.
struct LBFGS::Point {
  double t, loss;
  Tensor grad;
  double slope;

  // The minimum between two points of the cubic that fits them.
  static double interpolate(const Point& a, const Point& b, double low, double high) {
    const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
    const double square = d1 * d1 - a.slope * b.slope;
    if (!(square >= 0)) return (low + high) / 2;
    const double d2 = std::sqrt(square);
    const double t = a.t <= b.t ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                                : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
    return std::min(std::max(t, low), high);
  }
  static double interpolate(const Point& a, const Point& b) {
    return interpolate(a, b, std::min(a.t, b.t), std::max(a.t, b.t));
  }
};

LBFGS::LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& options)
    : OptimizerOf("LBFGS", std::move(parameters), options, check) {}

Tensor LBFGS::flat_gradient() const {
  std::vector<Tensor> parts;
  parts.reserve(parameters_.size());
  for (const Tensor& p : parameters_) {
    const DType dtype = ops::compute_type(p.dtype());
    parts.push_back(p.grad().defined() ? p.grad().detach().to(dtype).reshape(Shape(-1))
                                       : zeros(Shape(p.numel()), dtype));
  }
  return cat(parts);
}

void LBFGS::move(double step_size, const Tensor& direction) {
  std::int64_t offset = 0;
  for (const Tensor& parameter : parameters_) {
    Tensor p = parameter.detach();
    p.add_(direction.narrow(0, offset, p.numel()).reshape(p.sizes()).to(p.dtype()), step_size);
    offset += p.numel();
  }
}

double LBFGS::evaluate(const Closure& closure, Tensor& grad) {
  const double loss = [&] {
    const EnableGrad enable_grad;
    return closure().item();
  }();
  grad = flat_gradient();
  return loss;
}

void LBFGS::find_direction(const Tensor& grad) {
  if (n_iter_ == 1) {
    d_ = neg(grad);
    old_dirs_.clear();
    old_stps_.clear();
    ro_.clear();
    h_diag_ = 1;
    return;
  }
  const Tensor change = grad - prev_flat_grad_, step = d_ * t_;
  if (const double curvature = change.dot(step).item(); curvature > 1e-10) {
    if (static_cast<std::int64_t>(ro_.size()) >= options().history_size) {
      old_dirs_.erase(old_dirs_.begin());
      old_stps_.erase(old_stps_.begin());
      ro_.erase(ro_.begin());
    }
    old_dirs_.push_back(change);
    old_stps_.push_back(step);
    ro_.push_back(1 / curvature);
    h_diag_ = curvature / change.dot(change).item();
  }
  // The inverse Hessian of the history times the gradient, in two loops (Nocedal 1980).
  const std::size_t n = ro_.size();
  std::vector<double> along(n);
  Tensor q = neg(grad);
  for (std::size_t i = n; i-- > 0;) {
    along[i] = old_stps_[i].dot(q).item() * ro_[i];
    q.add_(old_dirs_[i], -along[i]);
  }
  d_ = q.mul_(h_diag_);
  for (std::size_t i = 0; i < n; ++i) {
    d_.add_(old_stps_[i], along[i] - old_dirs_[i].dot(d_).item() * ro_[i]);
  }
}

// A step size that satisfies the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6).
LBFGS::Point LBFGS::search(const Closure& closure, const Point& start, double t, std::int64_t& evaluations) {
  constexpr double c1 = 1e-4, c2 = 0.9;
  constexpr int most = 25;
  std::vector<Tensor> origin;
  origin.reserve(parameters_.size());
  for (const Tensor& p : parameters_) origin.push_back(p.detach().clone());
  const auto at = [&](double where) {
    move(where, d_);
    Point p{.t = where, .loss = 0, .grad = {}, .slope = 0};
    p.loss = evaluate(closure, p.grad);
    p.slope = p.grad.dot(d_).item();
    for (std::size_t i = 0; i < origin.size(); ++i) parameters_[i].detach().copy_(origin[i]);
    ++evaluations;
    return p;
  };
  const auto too_high = [&](const Point& p) { return p.loss > start.loss + c1 * p.t * start.slope; };
  const auto flat_enough = [&](const Point& p) { return std::abs(p.slope) <= -c2 * start.slope; };

  // Go on until two points bracket one that satisfies the conditions.
  Point previous = start, current = at(t);
  std::array<Point, 2> bracket{start, current};
  int i = 0;
  for (; i < most; ++i) {
    if (too_high(current) || (i > 1 && current.loss >= previous.loss)) break;
    if (flat_enough(current)) return current;
    if (current.slope >= 0) break;
    const double next =
        Point::interpolate(previous, current, current.t + 0.01 * (current.t - previous.t), current.t * 10);
    previous = std::move(current);
    current = at(next);
  }
  bracket = {i < most ? previous : start, current};

  // Narrow the bracket.
  const double size = largest(d_);
  bool little_progress = false;
  std::size_t low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
  for (; i < most; ++i) {
    const auto [first, last] = std::minmax(bracket[0].t, bracket[1].t);
    if ((last - first) * size < options().tolerance_change) break;
    double next = Point::interpolate(bracket[0], bracket[1]);
    const double margin = 0.1 * (last - first);  // trials next to an end make no progress
    if (std::min(last - next, next - first) < margin) {
      if (little_progress || next >= last || next <= first) {
        next = std::abs(next - last) < std::abs(next - first) ? last - margin : first + margin;
        little_progress = false;
      } else {
        little_progress = true;
      }
    } else {
      little_progress = false;
    }
    Point p = at(next);
    const std::size_t high = 1 - low;
    if (too_high(p) || p.loss >= bracket[low].loss) {
      bracket[high] = std::move(p);
      low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
      continue;
    }
    if (flat_enough(p)) return p;
    if (p.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
    bracket[low] = std::move(p);
  }
  return bracket[low];
}

Tensor LBFGS::run_step(const Closure* closure) {
  if (closure == nullptr) {
    throw Error("LBFGS", "step() was called without a closure",
                "step([&] { zero_grad(); compute the loss; loss.backward(); return loss; })");
  }
  const LBFGSOptions& o = options();
  const std::int64_t max_eval = o.max_eval.value_or(o.max_iter * 5 / 4);
  Tensor first_loss;
  {
    const EnableGrad enable_grad;
    first_loss = (*closure)();
  }
  const NoGrad no_grad;
  double loss = first_loss.item();
  Tensor grad = flat_gradient();
  std::int64_t evaluations = 1;
  ++func_evals_;
  if (largest(grad) <= o.tolerance_grad) return first_loss;

  for (std::int64_t i = 1; i <= o.max_iter; ++i) {
    ++n_iter_;
    find_direction(grad);
    prev_flat_grad_ = grad;
    prev_loss_ = loss;
    t_ = n_iter_ == 1 ? std::min(1.0, 1 / abs(grad).sum().item()) * o.lr : o.lr;
    const double slope = grad.dot(d_).item();
    if (slope > -o.tolerance_change) break;

    std::int64_t more = 0;
    if (o.line_search_fn == LineSearch::strong_wolfe) {
      const Point found = search(*closure, {.t = 0, .loss = loss, .grad = grad, .slope = slope}, t_, more);
      loss = found.loss;
      grad = found.grad;
      t_ = found.t;
      move(t_, d_);
    } else {
      move(t_, d_);
      if (i != o.max_iter) {  // after the last one nobody asks
        loss = evaluate(*closure, grad);
        more = 1;
      }
    }
    evaluations += more;
    func_evals_ += more;
    if (evaluations >= max_eval || largest(grad) <= o.tolerance_grad ||
        largest(d_) * std::abs(t_) <= o.tolerance_change || std::abs(loss - prev_loss_) < o.tolerance_change)
      break;
  }
  return first_loss;
}

std::vector<detail::Slot> LBFGS::slots(std::size_t parameter) const {
  if (parameter != 0) return {};
  std::int64_t n = 0;
  for (const Tensor& p : parameters_) n += p.numel();
  return {{"d", 0, Shape(n)},
          {"prev_flat_grad", 0, Shape(n)},
          {"old_dirs", 0, Shape{-1, n}},
          {"old_stps", 0, Shape{-1, n}},
          {"ro", 0, Shape(-1)}};
}

std::vector<const char*> LBFGS::numbers() const {
  return {"func_evals", "n_iter", "t", "H_diag", "prev_loss"};
}

void LBFGS::pack_state() {
  detail::ParameterState& state = state_[0];
  state = {};
  if (n_iter_ == 0) return;
  const auto stacked = [&](const std::vector<Tensor>& rows) {
    return rows.empty() ? zeros({0, d_.numel()}, d_.dtype()) : stack(rows);
  };
  state.tensors = {d_, prev_flat_grad_, stacked(old_dirs_), stacked(old_stps_), from_vector(ro_)};
  state.numbers = {static_cast<double>(func_evals_), static_cast<double>(n_iter_), t_, h_diag_, prev_loss_};
}

void LBFGS::unpack_state() {
  const detail::ParameterState state = std::move(state_[0]);
  state_[0] = {};
  func_evals_ = n_iter_ = 0;
  old_dirs_.clear();
  old_stps_.clear();
  ro_.clear();
  if (state.tensors.empty()) return;
  const Tensor flat = zeros(Shape(0), flat_gradient().dtype());
  d_ = state.tensors[0].to(flat.dtype());
  prev_flat_grad_ = state.tensors[1].to(flat.dtype());
  for (const Tensor& row : state.tensors[2].to(flat.dtype()).unbind()) old_dirs_.push_back(row);
  for (const Tensor& row : state.tensors[3].to(flat.dtype()).unbind()) old_stps_.push_back(row);
  ro_ = state.tensors[4].to_vector<double>();
  func_evals_ = static_cast<std::int64_t>(state.numbers[0]);
  n_iter_ = static_cast<std::int64_t>(state.numbers[1]);
  t_ = state.numbers[2];
  h_diag_ = state.numbers[3];
  prev_loss_ = state.numbers[4];
}

template class OptimizerOf<LBFGSOptions>;

}  // namespace mica::optim
