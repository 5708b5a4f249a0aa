// The memory behind tensors.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <mica/core/ref.h>

namespace mica {

// Whether memory allocated by this thread is for inference; autograd's InferenceMode sets it.
bool inference_mode();
void set_inference_mode(bool on);

// A block of memory shared by a tensor and its views. Small blocks lie right behind this header.
struct Storage {
  std::atomic<std::uint32_t> refs{1};
  // Counts in-place changes, so that autograd notices when a saved tensor is no longer what was saved.
  std::atomic<std::uint32_t> version{0};
  // The version that the last in-place operation recorded by autograd made; views taken before it are stale.
  std::atomic<std::uint32_t> recorded_version{0};
  // The operation that made the last in-place change (a string literal), for error messages.
  std::atomic<const char*> changed_by{nullptr};
  void* data = nullptr;
  std::size_t bytes = 0;
  // Keeps foreign memory (from_blob, memory maps) alive; empty for our own.
  std::shared_ptr<void> owner;
  bool foreign = false;
  bool inference = inference_mode();  // changes are not counted, so autograd saves none of it

  static Ref<Storage> allocate(std::size_t bytes);
  // Memory that somebody else owns and `owner` (may be empty) keeps alive.
  static Ref<Storage> wrap(void* data, std::size_t bytes, std::shared_ptr<void> owner);
  // Of this size, but with nothing behind it: for tensors that have a shape and no numbers.
  static Ref<Storage> without_memory(std::size_t bytes);
  bool has_memory() const { return data != nullptr || bytes == 0; }
  static void destroy(Storage* storage);

  void changed(const char* operation) {
    if (inference) return;
    changed_by.store(operation, std::memory_order_relaxed);
    version.fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace mica
