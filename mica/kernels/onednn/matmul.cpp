#include <fmt/core.h>

#include <mica/core/error.h>
#include <mica/kernels/onednn/heap.h>
#include <mica/kernels/onednn/matmul.h>
#include <mica/kernels/onednn/plan.h>

namespace mica::kernels::onednn {

namespace {

std::string describe(const Gemm& g) {
  return fmt::format("({} x {}) times ({} x {}), batch {}", g.m, g.k, g.k, g.n, g.batch);
}

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
constexpr auto float_type = dnnl::memory::data_type::f32;

// A stack of op(matrix) of (rows, columns). A batch stride of 0 is a stack of one, which oneDNN repeats.
Desc stack(const Gemm& g, std::int64_t rows, std::int64_t columns, bool transposed, std::int64_t leading,
           std::int64_t batch_stride) {
  const std::int64_t row_stride = transposed ? 1 : leading, column_stride = transposed ? leading : 1;
  if (g.batch == 1) return {Dims{rows, columns}, float_type, Dims{row_stride, column_stride}};
  const bool repeated = batch_stride == 0;
  return {Dims{repeated ? 1 : g.batch, rows, columns}, float_type,
          Dims{repeated ? rows * columns : batch_stride, row_stride, column_stride}};
}

Plan make_plan(const Gemm& g, bool has_bias) {
  MatmulDescs d;
  d.src = stack(g, g.m, g.k, g.trans_a, g.lda, g.batch_stride_a);
  d.weights = stack(g, g.k, g.n, g.trans_b, g.ldb, g.batch_stride_b);
  d.dst = stack(g, g.m, g.n, false, g.ldc, g.batch_stride_c);
  if (has_bias) {
    d.bias = g.batch == 1 ? Desc(Dims{1, g.n}, float_type, Dims{g.n, 1})
                          : Desc(Dims{1, 1, g.n}, float_type, Dims{g.n, g.n, 1});
  }
  const auto primitive = make_matmul(d, plan_attributes());
  std::vector<Plan::Operand> inputs{{DNNL_ARG_SRC, d.src, d.src}, {DNNL_ARG_WEIGHTS, d.weights, d.weights}};
  if (has_bias) inputs.push_back({DNNL_ARG_BIAS, d.bias, d.bias});
  const Plan::Operand output{DNNL_ARG_DST, d.dst, d.dst};
  return Plan(dnnl::matmul(primitive), inputs, {&output, 1}, primitive.scratchpad_desc());
}

}  // namespace

void sgemm(const Gemm& g, std::int64_t index) {
  keep_heap_whole();
  const float* a = static_cast<const float*>(g.a) + index * g.batch_stride_a;
  const float* b = static_cast<const float*>(g.b) + index * g.batch_stride_b;
  float* c = static_cast<float*>(g.c) + index * g.batch_stride_c;
  const dnnl::status status = dnnl::sgemm(g.trans_a ? 'T' : 'N', g.trans_b ? 'T' : 'N', g.m, g.n, g.k, 1.0F,
                                          a, g.lda, b, g.ldb, static_cast<float>(g.beta), c, g.ldc);
  if (status != dnnl::status::success) {
    throw Error("gemm", fmt::format("oneDNN failed on {}: status {}", describe(g), static_cast<int>(status)));
  }
}

bool matmul(const Gemm& g, const float* bias) {
  // A batch that only c has is nothing oneDNN knows.
  if (g.batch > 1 && g.batch_stride_a == 0 && g.batch_stride_b == 0) return false;
  keep_heap_whole();
  using Cache = PlanCache<14>;
  thread_local Cache cache;
  const ThreadScope threads(g.m * g.n * g.k * g.batch);
  try {
    const Cache::Key key{g.trans_a,
                         g.trans_b,
                         g.m,
                         g.n,
                         g.k,
                         g.lda,
                         g.ldb,
                         g.ldc,
                         g.batch,
                         g.batch_stride_a,
                         g.batch_stride_b,
                         g.batch_stride_c,
                         bias != nullptr,
                         threads.count()};
    Plan* plan = cache.find_or_make(key, [&] { return make_plan(g, bias != nullptr); });
    if (plan == nullptr) return false;
    plan->run(std::array{g.a, g.b, static_cast<const void*>(bias)}, std::array{g.c});
    return true;
  } catch (const dnnl::error& e) {
    throw Error("gemm", fmt::format("oneDNN failed on {}: {}", describe(g), e.what()));
  }
}

}  // namespace mica::kernels::onednn
