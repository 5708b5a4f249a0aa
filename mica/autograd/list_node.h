// A node with any number of inputs and outputs, for operations that know them at run time.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <mica/autograd/node.h>

namespace mica::autograd {

class ListNode : public Node {
 protected:
  explicit ListNode(const char* name) : Node(name) {}

  void set_inputs(std::vector<Edge> edges) {
    edge_storage_ = std::move(edges);
    edges_ = edge_storage_;
  }
  // Results that are undefined, not floating point or marked constant stay without history.
  void set_results(std::span<const Tensor> results, const std::vector<bool>& constant = {}) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      output_storage_.emplace_back();
      if (!results[i].defined()) continue;
      output_storage_[i] = {results[i].sizes(), results[i].dtype()};
      if (i < constant.size() && constant[i]) continue;
      if (results[i].is_floating_point()) detail::attach(*this, *results[i].impl(), i);
    }
    outputs_ = output_storage_;
  }

 private:
  std::vector<Edge> edge_storage_;
  std::vector<Output> output_storage_;
};

}  // namespace mica::autograd
