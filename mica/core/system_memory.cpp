#include <algorithm>
#include <cstdint>
#include <cstdio>

#include <sys/mman.h>
#include <unistd.h>

#include <mica/core/system_memory.h>

namespace mica {

namespace {

void* map(void* address, std::size_t bytes, int protection, int flags) noexcept {
  void* memory = mmap(address, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

// The first multiple of a huge page from here on.
char* next_huge_page(void* memory) noexcept {
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(memory) % huge_page_size;
  return static_cast<char*>(memory) + (misaligned == 0 ? 0 : huge_page_size - misaligned);
}

void want_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE);  // fails where huge pages are off: the memory is good all the same
#endif
}

}  // namespace

void* map_memory(std::size_t bytes) noexcept {
  // Asking for more than needed and trimming is the portable way to an alignment above the page size.
  const bool huge = bytes >= huge_page_size;
  const std::size_t slack = huge ? huge_page_size : 0;
  void* mapping = map(nullptr, bytes + slack, PROT_READ | PROT_WRITE, 0);
  if (mapping == nullptr || !huge) return mapping;

  char* memory = next_huge_page(mapping);
  const auto before = static_cast<std::size_t>(memory - static_cast<char*>(mapping));
  if (before != 0) munmap(mapping, before);
  if (slack != before) munmap(memory + bytes, slack - before);
  want_huge_pages(memory, bytes);
  return memory;
}

void* map_memory_at(void* address, std::size_t bytes) noexcept {
  void* memory = map(address, bytes, PROT_READ | PROT_WRITE, 0);
  if (memory == address) {
    want_huge_pages(memory, bytes);
    return memory;
  }
  if (memory != nullptr) munmap(memory, bytes);
  return nullptr;
}

void* find_address_space(std::size_t bytes) noexcept {
  void* memory = map(nullptr, bytes + huge_page_size, PROT_NONE, MAP_NORESERVE);
  if (memory == nullptr) return nullptr;
  munmap(memory, bytes + huge_page_size);
  return next_huge_page(memory);
}

void unmap_memory(void* memory, std::size_t bytes) noexcept {
  unpoison(memory, bytes);
  munmap(memory, bytes);
}

std::size_t memory_limit() noexcept {
  const auto pages = static_cast<std::size_t>(std::max(sysconf(_SC_PHYS_PAGES), 1L));
  const auto page_size = static_cast<std::size_t>(std::max(sysconf(_SC_PAGESIZE), 1L));
  std::size_t limit = pages * page_size;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/memory.max", "r")) {
    std::size_t group_limit = 0;  // the file may also say "max"
    if (std::fscanf(file, "%zu", &group_limit) == 1) limit = std::min(limit, group_limit);
    std::fclose(file);
  }
  return limit;
}

}  // namespace mica
