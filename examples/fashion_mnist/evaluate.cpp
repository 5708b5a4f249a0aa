#include <algorithm>
#include <string>

#include <examples/fashion_mnist/evaluate.h>

namespace demo {

Evaluation evaluate(Net& net, const Tensor& images, const Tensor& labels) {
  constexpr std::int64_t batch_size = 500;
  const NoGrad no_grad;
  net.eval();
  Evaluation out;
  const auto classes = static_cast<std::size_t>(net.classes);
  out.confusion.assign(classes, std::vector<std::int64_t>(classes));
  const auto truth = labels.data<std::int64_t>();
  std::int64_t correct = 0;
  const std::int64_t total = labels.numel();
  for (std::int64_t first = 0; first < total; first += batch_size) {
    const std::int64_t n = std::min(batch_size, total - first);
    const Tensor logits = net(images.narrow(0, first, n));
    out.loss += nn::cross_entropy(logits, labels.narrow(0, first, n), {.reduction = Reduction::sum}).item();
    const auto [probability, index] = softmax(logits, 1).max(1);
    const auto best = index.data<std::int64_t>();
    const auto sure = probability.data<float>();
    out.predicted.insert(out.predicted.end(), best.begin(), best.end());
    out.confidence.insert(out.confidence.end(), sure.begin(), sure.end());
  }
  for (std::size_t i = 0; i < out.predicted.size(); ++i) {
    ++out.confusion[static_cast<std::size_t>(truth[i])][static_cast<std::size_t>(out.predicted[i])];
    correct += truth[i] == out.predicted[i] ? 1 : 0;
  }
  out.loss /= static_cast<double>(total);
  out.accuracy = static_cast<double>(correct) / static_cast<double>(total);
  return out;
}

std::vector<Report::Mistake> worst_mistakes(const Evaluation& evaluation, const Tensor& pixels,
                                            const Tensor& labels, std::size_t count) {
  const auto truth = labels.data<std::int64_t>();
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != evaluation.predicted[i]) wrong.push_back(i);
  }
  count = std::min(count, wrong.size());
  std::partial_sort(
      wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(count), wrong.end(),
      [&](std::size_t a, std::size_t b) { return evaluation.confidence[a] > evaluation.confidence[b]; });
  std::vector<Report::Mistake> out;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = wrong[k];
    const Tensor image = pixels[static_cast<std::int64_t>(i)];
    out.push_back({.pixels = image.to_vector<std::uint8_t>(),
                   .width = static_cast<int>(image.size(-1)),
                   .height = static_cast<int>(image.size(-2)),
                   .truth = static_cast<int>(truth[i]),
                   .predicted = static_cast<int>(evaluation.predicted[i]),
                   .confidence = evaluation.confidence[i]});
  }
  return out;
}

namespace {

struct TreeVisitor : nn::Visitor {
  std::vector<Report::Node> stack;
  void enter(std::string_view name, const nn::ModuleRef& module) override {
    stack.push_back({.name = std::string(name),
                     .type = std::string(module.type()),
                     .detail = module.describe(),
                     .parameters = 0,
                     .children = {}});
  }
  void leave(const nn::ModuleRef&) override {
    Report::Node done = std::move(stack.back());
    stack.pop_back();
    stack.back().parameters += done.parameters;
    stack.back().children.push_back(std::move(done));
  }
  void parameter(std::string_view, nn::Parameter& p) override { stack.back().parameters += p.numel(); }
};

}  // namespace

Report::Node module_tree(Net& net) {
  TreeVisitor visitor;
  visitor.stack.push_back({.name = "model", .type = "Net", .detail = {}, .parameters = 0, .children = {}});
  nn::walk(net, visitor);
  return std::move(visitor.stack.front());
}

}  // namespace demo
