#include <utility>

#include <mica/autograd/list_node.h>

namespace mica::autograd {

ListNode::ListNode(const char* name) : Node(name) {}
ListNode::~ListNode() = default;

void ListNode::set_inputs(std::vector<Edge> edges) {
  edge_storage_ = std::move(edges);
  edges_ = edge_storage_;
}

void ListNode::set_results(std::span<const Tensor> results, const std::vector<bool>& constant) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    output_storage_.emplace_back();
    if (!results[i].defined()) continue;
    output_storage_[i] = {results[i].sizes(), results[i].dtype()};
    if (i < constant.size() && constant[i]) continue;
    if (results[i].is_floating_point()) detail::attach(*this, *results[i].impl(), i);
  }
  outputs_ = output_storage_;
}

}  // namespace mica::autograd
