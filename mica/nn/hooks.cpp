#include <mutex>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/followed_module.h>
#include <mica/nn/hook_table.h>

namespace mica::nn {

Tensor& Value::tensor() const {
  if (Tensor* x = get_if<Tensor>()) return *x;
  throw Error("hook", address_ == nullptr ? "there is no value" : "the value is no Tensor",
              "get_if<T>() finds values of other types");
}

const Value& Arguments::operator[](std::size_t i) const {
  if (i < values_.size()) return values_[i];
  throw Error("hook", fmt::format("argument {} of a call with {}", i, values_.size()));
}

namespace detail {

// What is known of one module, or of all. Changed under the lock of the table only.
class HookList {
 public:
  const Module* module = nullptr;  // null: global, or the module is gone
  std::shared_ptr<const HookSet> set = std::make_shared<const HookSet>();
  std::int64_t followers = 0;
};

namespace {

struct Table {
  std::mutex mutex;
  std::unordered_map<const Module*, std::shared_ptr<HookList>> lists;
  std::shared_ptr<HookList> global = std::make_shared<HookList>();
  std::uint64_t next_id = 0;
};
// Never destroyed: modules and handles with static storage may outlive any other order.
Table& table() {
  static Table* const all = new Table;
  return *all;
}

void count_lists() {
  followed_modules.store(static_cast<std::int64_t>(table().lists.size()), std::memory_order_relaxed);
}

void count_hooks(std::size_t added, std::size_t removed) {
  live_hooks.fetch_add(static_cast<std::int64_t>(added) - static_cast<std::int64_t>(removed),
                       std::memory_order_relaxed);
}

std::shared_ptr<HookList> list_of(const ModuleRef& module) {
  if (module.base() == nullptr)
    throw Error("register_hook", fmt::format("a {} is never called", module.type()),
                "hook the modules in it");
  auto& list = table().lists[module.base()];
  if (list == nullptr) {
    list = std::make_shared<HookList>();
    list->module = module.base();
    count_lists();
  }
  return list;
}

void forget_if_unused(const HookList& list) {
  if (list.module == nullptr || list.followers != 0 || list.set->size() != 0) return;
  table().lists.erase(list.module);
  count_lists();
}

}  // namespace

HookHandle add_to_set(const ModuleRef* module, const AnyFunction<void(HookSet&, std::uint64_t)>& change) {
  const std::lock_guard lock(table().mutex);
  const std::shared_ptr<HookList> list = module == nullptr ? table().global : list_of(*module);
  auto more = std::make_shared<HookSet>(*list->set);
  const std::uint64_t id = table().next_id++;
  change(*more, id);
  list->set = std::move(more);
  count_hooks(1, 0);
  return {list, id};
}

std::pair<std::shared_ptr<const HookSet>, std::shared_ptr<const HookSet>> hooks_for(const ModuleRef& module) {
  std::pair<std::shared_ptr<const HookSet>, std::shared_ptr<const HookSet>> found;
  const std::lock_guard lock(table().mutex);
  if (table().global->set->size() != 0) found.first = table().global->set;
  const auto it = table().lists.find(module.base());
  if (it != table().lists.end() && it->second->set->size() != 0) found.second = it->second->set;
  return found;
}

void follow_end(const Module* module) {
  std::shared_ptr<HookList> list;                // destroyed after the lock is released, as the set is:
  auto set = std::make_shared<const HookSet>();  // hooks may own anything
  const std::lock_guard lock(table().mutex);
  const auto it = table().lists.find(module);
  if (it == table().lists.end()) return;
  list = it->second;
  table().lists.erase(it);
  count_lists();
  std::swap(set, list->set);
  count_hooks(0, set->size());
  list->module = nullptr;
}

void follow_move(const Module* from, const Module* to) {
  if (from == to) return;
  follow_end(to);
  const std::lock_guard lock(table().mutex);
  auto node = table().lists.extract(from);
  if (node.empty()) return;
  node.mapped()->module = to;
  node.key() = to;
  table().lists.insert(std::move(node));
}

FollowedModule::FollowedModule(const ModuleRef& module) : then_(module) {
  const std::lock_guard lock(table().mutex);
  list_ = list_of(module);
  ++list_->followers;
}

FollowedModule::~FollowedModule() {
  const std::lock_guard lock(table().mutex);
  --list_->followers;
  forget_if_unused(*list_);
}

std::optional<ModuleRef> FollowedModule::now() const {
  const std::lock_guard lock(table().mutex);
  if (list_->module == nullptr) return std::nullopt;
  return then_.moved_to(list_->module);
}

}  // namespace detail

void HookHandle::remove() {
  if (list_ == nullptr) return;
  const std::shared_ptr<detail::HookList> list = std::exchange(list_, nullptr);
  std::shared_ptr<const detail::HookSet>
      before;  // destroyed after the lock is released: hooks may own anything
  const std::lock_guard lock(detail::table().mutex);
  before = list->set;
  auto after = std::make_shared<detail::HookSet>(*before);
  const auto is_this = [id = id_](const auto& hook) { return hook->id == id; };
  std::apply([&](auto&... hooks) { (std::erase_if(hooks, is_this), ...); }, after->kinds());
  detail::count_hooks(0, before->size() - after->size());
  list->set = std::move(after);
  detail::forget_if_unused(*list);
}

HookHandle register_forward_pre_hook(const ModuleRef& module, detail::PreHook hook,
                                     const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::forward_pre, std::move(hook), options);
}

HookHandle register_forward_hook(const ModuleRef& module, detail::ForwardHook hook,
                                 const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::forward, std::move(hook), options);
}

HookHandle register_module_forward_pre_hook(detail::PreHook hook, const HookOptions& options) {
  return detail::add_hook(nullptr, &detail::HookSet::forward_pre, std::move(hook), options);
}

HookHandle register_module_forward_hook(detail::ForwardHook hook, const HookOptions& options) {
  return detail::add_hook(nullptr, &detail::HookSet::forward, std::move(hook), options);
}

}  // namespace mica::nn
