// What oneDNN's buffers do to the C library's heap.
#pragma once

namespace mica::kernels::onednn {

// To be called before oneDNN multiplies matrices, on the thread that calls it; free but for the first time.
// At each product each of its threads takes a buffer with posix_memalign. glibc before 2.39 puts what it cuts
// off for the alignment into the thread's cache of small pieces, where it is not joined with the free buffer
// beside it (glibc bug 30723). The next buffer then fits nowhere and is new memory: over 20 MB, and page
// faults in warm steps, until the cache has the seven pieces of each size that it takes. So they are put
// there at once.
void keep_heap_whole();

}  // namespace mica::kernels::onednn
