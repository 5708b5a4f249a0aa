#include <new>
#include <utility>

#include <mica/core/allocator.h>
#include <mica/tensor/storage.h>

namespace mica {

namespace {
constexpr std::size_t header = 128;              // a multiple of the 64-byte alignment
constexpr std::size_t small_block = 256 * 1024;  // larger ones keep their own size class and page alignment
static_assert(sizeof(Storage) <= header);
bool is_inline(std::size_t bytes) { return bytes <= small_block; }
thread_local bool inference = false;
}  // namespace

bool inference_mode() { return inference; }
void set_inference_mode(bool on) { inference = on; }

Ref<Storage> Storage::allocate(std::size_t bytes) {
  const bool inside = is_inline(bytes);
  void* block = mica::allocate(inside ? header + bytes : header);
  auto* storage = new (block) Storage;
  storage->bytes = bytes;
  if (inside) {
    storage->data = static_cast<std::byte*>(block) + header;
  } else {
    try {
      storage->data = mica::allocate(bytes);
    } catch (...) {
      storage->~Storage();
      mica::deallocate(block, header);
      throw;
    }
  }
  return Ref<Storage>::adopt(storage);
}

Ref<Storage> Storage::wrap(void* data, std::size_t bytes, std::shared_ptr<void> owner) {
  auto* storage = new (mica::allocate(header)) Storage;
  storage->data = data;
  storage->bytes = bytes;
  storage->owner = std::move(owner);
  storage->foreign = true;
  return Ref<Storage>::adopt(storage);
}

Ref<Storage> Storage::without_memory(std::size_t bytes) { return wrap(nullptr, bytes, {}); }

void Storage::destroy(Storage* storage) {
  const std::size_t bytes = storage->bytes;
  const bool foreign = storage->foreign;
  void* data = storage->data;
  storage->~Storage();
  if (foreign) {
    mica::deallocate(storage, header);
  } else if (is_inline(bytes)) {
    mica::deallocate(storage, header + bytes);
  } else {
    mica::deallocate(data, bytes);
    mica::deallocate(storage, header);
  }
}

}  // namespace mica
