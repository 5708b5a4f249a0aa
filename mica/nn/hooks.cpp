#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/hooks.h>

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

class HookList {
 public:
  template <class Fn> struct Entry {
    std::uint64_t id;
    Fn fn;
    bool always_call = false;
  };
  const Module* module = nullptr;  // null: global, or the module is gone
  std::vector<Entry<PreHook>> pre;
  std::vector<Entry<ForwardHook>> forward;
  bool empty() const { return pre.empty() && forward.empty(); }
  std::size_t size() const { return pre.size() + forward.size(); }
};

namespace {

// All hooks of the program. Lists are changed under the lock; a call copies the list it runs.
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

template <class Fn>
HookHandle add(const std::shared_ptr<HookList>& list, std::vector<HookList::Entry<Fn>> HookList::* entries,
               Fn fn, const HookOptions& options) {
  auto& hooks = list.get()->*entries;
  const std::uint64_t id = table().next_id++;
  hooks.insert(options.prepend ? hooks.begin() : hooks.end(), {id, std::move(fn), options.always_call});
  live_hooks.fetch_add(1, std::memory_order_relaxed);
  return {list, id};
}

std::shared_ptr<HookList> list_of(const ModuleRef& module) {
  if (module.base() == nullptr)
    throw Error("register_hook", fmt::format("a {} is never called", module.type()),
                "hook the modules in it");
  auto& list = table().lists[module.base()];
  if (list == nullptr) {
    list = std::make_shared<HookList>();
    list->module = module.base();
  }
  return list;
}

}  // namespace

void drop_hooks(const Module* module) {
  std::shared_ptr<HookList> old;  // destroyed after the lock is released: hooks may own anything
  HookList dropped;
  const std::lock_guard lock(table().mutex);
  const auto it = table().lists.find(module);
  if (it == table().lists.end()) return;
  old = it->second;
  table().lists.erase(it);
  std::swap(dropped.pre, old->pre);
  std::swap(dropped.forward, old->forward);
  live_hooks.fetch_sub(static_cast<std::int64_t>(dropped.size()), std::memory_order_relaxed);
  old->module = nullptr;
}

void move_hooks(const Module* from, const Module* to) {
  drop_hooks(to);
  const std::lock_guard lock(table().mutex);
  auto node = table().lists.extract(from);
  if (node.empty()) return;
  node.mapped()->module = to;
  node.key() = to;
  table().lists.insert(std::move(node));
}

HookedCall::HookedCall(const ModuleRef& module) : module_(module) {
  const std::lock_guard lock(table().mutex);
  if (!table().global->empty()) global_ = std::make_shared<HookList>(*table().global);
  const auto it = table().lists.find(module.base());
  if (it != table().lists.end()) own_ = std::make_shared<HookList>(*it->second);
}

void HookedCall::before(Arguments& args) const {
  for (const auto* list : {global_.get(), own_.get()}) {
    if (list == nullptr) continue;
    for (const auto& hook : list->pre) hook.fn(module_, args);
  }
}

void HookedCall::after(Arguments& args, Value result, bool threw) const {
  for (const auto* list : {global_.get(), own_.get()}) {
    if (list == nullptr) continue;
    for (const auto& hook : list->forward) {
      if (!threw || hook.always_call) hook.fn(module_, args, result);
    }
  }
}

}  // namespace detail

void HookHandle::remove() {
  if (list_ == nullptr) return;
  const std::shared_ptr<detail::HookList> list = std::exchange(list_, nullptr);
  detail::HookList removed;  // destroyed after the lock is released: hooks may own anything
  const std::lock_guard lock(detail::table().mutex);
  const auto take = [id = id_](auto& from, auto& to) {
    const auto it =
        std::find_if(from.begin(), from.end(), [id](const auto& entry) { return entry.id == id; });
    if (it == from.end()) return;
    to.push_back(std::move(*it));
    from.erase(it);
    detail::live_hooks.fetch_sub(1, std::memory_order_relaxed);
  };
  take(list->pre, removed.pre);
  take(list->forward, removed.forward);
  if (list->empty() && list->module != nullptr) detail::table().lists.erase(list->module);
}

HookHandle register_forward_pre_hook(const ModuleRef& module, detail::PreHook hook,
                                     const HookOptions& options) {
  const std::lock_guard lock(detail::table().mutex);
  return detail::add(detail::list_of(module), &detail::HookList::pre, std::move(hook), options);
}

HookHandle register_forward_hook(const ModuleRef& module, detail::ForwardHook hook,
                                 const HookOptions& options) {
  const std::lock_guard lock(detail::table().mutex);
  return detail::add(detail::list_of(module), &detail::HookList::forward, std::move(hook), options);
}

HookHandle register_module_forward_pre_hook(detail::PreHook hook, const HookOptions& options) {
  const std::lock_guard lock(detail::table().mutex);
  return detail::add(detail::table().global, &detail::HookList::pre, std::move(hook), options);
}

HookHandle register_module_forward_hook(detail::ForwardHook hook, const HookOptions& options) {
  const std::lock_guard lock(detail::table().mutex);
  return detail::add(detail::table().global, &detail::HookList::forward, std::move(hook), options);
}

}  // namespace mica::nn
