// A node with any number of inputs and outputs, for operations that know them at run time.
#pragma once

#include <span>
#include <vector>

#include <mica/autograd/node.h>

namespace mica::autograd {

class ListNode : public Node {
 protected:
  explicit ListNode(const char* name);
  ~ListNode() override;

  void set_inputs(std::vector<Edge> edges);
  // Results that are undefined, not floating point or marked constant stay without history.
  void set_results(std::span<const Tensor> results, const std::vector<bool>& constant = {});

 private:
  std::vector<Edge> edge_storage_;
  std::vector<Output> output_storage_;
};

}  // namespace mica::autograd
