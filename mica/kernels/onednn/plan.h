// Primitives made ready to run on plain pointers, and the cache that keeps them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <mica/kernels/onednn/api.h>

namespace mica::kernels::onednn {

// A primitive with the memory objects it runs on. Where the primitive prefers another layout than the
// caller's, the plan reorders on the way in or out. Scratch memory is taken from mica::allocate for the time
// of a run.
class Plan {
 public:
  // An argument of the primitive: its DNNL_ARG_* index, how it lies in the caller's memory, and how the
  // primitive takes it.
  struct Operand {
    int argument;
    dnnl::memory::desc given, wanted;
  };

  // `scratchpad`: of a primitive that was created with plan_attributes().
  Plan(dnnl::primitive primitive, std::span<const Operand> inputs, std::span<const Operand> outputs,
       const dnnl::memory::desc& scratchpad);

  // One pointer for each operand. One run of a plan at a time.
  void run(std::span<const void* const> inputs, std::span<void* const> outputs);

 private:
  struct Slot {
    dnnl::memory given, wanted;               // the same object when the layouts agree
    std::optional<dnnl::reorder> conversion;  // else the way from or to the caller's memory
    std::size_t offset = 0;                   // of `wanted` in the scratch block
  };
  Slot make_slot(const Operand& operand, bool is_input);
  std::size_t reserve(const dnnl::memory::desc& desc);

  dnnl::primitive primitive_;
  std::vector<Slot> inputs_, outputs_;
  dnnl::memory scratchpad_;
  std::size_t scratchpad_offset_ = 0, scratch_bytes_ = 0;
  std::unordered_map<int, dnnl::memory> arguments_;
};

// Scratch memory is the caller's business.
dnnl::primitive_attr plan_attributes();

// While it lives, oneDNN uses count() threads on this one: mica::num_threads(), or one where `work`
// multiplications are too few to share or where a parallel region is already running. Primitives are made for
// a number of threads: it belongs to their key, and they run in such a scope only.
class ThreadScope {
 public:
  explicit ThreadScope(std::int64_t work);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;
  int count() const { return count_; }

 private:
  int outside_, count_;
};

// The least recently used plans go when there are more than 256. Where oneDNN has no implementation, a null
// is kept. Plans are not for concurrent use: a cache belongs to one thread.
template <std::size_t N> class PlanCache {
 public:
  using Key = std::array<std::int64_t, N>;

  // Null when oneDNN has no implementation. `make` returns a Plan.
  template <class Make> Plan* find_or_make(const Key& key, Make&& make) {
    if (const auto found = index_.find(key); found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->plan.get();
    }
    std::unique_ptr<Plan> plan;
    try {
      plan = std::make_unique<Plan>(make());
    } catch (const dnnl::error& e) {
      if (e.status != dnnl_unimplemented) throw;
    }
    entries_.push_front({key, std::move(plan)});
    index_.emplace(key, entries_.begin());
    if (entries_.size() > capacity) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    return entries_.front().plan.get();
  }

 private:
  static constexpr std::size_t capacity = 256;
  struct Entry {
    Key key;
    std::unique_ptr<Plan> plan;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      std::uint64_t h = N;
      for (const std::int64_t part : key) {  // a multiplicative hash; the high bits are folded back each time
        h = (h ^ static_cast<std::uint64_t>(part)) * 0x9e3779b97f4a7c15U;
        h ^= h >> 32;
      }
      return h;
    }
  };
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> index_;
};

}  // namespace mica::kernels::onednn
