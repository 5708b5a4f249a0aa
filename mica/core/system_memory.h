// Memory straight from the operating system, for the allocator.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define MICA_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MICA_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef MICA_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace mica {

inline constexpr std::size_t huge_page_size = std::size_t{2} << 20;

// Maps zeroed memory; `bytes` is a multiple of 64 KiB. From 2 MiB up it is aligned to 2 MiB and backed by
// huge pages where the system has them. Null when the system refuses.
void* map_memory(std::size_t bytes) noexcept;

// Maps `bytes`, a multiple of 2 MiB, at this address, as map_memory() does. Null when something is there
// already, or the system refuses.
void* map_memory_at(void* address, std::size_t bytes) noexcept;

// Where `bytes` could be mapped, since nothing is there, from a multiple of 2 MiB on. Null when nowhere.
void* find_address_space(std::size_t bytes) noexcept;

// Gives mapped memory back, all of a mapping or a part.
void unmap_memory(void* memory, std::size_t bytes) noexcept;

// The memory this process may hope for: that of the machine, or of its control group if that is less.
std::size_t memory_limit() noexcept;

// Cached blocks are poisoned under AddressSanitizer, so that use after free is caught in tensors too.
#ifdef MICA_ADDRESS_SANITIZER
inline constexpr bool has_address_sanitizer = true;
inline void poison(void* memory, std::size_t bytes) { __asan_poison_memory_region(memory, bytes); }
inline void unpoison(void* memory, std::size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
inline constexpr bool has_address_sanitizer = false;
inline void poison(void*, std::size_t) {}
inline void unpoison(void*, std::size_t) {}
#endif

}  // namespace mica
