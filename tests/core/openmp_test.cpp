// One OpenMP runtime, and so one pool of threads, serves both this library and oneDNN.
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <dnnl.h>
#include <gtest/gtest.h>
#include <omp.h>
#include <pthread.h>

namespace {

// The shared object that holds `address`, as the dynamic linker resolved it.
std::string object_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? std::filesystem::canonical(info.dli_fname).string() : "";
}

std::ptrdiff_t threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void multiply(dnnl_dim_t n, std::vector<float>& c) {
  const std::vector<float> a(static_cast<std::size_t>(n * n), 1.0F);
  ASSERT_EQ(dnnl_sgemm('N', 'N', n, n, n, 1.0F, a.data(), n, a.data(), n, 0.0F, c.data(), n), dnnl_success);
}

}  // namespace

TEST(OpenMP, OneRuntimeServesOneDnnsCallsAndOurs) {
  const void* gomp = dlsym(RTLD_DEFAULT, "GOMP_parallel");
  ASSERT_NE(gomp, nullptr);
  const std::string ours = object_of(reinterpret_cast<const void*>(&omp_get_max_threads));
  EXPECT_EQ(object_of(gomp), ours);
#ifdef __clang__
  EXPECT_NE(ours.find("libomp"), std::string::npos) << ours;
#endif
}

TEST(OpenMP, OneDnnWorksOnTheThreadsOfOurPool) {
  omp_set_num_threads(2);
  std::vector<clockid_t> clocks(2);
#pragma omp parallel
  pthread_getcpuclockid(pthread_self(), &clocks[static_cast<std::size_t>(omp_get_thread_num())]);
  const std::ptrdiff_t threads = threads_of_process();

  // Idle workers may spin for a while before they sleep; that time must not count as work.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double before = cpu_seconds(clocks[1]);
  constexpr dnnl_dim_t n = 1024;
  std::vector<float> c(n * n);
  multiply(n, c);
  const double worked = cpu_seconds(clocks[1]) - before;

  EXPECT_EQ(c.back(), static_cast<float>(n));
  EXPECT_EQ(threads_of_process(), threads) << "oneDNN started threads of its own";
  EXPECT_GT(worked, 1e-3) << "the pool's worker took no part in oneDNN's product";
}
